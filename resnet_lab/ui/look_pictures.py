"""The view Pictures: the data, what training makes of a picture, what a net gets wrong, pictures of one's own."""

from collections.abc import Callable, Mapping

import numpy as np
import streamlit as st
import torch

from resnet_lab.batches import pooled
from resnet_lab.data import DATASETS
from resnet_lab.inside.specimens import browsable, browse, num_pictures, specimen
from resnet_lab.inside.uploads import augmented
from resnet_lab.presets import PRESETS, preset
from resnet_lab.run_config import RunConfig
from resnet_lab.ui.look_mistakes import mistakes
from resnet_lab.ui.look_state import Looked, recall, remember
from resnet_lab.ui.look_tiles import plain, show, tiles, words
from resnet_lab.ui.look_upload import own
from resnet_lab.ui.page import verbatim

PAGE = 36  # pictures
DRAWN = 18  # epochs
SPLITS = {"test": "test images", "train": "training images"}
ANY = "any"


def pictures(looked: Looked) -> None:
    titles = {name: title for name, (title, _) in SECTIONS.items()}
    chosen = looked.choose(
        "section", "Section", titles, "data", st.segmented_control, required=True, label_visibility="collapsed"
    )
    SECTIONS[chosen][1](looked)


# ---- the data


def data(looked: Looked) -> None:
    """All images of one class or of all, a page at a time."""
    here = browsable()
    with st.container(key="look_browse", horizontal=True, vertical_alignment="bottom"):
        name = looked.choose(
            "data", "Data", {key: DATASETS[key].title for key in here}, "sample", width=220, on_change=turn_back
        )
        splits = {split: SPLITS[split] for split in here[name]}
        split = looked.choose("split", "Split", splits, here[name][0], width=180, on_change=turn_back)
        classes = {str(number): plain(each) for number, each in enumerate(DATASETS[name].classes)}
        label = looked.choose("class", "Class", {ANY: "any"} | classes, ANY, width=180, on_change=turn_back)
        wanted = None if label == ANY else int(label)
        there = num_pictures(name, split, wanted)
        page = choose_page(there)
        number = st.number_input("Image number", 0, value=None, placeholder="any", step=1, key="look_number", width=150)
    if number is not None:
        refs = with_number(number, name, split)
    else:
        refs = list(browse(name, split, wanted, PAGE * (page - 1), PAGE))
        first = PAGE * (page - 1) + 1
        st.caption(f"{first:,} to {first + len(refs) - 1:,} of {there:,}. Click a picture to put it into the tray.")
    tiles(looked, {ref: f"{plain(specimen(ref).class_name or '')} {ref[1:]}" for ref in refs}, "data")


def turn_back() -> None:
    """To the first page."""
    st.session_state.inside_page = 1


def choose_page(there: int) -> int:
    """In the address, too; back to the first where there are fewer."""
    pages, key = max(1, -(-there // PAGE)), "inside_page"
    asked = recall("page", "1")
    if st.session_state.get(key) is None:
        st.session_state[key] = int(asked) if asked.isdecimal() and len(asked) < 7 else 1
    st.session_state[key] = min(max(1, st.session_state[key]), pages)
    page = int(st.number_input(f"Page, of {pages}", 1, pages, key=key, step=1, width=140))
    remember("page", str(page), "1")
    return page


def with_number(number: int, name: str, split: str) -> list[str]:
    """The one picture, in the numbers of the whole data set."""
    letter = browse(name, split, None, 0, 1)[0][0]
    try:
        return [specimen(f"{letter}{number}").ref]
    except ValueError as problem:
        st.info(verbatim(str(problem)))
        return []


# ---- what training makes of it


def training(looked: Looked) -> None:
    """Crops and flips as the recipe draws them, one for each epoch."""
    if looked.picture is None:
        st.info("Put a picture into the tray to see what training makes of it.")
        return
    recipes = known_recipes(looked)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        titles = {name: title for name, (title, _) in recipes.items()}
        config = recipes[looked.choose("recipe", "Recipe", titles, "paper", width=320)][1]
    side, drawn = config.data.resolution, drawn_by(config, looked.picture.pixels)
    how = f"{words(looked.picture)}, at {side}×{side} pixels, as {DRAWN} epochs draw it"
    st.caption(f"{how}: {recipe_words(config)}")
    with st.container(key="look_drawn", horizontal=True, gap="small"):
        for epoch, pixels in enumerate(drawn, start=1):
            with st.container(key=f"look_epoch_{epoch}", gap=None, width="content"):
                show(pixels, 88, f"epoch {epoch}")
                st.caption(f"epoch {epoch}")


def drawn_by(config: RunConfig, pixels: np.ndarray) -> np.ndarray:
    """(epochs, 3, S, S); zeros after the normalisation are seen as the mean colour of the data."""
    recipe, side = config.recipe, config.data.resolution
    small = pooled(torch.from_numpy(pixels.copy())[None], side)[0].numpy()
    drawn, is_inside = (
        augmented(picture, recipe.crop, recipe.flip, config.seed, DRAWN) for picture in (small, np.ones_like(small))
    )
    zero = DATASETS[config.data.name].mean if recipe.crop_zeros == "after" else (0, 0, 0)
    colour = (255 * np.array(zero)).round().astype(np.uint8)[:, None, None]
    return np.where(is_inside, drawn, colour)


def recipe_words(config: RunConfig) -> str:
    recipe = config.recipe
    crop = f"{recipe.crop} pixels of padding on every side, cropped back at random" if recipe.crop else "no crop"
    return f"{crop}{', and mirrored at random' if recipe.flip else ', never mirrored'}."


def known_recipes(looked: Looked) -> Mapping[str, tuple[str, RunConfig]]:
    """The named ones, and those of the chosen runs of this lab."""
    runs = {run.id: run for run in looked.lab.library.runs()}
    theirs = {
        subject.id: (f"as {looked.titles[subject.id]}", runs[subject.id].config)
        for subject in looked.subjects
        if subject.id in runs
    }
    return {name: (name, preset(name)) for name in PRESETS} | theirs


Section = Callable[[Looked], None]
SECTIONS: dict[str, tuple[str, Section]] = {
    "data": ("The data", data),
    "training": ("As training draws it", training),
    "mistakes": ("A net's mistakes", mistakes),
    "own": ("Your own", own),
}
