"""The loss around trained nets: along one direction, over two, as fine as the device allows."""

from collections.abc import Callable, Mapping

import streamlit as st

from resnet_lab.inside.paces import seconds_per_image
from resnet_lab.model_config import ModelConfig
from resnet_lab.summaries import duration
from resnet_lab.ui.board import Chart, show_charts
from resnet_lab.ui.landscape_charts import MEASURES, Landscape, curve_chart, map_charts, surface_charts
from resnet_lab.ui.look_state import Looked
from resnet_lab.ui.look_waiting import found

NUM_IMAGES = 256
SHAPES: dict[str, tuple[str, int, Callable[[Landscape, str], Mapping[str, Chart]]]] = {
    "curves": ("Curves", 1, lambda landscape, theme: {"curves": curve_chart(landscape, theme)}),
    "maps": ("Contour maps", 2, map_charts),
    "surfaces": ("Surfaces", 2, surface_charts),
}
SIDES = {1: (11, 21, 41), 2: (7, 11, 17, 25)}  # points along a direction, by the number of directions
RADII = {"25": "0.25", "50": "0.5", "100": "1"}
SEEDS = {str(seed): str(seed) for seed in range(5)}


def landscape(looked: Looked) -> None:
    """What is computed begins with a click on its shape; curves are quick, and come first."""
    with st.container(key="landscape_controls", horizontal=True, vertical_alignment="bottom", gap="medium"):
        control = st.segmented_control
        titles = {name: title for name, (title, _, _) in SHAPES.items()}
        shape = looked.choose("shape", "Shape", titles, "curves", control=control, required=True)
        _, dimensions, draw = SHAPES[shape]
        usual = str(SIDES[dimensions][1])
        side = int(looked.choose(f"side{dimensions}", "Resolution", sides(looked, dimensions), usual, width=230))
        radius = looked.choose("radius", "Radius", RADII, "100", control=control, required=True, help=RADIUS)
        seed = looked.choose("directions", "Random directions", SEEDS, "0", width=140)
        words = {name: title for name, (title, _, _) in MEASURES.items()}
        measure = looked.choose("measure", "What is seen", words, "loss", control=control, required=True)
    asked = {"dimensions": dimensions, "side": side, "num_images": NUM_IMAGES, "seed": int(seed)}
    told = found(looked, "landscape", subjects=looked.asked, radius=int(radius) / 100, **asked)
    if told is None:
        return
    values = told.tensors[measure].numpy() * (100 if measure == "error" else 1)
    seen = Landscape(
        [looked.titles[subject.id] for subject in looked.subjects],
        told.tensors["at"].numpy(),
        values,
        measure,
        told.record["words"],
        list(looked.places.values()),
    )
    show_charts(draw(seen, looked.theme), key=f"landscape_board_{shape}", min_width=380)


RADIUS = "How far the directions are followed. At 1, every filter has moved by as much as it is long."


def sides(looked: Looked, dimensions: int) -> dict[str, str]:
    """Each resolution with about how long it takes here."""
    each = sum(pace(subject.model.to_json(), subject.data.resolution) for subject in looked.subjects)
    return {
        str(side): f"{points_words(side, dimensions)}, about {duration(side**dimensions * NUM_IMAGES * each)}"
        for side in SIDES[dimensions]
    }


def points_words(side: int, dimensions: int) -> str:
    return f"{side} points" if dimensions == 1 else f"{side} × {side} points"


@st.cache_data(show_spinner=False, max_entries=200, ttl=600)  # others may work beside it for a while
def pace(model_json: str, resolution: int) -> float:
    return seconds_per_image(ModelConfig.from_json(model_json), resolution)
