"""The charts of what shortcut and branch bring to each addition, and of what flows through them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from resnet_lab.ui.board import Chart
from resnet_lab.ui.charts import Measure, as_text, layout, mark_stages
from resnet_lab.ui.palette import BRANCH, FAINT, HEAT, INK, PATH
from resnet_lab.ui.run_styles import style_of
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


def conductance_chart(titles: Sequence[str], shares: Sequence[Array], target: str, theme: str) -> Chart:
    """How much of the change from baseline to picture comes through each branch, of all nets that it changes."""
    is_shown = [bool(np.abs(values).max() < MOST_SHARE) for values in shares]
    title = f"What flows through each branch, for {target}"
    figure = run_figure(title, "share of the change", "unit, from the input to the output", len(titles), theme)
    for place, (name, values) in enumerate(zip(titles, shares, strict=True)):
        figure.add_bar(
            x=list(range(1, len(values) + 1)),
            y=values if is_shown[place] else np.full(len(values), np.nan),
            name=as_text(name),
            uid=str(place),
            marker={"color": style_of(place).colour.of(theme), "line": {"width": 0}},
            hovertemplate="%{fullData.name}: %{y:.1%}<extra></extra>",
        )
    figure.add_hline(y=0, line={"color": FAINT.of(theme), "width": 1})
    figure.update_layout(barmode="group", bargap=0.25)
    figure.update_xaxes(dtick=1 if max(map(len, shares)) <= 30 else None, unifiedhovertitle={"text": "unit %{x}"})
    figure.update_yaxes(tickformat=".0%")
    most = [
        f"{name} most through unit {int(np.argmax(values)) + 1}" for name, values in zip(titles, shares, strict=True)
    ]
    told = [most[place] if shown else f"{titles[place]} is not drawn" for place, shown in enumerate(is_shown)]
    caption = CONDUCTANCE if all(is_shown) else f"{CONDUCTANCE} {UNDRAWN}"
    return Chart(figure, f"{title}: {'; '.join(told)}.", wide=True, caption=caption)


CONDUCTANCE = (
    "LayerConductance (Dhamdhere et al. 2018): of the target's change from the baseline to the picture, the share that "
    "comes through a unit's branch. What is missing to 100% comes through its shortcut; below 0, the branch speaks "
    "against the target."
)
UNDRAWN = "A net whose answer hardly changes from the baseline to the picture has no bars: there is nothing to share."
