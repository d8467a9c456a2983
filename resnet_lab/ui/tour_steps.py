"""The steps of the tour: which nets each is about, what is drawn and measured of them, and where it leads on."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from resnet_lab.block_config import BlockConfig
from resnet_lab.references import (
    FAILED,
    REFERENCES,
    TABLE_1,
    TABLE_2,
    TABLE_3,
    TABLE_6,
    Reference,
    block,
    placed,
)
from resnet_lab.ui.run_styles import Style, style_of


@dataclass(frozen=True)
class Contender:
    """A block of the story, in the same colour wherever its runs are drawn on Home and in the tour."""

    block: BlockConfig
    style: Style


# fmt: off
CONTENDERS = {
    "plain":             Contender(block("none"), style_of(5)),
    "identity":          Contender(block("identity"), style_of(0)),
    "full_preact":       Contender(placed("full_preact"), style_of(2)),
    "open_gate":         Contender(block("exclusive_gating", gate_bias=0), style_of(1)),
    "shut_gate":         Contender(block("exclusive_gating", gate_bias=-6), style_of(3)),
    "bn_after_addition": Contender(placed("bn_after_addition"), style_of(4)),
}
# fmt: on


@dataclass(frozen=True)
class Step:
    """`nets` are shown as they were trained, and trained at these depths where the visitor asks for it."""

    key: str
    nets: tuple[str, ...]  # of the contenders
    depths: tuple[int, ...]
    measures: tuple[str, ...] = ("loss", "test_error")  # of the runs
    control: str = ""  # which number of the X-ray the visitor moves
    xray: tuple[str, ...] = ()  # its measures
    xrayed: tuple[str, str] = ("full_preact", "identity")  # of the contenders: one, and what it is held against
    cited: Mapping[str, Reference] = field(default_factory=dict)  # published numbers, by their names in the text
    leads: tuple[str, ...] = ("build", "compare")


def published(table: str, depth: int, block: BlockConfig = CONTENDERS["identity"].block) -> Reference:
    """That row of that table, on CIFAR-10."""
    rows = [each for each in REFERENCES if each.source == table and each.data == "cifar10"]
    [found] = [each for each in rows if (each.depth, each.block) == (depth, block)]
    return found


HALVES = block("constant_scaling", scale=0.5, branch_scale=0.5)
STEPS = (
    Step(
        key="degradation",
        nets=("plain",),
        depths=(20, 56),
        control="depth",
        xray=("gradient_norm",),
        xrayed=("plain", "identity"),
    ),
    Step(
        key="residual",
        nets=("plain", "identity"),
        depths=(56,),
        control="depth",
        xray=("shortcut_share",),
        xrayed=("identity", "plain"),
        cited={f"resnet{depth}": published(TABLE_6, depth) for depth in (20, 56, 110, 1202)},
    ),
    Step(
        key="shortcut",
        nets=("identity", "open_gate", "shut_gate"),
        depths=(56,),
        control="gate",
        xray=("shortcut_signal", "gradient_norm"),
        xrayed=("shut_gate", "identity"),
        cited={
            "identity": published(TABLE_1, 110),
            "gated": published(TABLE_1, 110, CONTENDERS["shut_gate"].block),
            "scaled": published(TABLE_1, 110, HALVES),
        },
    ),
    Step(
        key="preactivation",
        nets=("identity", "bn_after_addition", "full_preact"),
        depths=(56,),
        control="depth",
        xray=("mean_square",),
        xrayed=("full_preact", "identity"),
        cited={
            "original": published(TABLE_1, 110),
            "preact": published(TABLE_2, 110, CONTENDERS["full_preact"].block),
            "original164": published(TABLE_2, 164),
            "preact164": published(TABLE_2, 164, CONTENDERS["full_preact"].block),
            "original1001": published(TABLE_3, 1001),
            "preact1001": published(TABLE_3, 1001, CONTENDERS["full_preact"].block),
            "after": published(TABLE_2, 110, placed("bn_after_addition")),
        },
    ),
    Step(
        key="open",
        nets=("plain", "identity", "full_preact"),
        depths=(56,),
        leads=("build_own", "compare", "look", "tables", "claims"),
    ),
)


def cited(step: Step) -> dict[str, str]:
    """The published numbers as the text of the step has them."""
    assert all(each.error is not None for each in step.cited.values()), "a net that failed has no number"
    return {"failed": f"{FAILED}"} | {name: f"{each.error:.2f}%" for name, each in step.cited.items()}
