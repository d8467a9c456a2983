"""Where BN and ReLU stand: Figure 4 of He et al. 2016."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Placement:
    title: str
    figure: str
    pre: str
    post: str
    after: str

    @property
    def name(self) -> str:
        return f"{self.figure} {self.title}"

    @property
    def slots(self) -> tuple[str, str, str]:
        return self.pre, self.post, self.after


# fmt: off
PLACEMENTS = {
    "original":             Placement("Original",                 "4(a)", pre="",        post="bn",      after="relu"),
    "bn_after_addition":    Placement("BN after addition",        "4(b)", pre="",        post="",     after="bn relu"),
    "relu_before_addition": Placement("ReLU before addition",     "4(c)", pre="",        post="bn relu",    after=""),
    "relu_only_preact":     Placement("ReLU-only pre-activation", "4(d)", pre="relu",    post="bn",         after=""),
    "full_preact":          Placement("Full pre-activation",      "4(e)", pre="bn relu", post="",           after=""),
}
# fmt: on

SLOTS = {
    "pre": "before the first convolution",
    "post": "between the last convolution and the addition",
    "after": "after the addition",
}
