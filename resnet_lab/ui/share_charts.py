"""The charts of what shortcut and branch bring to each addition, and of what flows through them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from resnet_lab.ui.board import Chart
from resnet_lab.ui.charts import Measure, as_text, layout, mark_stages
from resnet_lab.ui.lesion_charts import markers
from resnet_lab.ui.palette import BRANCH, FAINT, HEAT, INK, PATH, RUNS
from resnet_lab.ui.traces import colour_bar, run_figure

Array = np.ndarray
CHANNELS_HEIGHT = 200
MOST_SHARE = 10.0  # of a change; above that, the change is what is left of larger ones that cancel out


@dataclass(frozen=True)
class Shares:
    """Of one net and picture: mean magnitude of what each unit's shortcut and branch bring to the addition, (units,)"""

    title: str
    shortcut: Array
    branch: Array

    @property
    def highest(self) -> float:
        return float(np.nanmax([*self.shortcut, *self.branch, 0.0]))

    @property
    def branch_share(self) -> Array:
        whole = self.shortcut + self.branch
        return np.divide(self.branch, whole, out=np.full_like(whole, np.nan), where=whole > 0)


def share_chart(shares: Shares, stages: Sequence[int], highest: float, theme: str, caption: str = "") -> Chart:
    """The shortcut upwards, the branch downwards; `highest` is the same for all nets, so that they compare."""
    units = list(range(1, len(stages) + 1))
    figure = go.Figure(layout=layout(Measure(shares.title, "mean magnitude", INK), theme))
    for name, sign, colour, values in (("shortcut", 1, PATH, shares.shortcut), ("branch", -1, BRANCH, shares.branch)):
        figure.add_bar(
            x=units,
            y=sign * values,
            name=name,
            marker={"color": colour.of(theme), "line": {"width": 0}},
            customdata=values,
            hovertemplate=f"{name} %{{customdata:.3g}}<extra></extra>",
        )
    mark_stages(figure, list(stages), theme)
    ticks = nice_ticks(highest)
    figure.update_layout(barmode="relative", bargap=0.25)
    figure.update_xaxes(dtick=1 if len(units) <= 30 else None, unifiedhovertitle={"text": "unit %{x}"})
    labels = [f"{abs(tick):g}" for tick in ticks]
    figure.update_yaxes(range=[-1.08 * highest, 1.08 * highest], tickvals=ticks, ticktext=labels)
    figure.add_hline(y=0, line={"color": FAINT.of(theme), "width": 1})
    return Chart(
        figure,
        f"What shortcut and branch add in each unit of {shares.title}: {least_and_most(shares)}.",
        caption=caption,
    )


def least_and_most(shares: Shares) -> str:
    share = shares.branch_share
    if not np.isfinite(share).any():
        return "nothing"
    most, least = int(np.nanargmax(share)), int(np.nanargmin(share))
    return (
        f"the branch has {share[least]:.0%} in unit {least + 1} and {share[most]:.0%} in unit {most + 1}, "
        "the least and the most"
    )


def nice_ticks(highest: float) -> list[float]:
    """Zero in the middle, two on each side."""
    if not highest > 0:
        return [0.0]
    step = 10 ** np.floor(np.log10(highest))
    step = max(each * step for each in (0.1, 0.2, 0.5, 1, 2) if 2 * each * step <= highest)
    return [float(step * k) for k in range(-2, 3)]


def channel_chart(title: str, unit: int, shortcut: Array, branch: Array, highest: float, theme: str) -> Chart:
    """Two rows of cells, a column for each channel, in the order of what they bring together."""
    order = np.argsort(-(shortcut + branch), kind="stable")
    places, rows = list(range(1, len(order) + 1)), ["branch", "shortcut"]
    figure = go.Figure(layout=layout(Measure(f"{title}, unit {unit}", "", INK), theme))
    figure.add_heatmap(
        x=places,
        y=rows,
        z=np.array([branch[order], shortcut[order]]),
        customdata=np.array([order, order]),
        zmin=0,
        zmax=highest,
        colorscale=HEAT,
        xgap=1,
        ygap=2,
        hovertemplate="%{y}, channel %{customdata}: %{z:.3g}<extra></extra>",
        colorbar=colour_bar("mean magnitude", theme),
    )
    figure.update_layout(height=CHANNELS_HEIGHT, hovermode="closest", showlegend=False, margin={"t": 44, "l": 70})
    figure.update_xaxes(title_text=f"{len(order)} channels, those that bring most first", showgrid=False)
    figure.update_yaxes(showgrid=False)
    ahead = int((branch > shortcut).sum())
    words = f"the branch brings more than the shortcut in {ahead} of {len(order)} channels"
    return Chart(figure, f"Channels of {title}, unit {unit}: {words}.")


