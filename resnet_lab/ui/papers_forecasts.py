"""The forecasts of the Papers page: what is said of a net before it trains, and what came of what was said."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import streamlit as st
import torch

from resnet_lab.batches import load_split
from resnet_lab.block_config import BlockConfig, named_numbers
from resnet_lab.cards import name_block
from resnet_lab.comparisons import LAST_STEPS
from resnet_lab.forecasts import (
    BORDERS,
    FACTORS,
    LIMITS,
    NUM_IMAGES,
    OUTCOMES,
    VERSION,
    Forecast,
    first_images,
    forecast_run,
)
from resnet_lab.papers.results import Result, results
from resnet_lab.papers.scoring import Score, Trial, calibration, confusion, said_of, score, trials
from resnet_lab.presets import preset
from resnet_lab.references import REFERENCES
from resnet_lab.run_config import RunConfig
from resnet_lab.ui.board import show_charts
from resnet_lab.ui.forecast_charts import calibration_chart, confusion_chart
from resnet_lab.ui.launching import counted
from resnet_lab.ui.links import View, encode
from resnet_lab.ui.page import current_theme
from resnet_lab.ui.papers import choose
from resnet_lab.ui.shared import Shared

DEPTHS = ("20", "32", "44", "56", "110")
GATES = (0, -6)  # of the biases in the papers, those that differ most
RECIPE = "minute"
ROW_HEIGHT, MOST_ROWS = 35, 14
RULE = f"""
Before its first step, the X-ray of a run's untrained net says whether it will train well, slowly or not at all; what is
said is stored, and held against what came. {NUM_IMAGES} images go through the net and back. Three numbers are added, in
powers of ten: by how much the **gradient** differs between the first and the last unit, by how much the amplitude of
the **signal** does, and how small a part of the last response is the image's **own**, neither common to all images nor
chance. Up to {BORDERS[0]:g} the net is said to train well, up to {BORDERS[1]:g} slowly, above that not at all; the
nearer a border, the less sure is the forecast. The rule sees these numbers only, not the name of a block.
"""
CAVEATS = f"""
The borders were drawn where they part the blocks whose training in the minute recipe at 56 layers was known, so on
these blocks the rule has seen the answers. Even there it is wrong where nothing at the start gives the block away: it
says that exclusive gating with bias 0 trains slowly (it hardly trains), and that BN after the addition trains well (it
is slower). It knows nothing of the recipe: a longer one may train what it gives up.

What came is judged by the share of the first loss, ln(classes), that is gone in the last steps:
{"; ".join(f"{name}: below {low:.0%} not at all, from {high:.0%} well" for name, (low, high) in LIMITS.items())}. A run
that diverged trained not at all. Other recipes and data have no limits, and are not scored. Dropout raises the training
loss by itself, and so makes worse what came of it. The limits were fixed before the runs were judged by them; of the
runs that come with the lab nobody else can check that, as they were trained from a working copy. Imported runs bring
along what was said of them.
"""
NOT_SCORED = (
    "What was trained before the lab made forecasts has none, and none is made afterwards, as it would be no forecast. "
    "A run that goes on from another has none either, nor has a net too large for the X-ray, whose log says so."
)


def forecasts(lab: Shared) -> None:
    st.markdown(RULE)
    with st.expander("What the rule cannot know, and when a run is said to have trained well"):
        st.markdown(CAVEATS)
    place = st.container()
    st.subheader("What was said, and what came", anchor=False)
    found = results(lab.library, lab.histories)
    scored = trials(found)
    if scored:
        show_scores(scored)
        show_runs(scored)
    else:
        st.info(
            "No run with a forecast has come to an end yet. Train a block by one of the recipes, from the table above "
            "for example: its forecast is stored before its first step, and scored here once the run is over."
        )
    say_unscored(found, scored)
    with place:  # last, as it may take some seconds
        beforehand()


# ---- before a block trains


def beforehand() -> None:
    """The papers' blocks in the net of the minute recipe."""
    st.subheader("The papers' blocks, before they train", anchor=False)
    depth = int(choose("depth", {depth: f"{depth} layers" for depth in DEPTHS}, usual="56"))
    configs = papers_runs(depth)
    with st.spinner("X-rays the papers' blocks: some seconds, once for each depth"):
        said = [foretold(config.to_json()) for config in configs]
    st.dataframe(
        pa.Table.from_pylist([told(config, forecast) for config, forecast in zip(configs, said, strict=True)]),
        hide_index=True,
        height="content",
        column_config=COLUMNS,
        alt=f"Forecasts of {len(configs)} blocks at {depth} layers",
    )
    st.caption(
        f"Nets of the {RECIPE} recipe, seed 0, {NUM_IMAGES} images of the bundled sample at 16×16; other seeds and "
        "images give slightly other numbers. Nothing here was trained."
    )


def papers_runs(depth: int) -> list[RunConfig]:
    return [preset(RECIPE, data="sample", depth=depth).with_block(block) for block in papers_blocks()]


def papers_blocks() -> list[BlockConfig]:
    blocks = dict.fromkeys(each.block for each in REFERENCES)
    return [block for block in blocks if block.arguments.get("gate_bias", GATES[0]) in GATES]


@st.cache_data(max_entries=200, show_spinner=False)
def foretold(config_json: str) -> Forecast:
    config = RunConfig.from_json(config_json)
    return forecast_run(config, sample_images())


@st.cache_resource
def sample_images() -> torch.Tensor:
    return first_images(load_split(preset(RECIPE, data="sample").data, "test", torch.device("cpu")))


def told(config: RunConfig, said: Forecast) -> dict[str, Any]:
    link = encode(View(model=config.model))
    return {"block": block_words(config), "train": f"train?build={link}"} | numbers(said) | said.factors


