"""Sentences of the two papers that runs can support or contradict. A new claim is one entry of the table below."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from resnet_lab.block_config import BlockConfig
from resnet_lab.model_config import ModelConfig
from resnet_lab.papers.budgets import Budget
from resnet_lab.papers.measures import EXPECTATIONS, MEASURES
from resnet_lab.papers.statistics import Differences
from resnet_lab.presets import PRESETS
from resnet_lab.references import BOTTLENECK, block, placed
from resnet_lab.run_config import RunConfig

Arm = Callable[[Budget], RunConfig]


@dataclass(frozen=True)
class Pair:
    """Two nets, what is measured in both, by recipe, and how the first should come out."""

    first: Arm
    second: Arm
    expects: str
    measures: Mapping[str, str]

    def parts(self, measure: str, differences: Differences) -> list[Differences]:
        """Turned so that the claim says of each: its mean is above 0."""
        margin = MEASURES[measure].margin
        return [tuple(part(d, margin) for d in differences) for part in EXPECTATIONS[self.expects].parts]

    def words(self, measure: str) -> str:
        """'training loss higher'"""
        measured = MEASURES[measure]
        return f"{measured.words} {EXPECTATIONS[self.expects].words.format(margin=measured.margin_words)}"


@dataclass(frozen=True)
class Claim:
    """It holds where all of its pairs come out as they should."""

    key: str
    sentence: str
    citation: str
    pairs: tuple[Pair, ...]
    untested: str = ""  # why not by the recipes that a pair has no measure for
    note: str = ""  # later criticism, or what to keep in mind
    layers: int = 0  # of the paper's nets, where they are not those of the pairs

    def is_tested(self, budget: Budget) -> bool:
        return all(budget.recipe in pair.measures for pair in self.pairs)


def net(block: BlockConfig, depth: int = 110, **fields: Any) -> Arm:
    """Of a table about one deep net: as deep as the budget bears."""
    return lambda budget: budget.small(ModelConfig(depth=depth, block=block, **fields))


def of_depth(depth: int, block: BlockConfig) -> Arm:
    """As deep as it says by every budget: the depth is what the claim is about."""
    return lambda budget: budget.small(ModelConfig(block=block), depth=depth)


IDENTITY, PLAIN, PREACTIVATED = BlockConfig(), block("none"), placed("full_preact")
OPEN, SHUT = (block("exclusive_gating", gate_bias=bias) for bias in (0, -6))
SCALED, SCALED_SHORTCUT = (block("constant_scaling", scale=0.5, branch_scale=scale) for scale in (0.5, 1))
HALF_OPEN, CLOSED = (block("shortcut_only_gating", gate_bias=bias) for bias in (0, -6))
CONV, DROPOUT = block("conv"), block("dropout", p=0.5)

AT_THE_END = ("quick", "paper")
TABULATED = {"minute": "loss"} | dict.fromkeys(AT_THE_END, "test_error")  # as the papers' tables, where it is time
TRAINED = dict.fromkeys(PRESETS, "train_error")


def at_the_end(measure: str) -> dict[str, str]:
    return dict.fromkeys(AT_THE_END, measure)


def against_identity(block: BlockConfig, expects: str = "higher", measures: Mapping[str, str] = TABULATED) -> Pair:
    return Pair(net(block), net(IDENTITY), expects, measures)


TOO_EARLY = "It is about nets that have been trained to the end, and the minute recipe shows how training begins."
TOO_LATE = "It is about how training begins, and what counts by this recipe is how it ends."
OTHER_GATES = (
    "Depends on how the gate is built: with a redesigned gate, R. Srivastava's highway-resnet-comparison (2025) "
    "reports a test error of 6.04% beside 6.25% for ResNet-110, one run each. Tested here is the gate of the paper."
)
NOISY = "Dropping values raises by itself the training loss, which is what counts by this recipe."
OTHERS = "A gate on the shortcut alone that starts nearly closed, and dropout, have claims of their own."
SHALLOW = "At 18 layers, on ImageNet, the paper finds plain and residual net about equally accurate (section 4.1)."
VERY_DEEP = "With 164 layers the paper calls the effect not severe."
ONLY_DEEP = (
    "At 34 layers, on ImageNet, such shortcuts did well (He et al. 2015): the paper says this of deep nets only."
)
FROM_110 = "The paper has it from 110 layers on, and says nothing of shallower nets."

DEGRADATION = (
    Claim(
        "plain_degrades",
        "A deeper plain net has a higher training error than a shallower one.",
        "He et al. 2015, section 1 and figures 1 and 6 (left)",
        (Pair(of_depth(56, PLAIN), of_depth(20, PLAIN), "higher", TRAINED),),
    ),
    Claim(
        "residual_does_not",
        "A deeper residual net has no higher training error than a shallower one.",
        "He et al. 2015, section 4.2 and figure 6 (middle)",
        (Pair(of_depth(56, IDENTITY), of_depth(20, IDENTITY), "not higher", at_the_end("train_error")),),
        TOO_EARLY,
    ),
    Claim(
        "residual_beats_plain",
        "A residual net has a lower training error than the plain net of the same depth.",
        "He et al. 2015, section 4.2 and figure 6",
        (Pair(net(IDENTITY, 56), net(PLAIN, 56), "lower", TRAINED),),
        note=SHALLOW,
    ),
    Claim(
        "responses_smaller",
        "The layers of a residual net respond less strongly than those of the plain net.",
        "He et al. 2015, section 4.2 and figure 7",
        (Pair(net(IDENTITY, 56), net(PLAIN, 56), "lower", at_the_end("response")),),
        TOO_EARLY,
    ),
    Claim(
        "deeper_responses_smaller",
        "The deeper the residual net, the less does each of its layers respond.",
        "He et al. 2015, section 4.2 and figure 7",
        (Pair(of_depth(56, IDENTITY), of_depth(20, IDENTITY), "lower", at_the_end("response")),),
        TOO_EARLY,
    ),
)
SHORTCUTS = (
    Claim(
        "any_manipulation",
        "Scaling, gating or convolving what the shortcut carries: each makes the net worse.",
        "He et al. 2016, sections 3.1 and 3.2, table 1",
        tuple(map(against_identity, (SCALED, SCALED_SHORTCUT, OPEN, SHUT, HALF_OPEN, CONV))),
        note=f"{OTHERS} {OTHER_GATES}",
    ),
    Claim(
        "scaling",
        "Halving the shortcut and the branch makes the net worse.",
        "He et al. 2016, section 3.1, table 1",
        (against_identity(SCALED),),
    ),
    Claim(
        "exclusive_gating",
        "Even with the best bias that is published, −6, exclusive gating stays behind the identity.",
        "He et al. 2016, section 3.1, table 1",
        (against_identity(SHUT),),
        note=OTHER_GATES,
    ),
    Claim(
        "gate_bias",
        "The bias that the gate starts with is critical: with 0, exclusive gating is worse than with −6.",
        "He et al. 2016, section 3.1, table 1",
        (Pair(net(OPEN), net(SHUT), "higher", TABULATED),),
        note=OTHER_GATES,
    ),
    Claim(
        "half_open_gate",
        "A gate on the shortcut alone that starts half open makes the net worse.",
        "He et al. 2016, section 3.1, table 1",
        (against_identity(HALF_OPEN),),
        note=OTHER_GATES,
    ),
    Claim(
        "closed_gate",
        "A gate on the shortcut alone that starts nearly closed leaves the net about as it is with the identity.",
        "He et al. 2016, section 3.1, table 1",
        (against_identity(CLOSED, "the same"),),
    ),
    Claim(
        "conv_shortcut",
        "A 1×1 convolution on the shortcut makes a deep net worse, although it can represent more.",
        "He et al. 2016, section 3.1, table 1",
        (against_identity(CONV),),
        note=ONLY_DEEP,
    ),
    Claim(
        "dropout_shortcut",
        "With dropout on the shortcut the net comes to a worse solution than with the identity.",
        "He et al. 2016, section 3.1, table 1",
        (against_identity(DROPOUT, measures=at_the_end("test_error")),),
        NOISY,
    ),
)
PLACEMENTS = (
    Claim(
        "bn_after_addition",
        "BN after the addition is worse than the original unit.",
        "He et al. 2016, section 4.1, table 2 and figure 6 (left)",
        (against_identity(placed("bn_after_addition")),),
    ),
    Claim(
        "relu_before_addition",
        "ReLU before the addition is worse than the original unit.",
        "He et al. 2016, section 4.1, table 2",
        (against_identity(placed("relu_before_addition")),),
    ),
    Claim(
        "relu_only",
        "Pre-activation by ReLU alone is about as good as the original unit.",
        "He et al. 2016, section 4.1, table 2",
        (against_identity(placed("relu_only_preact"), "the same"),),
    ),
    Claim(
        "preactivation_starts_faster",
        "With full pre-activation a deep net begins to train faster.",
        "He et al. 2016, section 4.2 and figure 1",
        (against_identity(PREACTIVATED, "lower", {"minute": "loss"}),),
        TOO_LATE,
        VERY_DEEP,
        layers=1001,
    ),
    Claim(
        "preactivation_generalises",
        "Full pre-activation has a lower test error than the original unit.",
        "He et al. 2016, section 4.1, table 2",
        (against_identity(PREACTIVATED, "lower", at_the_end("test_error")),),
        TOO_EARLY,
        FROM_110,
    ),
    Claim(
        "preactivation_regularises",
        "Full pre-activation ends with a higher training loss, and yet with a lower test error.",
        "He et al. 2016, section 4.2 and figure 6 (right), ResNet-164 of bottlenecks",
        tuple(
            Pair(net(PREACTIVATED, 164, **BOTTLENECK), net(IDENTITY, 164, **BOTTLENECK), expects, at_the_end(measure))
            for expects, measure in (("higher", "loss"), ("lower", "test_error"))
        ),
        TOO_EARLY,
    ),
)
TOPICS = {
    "Depth": DEGRADATION,
    "What is done to the shortcut": SHORTCUTS,
    "Where BN and ReLU stand": PLACEMENTS,
}
CLAIMS = {claim.key: claim for claims in TOPICS.values() for claim in claims}