def conductance_chart(
    titles: Sequence[str],
    shares: Sequence[Array],
    target: str,
    theme: str,
    places: Sequence[int] = range(len(RUNS)),
    stages: Sequence[Sequence[int]] | None = None,
) -> Chart:
    """How much of the change from baseline to picture comes through each branch, of all nets that it changes.

    `places` of the nets among the styles; `stages` of the units of each net, where a bar stands for a stage.
    """
    is_shown = [is_shared(values) for values in shares]
    part, parts = "unit", "each branch"
    if stages:
        part, parts = "stage", "the branches of each stage"
        shares = [np.bincount(stage, weights=values) for stage, values in zip(stages, shares, strict=True)]
    title = f"What flows through {parts}, for {target}"
    figure = run_figure(title, "share of the change", f"{part}, from the input to the output", len(titles), theme)
    for k, marker in enumerate(markers(places[: len(titles)], theme)):
        figure.add_bar(
            x=list(range(1, len(shares[k]) + 1)),
            y=shares[k] if is_shown[k] else np.full(len(shares[k]), np.nan),
            name=as_text(titles[k]),
            uid=str(places[k]),
            marker=marker,
            hovertemplate="%{fullData.name}: %{y:.1%}<extra></extra>",
        )
    figure.add_hline(y=0, line={"color": FAINT.of(theme), "width": 1})
    figure.update_layout(barmode="group", bargap=0.25)
    figure.update_xaxes(dtick=1 if max(map(len, shares)) <= 30 else None, unifiedhovertitle={"text": f"{part} %{{x}}"})
    figure.update_yaxes(tickformat=".0%")
    most = [
        f"{name} most through {part} {int(np.argmax(values)) + 1}" for name, values in zip(titles, shares, strict=True)
    ]
    told = [most[k] if shown else f"{titles[k]} is not drawn" for k, shown in enumerate(is_shown)]
    notes = {CONDUCTANCE: True, TWICE: bool(stages), UNDRAWN: not all(is_shown)}
    caption = " ".join(words for words, is_said in notes.items() if is_said)
    return Chart(figure, f"{title}: {'; '.join(told)}.", wide=True, caption=caption)


def is_shared(shares: Array) -> bool:
    """Whether there is a change to share."""
    return bool(np.abs(shares).max() < MOST_SHARE)


def channel_flow_chart(title: str, unit: int, values: Array, highest: float, theme: str) -> Chart:
    """A bar for each channel of a branch, in the order of what comes through; `highest` is the same for all nets."""
    order = np.argsort(-values, kind="stable")
    figure = go.Figure(layout=layout(Measure(f"{title}, branch of unit {unit}", "share of the change", INK), theme))
    figure.add_bar(
        x=list(range(1, len(order) + 1)),
        y=values[order],
        customdata=order,
        marker={"color": BRANCH.of(theme), "line": {"width": 0}},
        hovertemplate="channel %{customdata}: %{y:.2%}<extra></extra>",
    )
    figure.add_hline(y=0, line={"color": FAINT.of(theme), "width": 1})
    figure.update_layout(height=CHANNELS_HEIGHT, hovermode="closest", showlegend=False, margin={"t": 44})
    figure.update_xaxes(title_text=f"{len(order)} channels, those that bring most first")
    figure.update_yaxes(range=[-1.08 * highest, 1.08 * highest], tickformat=".1~%", nticks=5)
    against = int((values < 0).sum())
    words = f"{values.sum():.1%} of the change comes through, and {against} of {len(order)} channels speak against it"
    return Chart(figure, f"What flows through the channels of {title}, unit {unit}: {words}.")


CONDUCTANCE = (
    "LayerConductance (Dhamdhere et al. 2018): of the target's change from the baseline to the picture, the share that "
    "comes through a unit's branch. What is missing to 100% comes through its shortcut; below 0, the branch speaks "
    "against the target."
)
TWICE = "The shares of a stage's units are added up: what passes through two of its branches counts twice."
UNDRAWN = "A net whose answer hardly changes from the baseline to the picture has no bars: there is nothing to share."
