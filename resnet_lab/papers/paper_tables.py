"""The tables and figures of the two papers: their rows with what was published, and as nets that can be trained."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from resnet_lab.block_config import BlockConfig
from resnet_lab.families import UNITS
from resnet_lab.model_config import ModelConfig
from resnet_lab.papers.budgets import BUDGETS, OF_CIFAR_10, Budget
from resnet_lab.placements import PLACEMENTS
from resnet_lab.references import (
    FAILED,
    MEDIAN,
    REFERENCES,
    TABLE_1,
    TABLE_2,
    TABLE_3,
    TABLE_6,
    Reference,
    block,
    placed,
)
from resnet_lab.run_config import RunConfig
from resnet_lab.shortcuts import SHORTCUTS


@dataclass(frozen=True)
class Row:
    """A row in the words of the paper. `model` is None where this lab has no such net, and `note` says why."""

    label: str
    detail: str
    group: str  # rows of one group stand together; they are a curve of the chart over depth
    published: str  # a number, or the paper's words
    value: float | None  # the number
    runs: str  # what the number is of
    model: ModelConfig | None
    note: str = ""

    @property
    def words(self) -> str:
        """All that tells it apart."""
        return ", ".join(part for part in (self.label, self.detail, self.group) if part)


PAPERS = {
    "He et al. 2015": ("Deep Residual Learning for Image Recognition", "1512.03385"),
    "He et al. 2016": ("Identity Mappings in Deep Residual Networks", "1603.05027"),
}
PAPER = "paper"  # the recipe of the published setting
EARLY = "minute"  # a recipe so short that the training loss tells more than the test error


@dataclass(frozen=True)
class Table:
    """`is_by_depth`: depth is what the rows are about, so that smaller budgets keep it."""

    source: str
    caption: str
    rows: tuple[Row, ...]
    is_by_depth: bool = False
    measure: str = "test_error"
    budgets: tuple[str, ...] = OF_CIFAR_10
    note: str = ""

    @property
    def title(self) -> str:
        """'2016, Table 1'"""
        return self.source.removeprefix("He et al. ")

    @property
    def paper(self) -> tuple[str, str]:
        """Its title, and its number on arXiv."""
        return PAPERS[self.source.split(",")[0]]

    def measure_of(self, budget: str) -> str:
        """The field of a result that is shown of runs of this budget."""
        return "loss" if self.measure == "test_error" and BUDGETS[budget].recipe == EARLY else self.measure

    def config(self, row: Row, budget: str, seed: int = 0) -> RunConfig | None:
        """The run that the cell needs; None where this lab has no such net."""
        if row.model is None:
            return None
        return self.sized(BUDGETS[budget]).small(row.model, seed=seed)

    def sized(self, budget: Budget) -> Budget:
        return replace(budget, depths={}) if self.is_by_depth else budget

    def nets(self, budget: str) -> str:
        """'ResNet-56, width 0.5'; nothing of depth where the rows say it."""
        models = [config.model for row in self.rows if (config := self.config(row, budget))]
        depths = {} if self.is_by_depth else {model.unit: model.depth for model in models}
        sizes = " and ".join(f"ResNet-{depth}{BOTTLENECKS[unit]}" for unit, depth in depths.items())
        width = f"width {models[0].width:g}" if models[0].width != 1 else ""
        return ", ".join(part for part in (sizes, width) if part)


BOTTLENECKS = {unit: "" if unit == "basic" else f" of {kind.title.lower()}s" for unit, kind in UNITS.items()}

# fmt: off
FACTORS = {  # what Table 1 has on the shortcut and on the branch
    "none":                 ("0", "1: a plain net"),
    "identity":             ("1", "1"),
    "constant_scaling":     ("{scale:g}", "{branch_scale:g}"),
    "exclusive_gating":     ("1−g", "g, gate bias {gate_bias:g}"),
    "shortcut_only_gating": ("1−g", "1, gate bias {gate_bias:g}"),
    "conv":                 ("1×1 conv", "1"),
    "dropout":              ("dropout {p:g}", "1"),
}
# fmt: on


def by_shortcut(reference: Reference) -> Row:
    """As Table 1 of the 2016 paper has it, which calls a plain net a scaling by 0."""
    key, numbers = reference.block.shortcut, reference.block.arguments
    shortcut, branch = (factor.format(**numbers) for factor in FACTORS[key])
    name = SHORTCUTS["constant_scaling" if key == "none" else key].name
    return row_of(reference, name, detail=f"shortcut {shortcut}, branch {branch}".replace("-", "−"))


def by_placement(reference: Reference) -> Row:
    group = f"ResNet-{reference.depth}{BOTTLENECKS[reference.unit]}"
    return row_of(reference, PLACEMENTS[reference.block.placement].name, group=group)


def by_depth(reference: Reference) -> Row:
    unit = f"units of {UNITS[reference.unit].num_convs} layers"
    return row_of(reference, f"ResNet-{reference.depth}", unit, PLACEMENTS[reference.block.placement].title)


def row_of(reference: Reference, label: str, detail: str = "", group: str = "") -> Row:
    error = reference.error
    words = f"above {FAILED}" if error is None else f"{error:.2f}"
    return Row(label, detail, group, words, error, reference.runs, reference.model)


def rows(as_row: Callable[[Reference], Row], references: Iterable[Reference]) -> tuple[Row, ...]:
    return tuple(as_row(reference) for reference in references)


def of(*sources: str, **fields: Any) -> list[Reference]:
    """Those references whose fields are these."""
    from_there = [reference for reference in REFERENCES if reference.source in sources]
    return [each for each in from_there if all(getattr(each, name) == value for name, value in fields.items())]


# ---- Figures 1, 6 and 7 of the 2015 paper, which draws but does not tabulate

DRAWN = "drawn, no number"
PLAIN_110 = "above 60"  # in the caption of Figure 6


def plain(reference: Reference) -> Row:
    words = PLAIN_110 if reference.depth == 110 else DRAWN
    model = reference.model.with_block(block("none"))
    return Row(f"Plain-{reference.depth}", "", "Plain", words, None, "", model)


def residual(reference: Reference) -> Row:
    return row_of(reference, f"ResNet-{reference.depth}", group="Residual")


def responding(as_row: Callable[[Reference], Row], depths: Iterable[int]) -> tuple[Row, ...]:
    found = [as_row(reference) for reference in of(TABLE_6) if reference.depth in depths]
    return tuple(replace(row, published=DRAWN, value=None, runs="") for row in found)


FIGURE_6_NETS = [reference for reference in of(TABLE_6) if reference.depth <= 110]

# ---- Table 3 of the 2016 paper


def one_layer(group: str, error: float) -> Row:
    note = "A unit of this lab has two or three layers: this net cannot be trained here."
    return Row("ResNet-110", "units of 1 layer", group, f"{error:.2f}", error, MEDIAN, None, note)


def in_table_3(placement: str, data: str) -> list[Reference]:
    """In the order of the paper; what it repeats from Tables 1 and 2 is there once."""
    found = [r for r in of(TABLE_1, TABLE_2, TABLE_3, data=data) if r.block == placed(placement)]
    return sorted(found, key=lambda reference: reference.depth)


# fmt: off
TABLES = {
    "figure6": Table("He et al. 2015, Figures 1 and 6",
        "Plain nets become worse as they become deeper, on the training images too; residual nets become better. "
        "The paper draws these errors. It tabulates those of the residual nets.",
        rows(plain, FIGURE_6_NETS) + rows(residual, FIGURE_6_NETS), is_by_depth=True),
    "table6": Table(TABLE_6,
        "Residual nets gain from depth up to 110 layers. With 1202 the test error is higher again.",
        rows(residual, of(TABLE_6)), is_by_depth=True),
    "figure7": Table("He et al. 2015, Figure 7",
        "How strongly the layers respond: the standard deviation of what a layer puts out, after BN, before ReLU and "
        "addition. The paper draws them, and says that residual nets respond less than plain ones, and deeper residual "
        "nets less than shallower ones.",
        responding(plain, (20, 56)) + responding(residual, (20, 56, 110)), is_by_depth=True, measure="response"),
    "table1": Table(TABLE_1,
        "What the shortcut of ResNet-110 may do to the signal. Whatever is not the identity has a higher error, and "
        "where it is above 20% the paper writes “fail”.",
        rows(by_shortcut, of(TABLE_1)), note="The paper has the gate biases from 0 to −5 in one row."),
    "table2": Table(TABLE_2,
        "Where BN and ReLU stand, with the identity as shortcut.",
        rows(by_placement, [*of(TABLE_1, block=BlockConfig()), *of(TABLE_2)])),
    "table3": Table(TABLE_3,
        "The original unit and full pre-activation as nets become deeper, on CIFAR-10.",
        tuple(row
              for placement, error in (("original", 9.90), ("full_preact", 8.91))
              for row in (one_layer(PLACEMENTS[placement].title, error),
                          *rows(by_depth, in_table_3(placement, "cifar10")))),
        is_by_depth=True),
    "table3_cifar100": Table(f"{TABLE_3}, CIFAR-100",
        "The original unit and full pre-activation as nets become deeper, on CIFAR-100.",
        tuple(row for placement in ("original", "full_preact")
              for row in rows(by_depth, in_table_3(placement, "cifar100"))),
        is_by_depth=True, budgets=("paper_cifar100",)),
}
# fmt: on
