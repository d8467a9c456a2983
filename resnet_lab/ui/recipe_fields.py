"""The fields of a recipe that can be changed on the Train page, the data and the device."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from resnet_lab.data import DATASETS, data_folder, data_is_here
from resnet_lab.downloads import download
from resnet_lab.places import MOST, choose_places, chosen_places
from resnet_lab.run_config import RunConfig
from resnet_lab.runs import DEVICES
from resnet_lab.ui.page import verbatim

DEVICE_NAMES = {"auto": "The fastest there is", "cpu": "CPU", "cuda": "GPU"}
COLUMNS = 5


@dataclass(frozen=True)
class Number:
    """A field that is a number, what is allowed, and where a run has it."""

    label: str
    low: float
    high: float
    step: float
    of: Callable[[RunConfig], float]


# fmt: off
NUMBERS = {
    "steps":        Number("Steps", 1, 10_000_000, 100, lambda run: run.recipe.steps),
    "train_size":   Number("Training images", 2, 50_000, 1000, lambda run: run.data.num_train),
    "resolution":   Number("Pixels a side", 16, 32, 16, lambda run: run.data.resolution),
    "batch_size":   Number("Batch size", 2, 8192, 32, lambda run: run.recipe.batch_size),
    "lr":           Number("Learning rate", 0.0001, 100.0, 0.01, lambda run: run.recipe.lr),
    "weight_decay": Number("Weight decay", 0.0, 1.0, 0.0001, lambda run: run.recipe.weight_decay),
    "probe_every":  Number("Probe every … steps", 0, 1_000_000, 50, lambda run: run.watch.probe_every),
}
# fmt: on


def choose_fields(
    base: Callable[[str], RunConfig], usual_data: str, tag: str, home: Path
) -> tuple[dict[str, Any], str]:
    """What differs from the recipe on the chosen data, and the device; `tag`: widgets of another recipe start anew."""
    columns = st.columns(COLUMNS)
    names = list(dict.fromkeys([usual_data, *(name for name in DATASETS if name != "synthetic")]))
    data = columns[0].selectbox("Data", names, key=f"data_{tag}")
    run = base(data)
    fields: dict[str, Any] = {"data": data}
    for place, (name, number) in enumerate(NUMBERS.items(), start=1):
        if (value := choose_number(columns[place % COLUMNS], name, number, run, f"{tag}_{data}")) != number.of(run):
            fields[name] = value
    last = len(NUMBERS) + 1
    device = columns[last % COLUMNS].selectbox("Device", DEVICES, key="device", format_func=DEVICE_NAMES.__getitem__)
    with columns[(last + 1) % COLUMNS]:
        ask_places(home)
    return fields, device


def choose_number(column: Any, name: str, number: Number, run: RunConfig, tag: str) -> float:
    value = number.of(run)
    kind = type(value)
    high = DATASETS[run.data.name].sizes["train"] if name == "train_size" else number.high
    given: float = column.number_input(
        number.label,
        kind(min(number.low, value)),  # a run that is to be changed may have less or more than is usual
        kind(max(high, value)),
        value,
        kind(number.step),
        key=f"{name}_{tag}",
        format="%g" if kind is float else None,
    )
    return given


def ask_places(home: Path) -> None:
    """Of the machine, not of the recipe: kept as soon as it is typed."""
    st.session_state["places"] = chosen_places(home)
    st.number_input(
        "Runs at once",
        1,
        MOST,
        None,
        key="places",
        placeholder="auto",
        help="For all that is trained on this machine; empty: as many as the device bears",
        on_change=keep_places,
        args=(home,),
    )


def keep_places(home: Path) -> None:
    try:
        choose_places(home, st.session_state["places"])
    except (ValueError, OSError) as problem:
        st.error(verbatim(str(problem)))


def get_data(name: str) -> bool:
    """Whether the images are here; where they are not, they can be fetched."""
    if data_is_here(name):
        return True
    st.warning(f"{name} is not on this machine yet. It is fetched once, about 170 MB, and then kept.")
    if st.button(f"Get {name}", key=f"get_{name}"):
        try:
            with st.spinner(f"Getting {name} from its home site, else by npm"):
                download(name, data_folder(), report=lambda words: None)
        except (ValueError, OSError) as problem:
            st.error(verbatim(str(problem)))
            return False
        st.rerun()
    return False
