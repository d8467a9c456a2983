"""The form of the Train page: which blocks, how deep, how often, by which recipe, and what that costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from resnet_lab.block_config import BlockConfig
from resnet_lab.cards import CARDS, name_block
from resnet_lab.data import data_is_here
from resnet_lab.estimates import expected_many, seconds_together
from resnet_lab.execution import find_device, usable_cores
from resnet_lab.families import legal_depths
from resnet_lab.launches import FIRST_BLOCKS, Launch, Sorted, sort_out
from resnet_lab.model_config import ModelConfig
from resnet_lab.places import num_places
from resnet_lab.presets import PRESETS, preset
from resnet_lab.run_config import RunConfig
from resnet_lab.run_table import cost_of
from resnet_lab.shortcuts import SHORTCUTS
from resnet_lab.store import Store
from resnet_lab.summaries import duration
from resnet_lab.ui.links import decode
from resnet_lab.ui.page import verbatim
from resnet_lab.ui.recipe_fields import choose_fields, get_data
from resnet_lab.ui.run_ids import RUNS, join_ids
from resnet_lab.ui.shared import serve_queue

LIKE = "like"  # the recipe of another run


@dataclass(frozen=True)
class Start:
    """What the form begins with: a net from the Build page, or a run to be varied."""

    model: ModelConfig | None = None
    run: RunConfig | None = None

    @property
    def blocks(self) -> tuple[BlockConfig, ...]:
        model = self.run.model if self.run else self.model
        return (model.block,) if model else FIRST_BLOCKS


def start_from(store: Store, build: str | None, like: str | None) -> Start:
    """What the address brings along; a broken link says what is wrong with it."""
    try:
        return Start(model=decode(build).model if build else None, run=store.find(like).config if like else None)
    except ValueError as problem:
        st.warning(f"{verbatim(str(problem))} You see the usual choice.")
        return Start()


def form(store: Store, start: Start) -> None:
    """Choose, see what it costs, start."""
    with st.container(key="launch"):
        try:
            launch, device = choose(start, store.folder)
            configs = launch.configs()
            is_ready = get_data(configs[0].data.name)
        except ValueError as problem:
            st.error(verbatim(str(problem)))
            return
        found = sort_out(store, configs)
        say_price(store, launch, found, device)
        st.caption(cost_words(configs))
        offer(store, found, device, is_ready)


def choose(start: Start, home: Path) -> tuple[Launch, str]:
    recipe = choose_recipe(start)
    base = start.run if recipe == LIKE and start.run else preset(recipe, data=usual_data())

    def on_data(data: str) -> RunConfig:
        return base.with_fields(data=data) if recipe == LIKE else preset(recipe, data=data)

    left, right = st.columns([3, 2])
    with left:
        blocks = choose_blocks(start)
    with right:
        model = choose_net(start, base)
        depths = choose_depths(model or base.model)
        first, number = st.columns(2)
        num_seeds = number.number_input("Seeds", 1, 20, 1, help="Each seed is a run of its own")
        first_seed = first.number_input("First seed", 0, 2**31 - 1, base.seed)
    with st.expander("Change the recipe, the data or the device"):
        fields, device = choose_fields(on_data, base.data.name, recipe, home)
    seeds = range(first_seed, first_seed + num_seeds)
    return Launch(base if recipe == LIKE else recipe, blocks, depths, list(seeds), model, fields), device


def choose_recipe(start: Start) -> str:
    options = [LIKE, *PRESETS] if start.run else list(PRESETS)
    chosen: str = st.segmented_control(
        "Recipe",
        options,
        default=options[0],
        required=True,
        key="recipe",
        format_func=lambda name: "as the run to be changed" if name == LIKE else name,
    )
    st.caption(PRESETS[chosen].words if chosen in PRESETS else f"As {verbatim(start.run.title if start.run else '')}.")
    return chosen


def usual_data() -> str:
    return "cifar10" if data_is_here("cifar10") else "sample"


def choose_blocks(start: Start) -> list[BlockConfig]:
    """Blocks of the papers and the one that was brought along, each with its numbers."""
    named = {name_block(card.block): card.block for card in CARDS.values()}
    named |= {name_block(block): block for block in start.blocks}
    chosen = st.multiselect(
        "Blocks", list(named), default=[name_block(block) for block in start.blocks], placeholder="Choose one or more"
    )
    return [with_numbers(name, named[name]) for name in chosen]


def with_numbers(name: str, block: BlockConfig) -> BlockConfig:
    """Gate bias, scale and the like, where the shortcut has them."""
    arguments = SHORTCUTS[block.shortcut].arguments
    if not arguments:
        return block
    given = {}
    for column, (key, argument) in zip(st.columns(len(arguments)), arguments.items(), strict=True):
        given[key] = column.number_input(
            f"{name}: {argument.words}",
            float(argument.low),
            float(argument.high),
            float(block.arguments[key]),
            step=0.5 if argument.high - argument.low > 10 else 0.05,
            key=f"launch_{name}_{key}",
        )
    return block.changed(shortcut_args=given)


def choose_net(start: Start, base: RunConfig) -> ModelConfig | None:
    """The net of the Build page, or None for the recipe's."""
    if start.model is None:
        return None
    own, built = describe_net(base.model), describe_net(start.model)
    chosen = st.radio(
        "Net", ["built", "own"], format_func={"built": f"As built: {built}", "own": f"The recipe's: {own}"}.__getitem__
    )
    return start.model if chosen == "built" else None


