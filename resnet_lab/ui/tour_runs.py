"""The visitor's own runs in the tour: which they are, what more of them cost, and the button that starts them."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from resnet_lab.estimates import expected_many, seconds_together
from resnet_lab.launches import Launch, Sorted, first_incomplete
from resnet_lab.library import Library
from resnet_lab.papers.budgets import setting
from resnet_lab.run_config import RunConfig
from resnet_lab.runs import Run
from resnet_lab.store import Store
from resnet_lab.ui.launching import places_for, usual_data
from resnet_lab.ui.page import verbatim
from resnet_lab.ui.run_ids import RUNS, join_ids
from resnet_lab.ui.shared import Shared, serve_queue
from resnet_lab.ui.story_runs import comparable
from resnet_lab.ui.strings import Say
from resnet_lab.ui.tour_steps import CONTENDERS, Step

RECIPE = "minute"
DATA = ("cifar10", "sample")
PROBLEM = "tour_problem"
TICK_SECONDS = 2.0


def configs_of(step: Step, data: str, seed: int = 0) -> list[RunConfig]:
    return launch_of(step, data, seed).configs()


def launch_of(step: Step, data: str, seed: int) -> Launch:
    blocks = [CONTENDERS[name].block for name in step.nets]
    return Launch(RECIPE, blocks, step.depths, [seed], fields={"data": data})


def own_runs(library: Library, step: Step) -> list[Run]:
    """Of exactly the nets that the step trains here, of one of the data sets."""
    wanted = {setting(config) for data in DATA for config in configs_of(step, data)}
    blocks, steps = {CONTENDERS[name].block for name in step.nets}, configs_of(step, DATA[0])[0].recipe.steps
    near = [run for run in library.store.runs() if run.config.model.block in blocks]
    found = [run for run in near if run.config.recipe.steps == steps and setting(run.config) in wanted]
    return comparable([run for run in found if not library.is_shipped(run.id)], step.nets, step.depths)


def next_runs(store: Store, step: Step, data: str) -> Sorted:
    return first_incomplete(store, partial(launch_of, step, data))


def offer_runs(lab: Shared, step: Step, own: Sequence[Run], say: Say) -> None:
    """Says what they are and what they cost, then starts them; their curves grow where the visitor is."""
    data = usual_data()
    found = next_runs(lab.store, step, data)
    recipe, images, seed = found.new[0].recipe, found.new[0].data, found.new[0].seed
    nets = [net_name(step, config, say) for config in found.new]
    st.subheader(say("own.title"), anchor=False)
    st.markdown(
        say(
            "own.words",
            nets="; ".join(nets),
            steps=f"{recipe.steps:,}",
            recipe=f"`{RECIPE}`",
            images=f"{images.num_train:,}",
            data=say(f"data.{data}"),
            early=say("chart.early"),
        )
    )
    price = price_words(lab.store, found.new, say)
    st.caption(price if not seed else f"{say('own.seed', before=seed - 1, seed=seed)} {price}")
    label = say("own.train", runs=len(nets))
    st.button(label, key=f"tour_train_{step.key}", on_click=start, args=(lab.store, found, say))
    if problem := st.session_state.pop(PROBLEM, None):
        st.error(problem)
    if not own:
        st.caption(say("own.none"))
    under_way = [run.id for run in own if run.is_active]
    st.fragment(say_progress, run_every=TICK_SECONDS if under_way else None)(lab, under_way, say)


def say_progress(lab: Shared, run_ids: Sequence[str], say: Say) -> None:
    """As long as one of them is under way."""
    if active := [run.id for run in lab.store.runs(["queued", "running"]) if run.id in run_ids]:
        st.info(say("own.active", runs=len(active)))
        link = {RUNS: join_ids(active)}
        st.page_link("screens/train.py", label=say("own.watch"), icon=":material/show_chart:", query_params=link)


def net_name(step: Step, config: RunConfig, say: Say) -> str:
    name = next(name for name in step.nets if CONTENDERS[name].block == config.model.block)
    return say(f"net.{name}", depth=config.model.depth)


def price_words(store: Store, configs: Sequence[RunConfig], say: Say) -> str:
    seconds = [each for each in expected_many(store, configs) if each is not None]
    if len(seconds) < len(configs):
        return say("price.unknown")
    whole = round(seconds_together(seconds, places_for(store, "auto")))
    return say("price.seconds", seconds=whole) if whole < 100 else say("price.minutes", minutes=round(whole / 60))


def start(store: Store, found: Sorted, say: Say) -> None:
    try:
        store.add_many(found.new)
        serve_queue(store)
    except (ValueError, OSError) as problem:
        st.session_state[PROBLEM] = say("own.problem", problem=verbatim(str(problem)))
