"""The Home page: one living picture, and the ways in."""

from functools import partial
from html import escape

import streamlit as st

from resnet_lab.curves import Curve
from resnet_lab.data import DATASETS
from resnet_lab.launches import first_comparison
from resnet_lab.model_config import ModelConfig
from resnet_lab.pictures import picture
from resnet_lab.runs import Run
from resnet_lab.ui.diagram import EMBLEM, draw
from resnet_lab.ui.language import in_language
from resnet_lab.ui.launching import begin, usual_data
from resnet_lab.ui.living_picture import living_picture
from resnet_lab.ui.shared import Shared
from resnet_lab.ui.story_runs import NAMES, comparable, end_words, measured, setting_words, shipped_runs
from resnet_lab.ui.strings import Say
from resnet_lab.ui.tour_runs import price_words
from resnet_lab.ui.tour_steps import CONTENDERS

NETS = ("plain", "identity", "full_preact")


def welcome(lab: Shared, language: str, say: Say) -> None:
    with st.container(key="hero"):
        with st.container(key="living"):
            show_picture(lab, say)
        with st.container(key="way_tour"):
            way_to_tour(language, say)
    with st.container(key="other_ways"):
        with st.container(key="way_build", border=True):
            way("build", "screens/build.py", ":material/account_tree:", say)
        with st.container(key="way_watch", border=True):
            watch(lab, say)
        with st.container(key="way_look", border=True):
            way("look", "screens/look.py", ":material/search:", say)
            if not lab.library.runs(["done"]):
                st.caption(say("home.look.none"))
    more(lab, say)


def way(name: str, page: str, icon: str, say: Say) -> None:
    st.subheader(say(f"home.{name}"), anchor=False)
    st.markdown(say(f"home.{name}.words"))
    st.page_link(page, label=say(f"home.{name}.go"), icon=icon)


def way_to_tour(language: str, say: Say) -> None:
    st.subheader(say("home.tour"), anchor=False)
    st.markdown(say("home.tour.words"))
    where = in_language(language)
    st.page_link("screens/tour.py", label=say("home.tour.go"), icon=":material/arrow_forward:", query_params=where)


def watch(lab: Shared, say: Say) -> None:
    """One click, three curves."""
    found = first_comparison(lab.store, usual_data())
    configs = found.new
    st.subheader(say("home.watch"), anchor=False)
    st.markdown(f"{say('home.watch.words', depth=configs[0].model.depth)} {say('chart.early')}")
    if st.button(say("home.watch.go"), type="primary", key="first"):
        begin(lab.store, found, device="auto")
    words = [price_words(lab.store, configs, say)]
    if seed := configs[0].seed:
        words.append(say("own.seed", before=seed - 1, seed=seed))
    if found.known:
        words.append(say("home.watch.known", runs=len(found.known)))
    if usual_data() == "sample":
        words.append(say("home.watch.sample", images=f"{DATASETS['sample'].sizes['train']:,}"))
    st.caption(" ".join(words))


def more(lab: Shared, say: Say) -> None:
    with st.container(key="more_ways", horizontal=True, vertical_alignment="center"):
        st.caption(say("home.more"), width="content")
        st.page_link("screens/train.py", label=say("home.train"))
        st.page_link("screens/compare.py", label=say("home.compare", runs=len(lab.library.runs())))
        st.page_link("screens/papers.py", label=say("home.papers"))


# ---- the picture


def show_picture(lab: Shared, say: Say) -> None:
    """What was measured in the runs that come with the lab; where none does, the block itself."""
    runs = comparable(shipped_runs(lab.library), NETS, depths=())
    drawn = measured(lab.histories, runs, "test_error", say)
    if not drawn:
        block = picture(ModelConfig(block=CONTENDERS[NETS[-1]].block))
        st.markdown(draw(block, say(f"block.{NETS[-1]}")), unsafe_allow_html=True)
        st.caption(say("home.diagram"))
        return
    there = {run.id: run for run in runs}
    nets = [there[curve.runs[0]] for curve in drawn]
    colours = [CONTENDERS[NAMES[run.config.model.block]].style.colour for run in nets]
    title, alt = say("home.picture"), "; ".join(end_words(curve, "%", say) for curve in drawn)
    svg = living_picture(drawn, colours, title, say("axis.step"), f"{title}. {alt}")
    legend = "".join(map(partial(entry, say), drawn, nets))
    st.markdown(f'<div class="living">{svg}<ul>{legend}</ul></div>', unsafe_allow_html=True)
    st.caption(say("home.caption", depth=nets[0].config.model.depth, about=setting_words(runs, say)))


def entry(say: Say, curve: Curve, run: Run) -> str:
    """A curve's block as its emblem, its name, where it ends, and how many runs that is the mean of."""
    name = NAMES[run.config.model.block]
    emblem = draw(picture(run.config.model), say(f"block.{name}"), EMBLEM)
    words = f"{escape(say(f'block.{name}'))}<b>{curve.y[-1]:.2f}%</b>{say('home.seeds', n=len(curve.runs))}"
    return f'<li style="border-color:{CONTENDERS[name].style.colour.css}">{emblem}<span>{words}</span></li>'