def describe_net(model: ModelConfig) -> str:
    return f"{model.depth} layers, width {model.width:g}{', bottlenecks' if model.unit == 'bottleneck' else ''}"


def choose_depths(model: ModelConfig) -> list[int]:
    depths = legal_depths(model.family, model.unit)
    key = f"depths_{model.family}_{model.unit}_{model.depth}"
    return st.multiselect("Depths", depths, default=[model.depth], key=key)


def say_price(store: Store, launch: Launch, found: Sorted, device: str) -> None:
    """How many runs, and how long they take on this machine."""
    counts = {"blocks": len(launch.blocks), "depths": len(launch.depths), "seeds": len(launch.seeds)}
    product = " × ".join(f"{count} {name if count > 1 else name.removesuffix('s')}" for name, count in counts.items())
    num_runs = len(found.new)
    words = [f"**{counted(num_runs + len(found.known), 'run')}**: {product}."]
    if found.known:
        were = counted(len(found.known), "was", "were")
        words.append(f"{were} trained before with the same configuration and seed: the result is shown.")
    if num_runs:
        words.append(time_words(expected_many(store, found.new, device), places_for(store, device)))
    st.markdown(" ".join(words))


def places_for(store: Store, device: str) -> int:
    """What shares a GPU is not known to be over sooner than one after the other."""
    kind = find_device(device).type
    return num_places(store.folder, kind, len(usable_cores())) if kind == "cpu" else 1


def cost_words(configs: Sequence[RunConfig]) -> str:
    """Of the smallest net to the largest; all are trained on images of one size."""
    costs, side = [cost_of(config) for config in configs], configs[0].data.resolution
    parameters = from_to([each.parameters for each in costs], "{:,}")
    multiply_adds = from_to([each.multiply_adds / 1e6 for each in costs], "{:,.1f}")
    whose = "Each net" if len(configs) > 1 else "The net"
    return f"{whose} has {parameters} parameters and takes {multiply_adds} M multiply-adds for a {side}×{side} image."


def from_to(numbers: Sequence[float], form: str) -> str:
    ends = [form.format(end) for end in (min(numbers), max(numbers))]
    return " to ".join(dict.fromkeys(ends))


def time_words(seconds: Sequence[float | None], places: int) -> str:
    known = [each for each in seconds if each is not None]
    if len(known) < len(seconds):
        return "How long that takes is not known before the first run here; each says it as soon as it has begun."
    at_once = f", {places} at once" if len(known) > places else ""
    return f"About {duration(seconds_together(known, places))} on this machine{at_once}, by the pace of earlier runs."


def counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def offer(store: Store, found: Sorted, device: str, is_ready: bool) -> None:
    label = f"Train {counted(len(found.new), 'run')}" if found.new else "Show the results"
    if st.button(label, key="start", type="primary", disabled=not is_ready):
        begin(store, found, device)


def begin(store: Store, found: Sorted, device: str) -> None:
    """Into the queue, and into the address, so that this page shows them from now on."""
    try:
        runs = store.add_many(found.new, device=device) if found.new else []
        serve_queue(store)
    except (ValueError, OSError) as problem:
        st.error(verbatim(str(problem)))
        return
    ids = [run.id for run in [*runs, *found.known]]
    st.switch_page("screens/train.py", query_params={RUNS: join_ids(ids)})