def block_words(config: RunConfig) -> str:
    """With all its numbers, the usual ones too."""
    block = config.model.block
    numbers = named_numbers(block.arguments)
    return f"{name_block(block.changed(shortcut_args={}))}{f' ({numbers})' if numbers else ''}"


def numbers(said: Forecast) -> dict[str, Any]:
    """The probabilities in percent."""
    return {"forecast": said.says} | {name: 100 * said.probabilities[name] for name in OUTCOMES}


def probability(title: str) -> Any:
    return st.column_config.ProgressColumn(title, format="%.0f%%", min_value=0, max_value=100, width=100)


def factor(title: str, name: str) -> Any:
    return st.column_config.NumberColumn(title, format="%.2f", help=f"In powers of ten, {FACTORS[name]}")


COLUMNS: dict[str, Any] = {
    "block": st.column_config.Column("Block", width=300),
    "forecast": st.column_config.Column("Forecast"),
    "well": probability("Well"),
    "slowly": probability("Slowly"),
    "not at all": probability("Not at all"),
    "gradient": factor("Gradient", "gradient"),
    "signal": factor("Signal", "signal"),
    "sameness": factor("Not own", "sameness"),
    "train": st.column_config.LinkColumn("", display_text="Train it"),
    "came": st.column_config.Column("What came"),
    "seed": st.column_config.NumberColumn("Seed"),
    "budget": st.column_config.Column("Recipe and data"),
    "from": st.column_config.Column("From"),
    "hardware": st.column_config.Column("Hardware"),
    "loss": st.column_config.NumberColumn("Training loss", format="%.2f", help=f"Mean of the last {LAST_STEPS} steps"),
}


# ---- what came


def show_scores(scored: Sequence[Trial]) -> None:
    """Of each recipe, and of all; then how the probabilities fare."""
    recipes = list(dict.fromkeys(trial.recipe for trial in scored))
    groups = {recipe: [trial for trial in scored if trial.recipe == recipe] for recipe in recipes}
    if len(groups) > 1:
        groups["all"] = list(scored)
    st.dataframe(
        pa.Table.from_pylist([scores_of(name, members) for name, members in groups.items()]),
        hide_index=True,
        height="content",
        column_config=SCORES,
    )
    st.caption(
        "Brier score, the mean over runs of the squared errors of the three probabilities: 0 is perfect, 2 the worst. "
        "The last two know the outcomes already: one always says that which came most often, the other always gives "
        "each the share in which it came."
    )
    st.markdown(worth(score(scored)))
    theme = current_theme()
    charts = {"calibration": calibration_chart(calibration(scored), theme)}
    charts["confusion"] = confusion_chart(confusion(scored), theme)
    show_charts(charts, key="forecast_board")


def worth(found: Score) -> str:
    """Held against who knows nothing of a net but how such runs end."""
    runs = counted(found.n, "run")
    if not found.most_frequent:
        return f"Over {runs}: all ended alike, so that no score can tell what the forecasts are worth."
    if found.forecast < found.shares:  # which are never worse than the most frequent
        return f"Over {runs} the forecasts have a better score than both."
    others = "both" if found.forecast >= found.most_frequent else "the shares"
    return (
        f"Over {runs} the forecasts have **no better score** than {others}: so far the rule tells nothing that the "
        "mere frequency of outcomes does not."
    )


SCORES: dict[str, Any] = {
    "recipe": st.column_config.Column("Recipe"),
    "n": st.column_config.NumberColumn("Runs (n)"),
    "right": st.column_config.NumberColumn("Foretold rightly"),
    "forecast": st.column_config.NumberColumn("Brier score of the forecasts", format="%.2f"),
    "often": st.column_config.NumberColumn("Of always the most frequent outcome", format="%.2f"),
    "shares": st.column_config.NumberColumn("Of always the shares", format="%.2f"),
}


def scores_of(name: str, members: Sequence[Trial]) -> dict[str, Any]:
    found = score(members)
    briers = {"forecast": found.forecast, "often": found.most_frequent, "shares": found.shares}
    return {"recipe": name, "n": found.n, "right": found.right} | briers


def show_runs(scored: Sequence[Trial]) -> None:
    rows = [told_of(trial) for trial in scored]
    st.dataframe(
        pa.Table.from_pylist(rows),
        hide_index=True,
        row_height=ROW_HEIGHT,
        height=ROW_HEIGHT * (min(len(rows), MOST_ROWS) + 1) + 3,
        column_config=COLUMNS,
        alt=f"{len(rows)} runs with their forecasts and outcomes",
    )


def told_of(trial: Trial) -> dict[str, Any]:
    config, data = trial.result.config, trial.result.config.data
    what = {"block": f"{config.model.title}, {block_words(config)}", "seed": config.seed}
    came = {"came": trial.outcome, "loss": trial.result.loss}
    where = {"budget": f"{trial.recipe}, {data.num_train:,} of {data.name}", "from": trial.result.origin}
    return what | numbers(trial.forecast) | came | where | {"hardware": trial.result.hardware}


def say_unscored(found: Sequence[Result], scored: Sequence[Trial]) -> None:
    """How many runs are over and not scored, and why."""
    silent = sum(result.run.forecast is None for result in found)
    foretold = [said_of(result) for result in found if result.run.forecast is not None]
    older = sum(said is None or said.version != VERSION for said in foretold)
    others = len(found) - len(scored) - silent - older
    counts = {
        "no forecast": silent,
        "the forecast of another version of the rule": older,
        "a forecast, but a recipe or data for which no limits were fixed": others,
    }
    words = [f"{counted(number, 'run')} had {what}." for what, number in counts.items() if number]
    st.caption(" ".join(["Not scored:", *(words or ["no run that is over is left out."]), NOT_SCORED]))
