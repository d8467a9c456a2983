"""What is said of a claim: which nets are compared, what was found, what would decide it."""

from resnet_lab.block_config import BlockConfig, named_numbers
from resnet_lab.model_config import ModelConfig
from resnet_lab.papers.budgets import BUDGETS
from resnet_lab.papers.measures import MEASURES
from resnet_lab.papers.paper_tables import PAPER
from resnet_lab.papers.statistics import MOST_SEEDS, has_spread
from resnet_lab.papers.verdicts import FIRST_SEEDS, UNDECIDED, Comparison, Verdict
from resnet_lab.shortcuts import SHORTCUTS
from resnet_lab.ui.launching import counted


def names(one: Comparison) -> tuple[str, str]:
    """Both nets by what differs between them."""
    first, second = one.first.model, one.second.model
    if is_of_nets(one):
        return first.title, second.title
    if first.block.placement != second.block.placement:
        return first.block.ops.title, second.block.ops.title
    return shortcut_words(first.block), shortcut_words(second.block)


def full_names(one: Comparison) -> tuple[str, str]:
    """Such that they can stand alone."""
    first, second = names(one)
    net = net_words(one.first.model)
    return (first, second) if is_of_nets(one) else (f"{net}, {first}", f"{net}, {second}")


def is_of_nets(one: Comparison) -> bool:
    """Whether more differs than the units of one net: its depth, or whether it has shortcuts at all."""
    first, second = one.first.model, one.second.model
    return first.depth != second.depth or first.block.is_plain != second.block.is_plain


def shortcut_words(block: BlockConfig) -> str:
    """'Exclusive gating, gate bias −6'"""
    numbers = named_numbers(block.arguments).replace("-", "−")
    return ", ".join(part for part in (SHORTCUTS[block.shortcut].title, numbers) if part)


def expected_words(verdict: Verdict) -> str:
    """'ResNet-56. Exclusive gating, gate bias −6 against Identity: training loss higher.'"""
    alike: dict[tuple[str, str], list[str]] = {}
    for one in verdict.comparisons:
        first, second = names(one)
        alike.setdefault((second, one.pair.words(one.measure)), []).append(first)
    lines = [f"{'; '.join(firsts)} against {second}: {words}." for (second, words), firsts in alike.items()]
    one = verdict.comparisons[0]
    return " ".join(lines if is_of_nets(one) else [f"{net_words(one.first.model)}.", *lines])


def net_words(model: ModelConfig) -> str:
    return f"{model.title} of bottlenecks" if model.unit == "bottleneck" else model.title


def result_words(verdict: Verdict) -> list[str]:
    """A line for each comparison that there is."""
    known = [one for one in verdict.comparisons if one.n]
    if len(verdict.comparisons) == 1:
        return [f"Difference {found_words(one)}" for one in known]
    firsts = {names(one)[0] for one in verdict.comparisons}
    return [f"{names(one)[0] if len(firsts) > 1 else MEASURES[one.measure].words}: {found_words(one)}" for one in known]


def found_words(one: Comparison) -> str:
    """'+0.520, 95% from +0.410 to +0.600, n = 6'; of few seeds each difference instead of an interval."""
    measure = MEASURES[one.measure]
    told, n = f"{measure.signed(one.mean)} {measure.unit}".strip(), f"n\u00a0=\u00a0{one.n}"
    if one.interval:
        low, high = (measure.signed(bound) for bound in one.interval)
        return f"{told}, 95% from {low} to {high}, {n}"
    each = ", ".join(measure.signed(value) for value in one.differences)
    return f"{told} ({each}), {n}" if one.n > 1 else f"{told}, {n}"


def depths(verdict: Verdict) -> tuple[int, int]:
    """Of the nets that the papers say it of, and of those that are compared here."""
    one = verdict.comparisons[0]
    return verdict.claim.layers or one.pair.first(BUDGETS[PAPER]).model.depth, one.first.model.depth


def scope_words(verdict: Verdict) -> str:
    """Nothing where nets of the papers' own depth are compared."""
    if not verdict.comparisons:
        return ""
    published, here = depths(verdict)
    return f"Published for {published} layers, tested here with {here}." if published != here else ""


def verdict_words(verdict: Verdict) -> str:
    """'Supported at 20 layers, p = 0.0002, adjusted 0.012'"""
    if verdict.evidence is None or verdict.adjusted is None:
        return verdict.word.capitalize()
    published, here = depths(verdict)
    scope = f" at {here} layers" if verdict.word != UNDECIDED and published != here else ""
    return (
        f"{verdict.word.capitalize()}{scope}, {p_words(verdict.evidence.p_of_one_look)}, "
        f"adjusted {p_words(verdict.adjusted)}"
    )


def p_words(p: float) -> str:
    return f"p = {p:.2g}" if p >= 0.0001 else "p < 0.0001"


def origin_words(verdict: Verdict) -> str:
    """'12 runs: 4 shipped with the lab, 1 diverged'"""
    runs = {result.run.id: result for one in verdict.comparisons for pair in one.results for result in pair}
    shipped = sum(result.is_shipped for result in runs.values())
    diverged = sum(result.has_diverged for result in runs.values())
    words = [f"{'all' if shipped == len(runs) else shipped or 'none'} shipped with the lab"]
    if diverged:
        words.append(f"{diverged} diverged, counted as guessing")
    return f"{counted(len(runs), 'run')}: {', '.join(words)}."


def plan_words(verdict: Verdict) -> str:
    """What would decide it; nothing where it is decided."""
    if verdict.word != UNDECIDED:
        return ""
    if verdict.seeds_in_all:
        if verdict.n < FIRST_SEEDS:
            return f"{seeds_words(verdict).capitalize()} of each net would show how far seeds differ."
        return f"About {seeds_words(verdict)} would probably decide it, if the truth is as measured so far."
    if all(map(has_spread, verdict.parts)):
        return f"Not even {MOST_SEEDS} seeds would probably decide it, if the truth is as measured so far."
    return "All seeds differ by the same, so there is no spread to test against."


def seeds_words(verdict: Verdict) -> str:
    """'3 seeds', '2 more seeds'"""
    return counted((verdict.seeds_in_all or 0) - verdict.n, "more seed" if verdict.n else "seed")
