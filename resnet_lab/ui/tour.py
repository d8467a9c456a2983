"""The guided tour: where one is, the story, and the lab itself with the right things on the screen."""

from collections.abc import Callable, Sequence

import streamlit as st

from resnet_lab.config import short
from resnet_lab.inside.looked import net_ids
from resnet_lab.model_config import ModelConfig
from resnet_lab.pictures import picture
from resnet_lab.runs import Run
from resnet_lab.ui.board import show_charts
from resnet_lab.ui.compare_view import CHOSEN
from resnet_lab.ui.diagram import draw
from resnet_lab.ui.links import View, encode
from resnet_lab.ui.page import current_theme, verbatim
from resnet_lab.ui.run_ids import RUNS, join_ids
from resnet_lab.ui.shared import Shared
from resnet_lab.ui.story_runs import comparable, shipped_runs
from resnet_lab.ui.strings import Say
from resnet_lab.ui.tour_charts import run_charts, xray_charts
from resnet_lab.ui.tour_runs import offer_runs, own_runs
from resnet_lab.ui.tour_steps import CONTENDERS, STEPS, Step, cited
from resnet_lab.ui.tour_xray import CONTROLS, Pair, look
from resnet_lab.weights import WEIGHTS

PARAMETER = "step"
WIDGET = "tour_step_choice"
BACK, NEXT = "B", "N"  # keys
TICK_SECONDS = 1.0
MIN_WIDTH = 360
NUMBERS = [str(number) for number in range(1, len(STEPS) + 1)]
TO_TOP = "<script>/* step {} */ document.querySelector('[data-testid=stMain]')?.scrollTo(0, 0)</script>"


# ---- where one is


def current_step(say: Say) -> int:
    """From 0; what the address asks for, what is wrong with it is said."""
    asked = st.query_params.get(PARAMETER, NUMBERS[0])
    if asked not in NUMBERS:
        st.warning(say("tour.unknown", asked=verbatim(short(asked, 20)), steps=len(STEPS)))
        return 0
    return NUMBERS.index(asked)


def go_to(number: int) -> None:
    st.query_params[PARAMETER] = NUMBERS[number]


def go_where_chosen() -> None:
    go_to(st.session_state[WIDGET])


def choose_step(number: int, say: Say) -> None:
    """All steps by name, and one back or on; each step begins at its top."""
    st.session_state[WIDGET] = number
    with st.container(key="tour_steps", horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            say("tour.steps"),
            range(len(STEPS)),
            key=WIDGET,
            format_func=lambda index: f"{index + 1} {say(f'tour.{STEPS[index].key}')}",
            required=True,
            label_visibility="collapsed",
            on_change=go_where_chosen,
        )
        buttons(number, say)
    st.html(TO_TOP.format(number), unsafe_allow_javascript=True)


def buttons(number: int, say: Say) -> None:
    is_first, is_last = number == 0, number == len(STEPS) - 1
    st.button(say("tour.back"), key="tour_back", on_click=go_to, args=(number - 1,), disabled=is_first, shortcut=BACK)
    st.button(
        say("tour.next"),
        key="tour_next",
        type="primary",
        on_click=go_to,
        args=(number + 1,),
        disabled=is_last,
        shortcut=NEXT,
    )


# ---- a step


def show_step(lab: Shared, step: Step, say: Say) -> None:
    """The text first: the X-ray takes a moment."""
    with st.container(key="tour_step"):
        story, onward = st.container(key="tour_story"), st.container(key="tour_onward")
        screen = st.container(key="tour_lab")
        with screen:
            seen = CONTROLS[step.control](step, say) if step.control else None
        with story:
            st.header(say(f"tour.{step.key}.title"), anchor=False)
            st.markdown(say(f"tour.{step.key}.text", **cited(step)))
            diagrams(step, seen, say)
        with onward:
            own = own_runs(lab.library, step)
            with st.container(key="tour_own", border=True):
                offer_runs(lab, step, own, say)
            with st.container(key="tour_on", border=True):
                lead_on(lab, step, seen, [*shipped_of(lab, step), *own], say)
        with screen:
            board(lab, step, seen, say)


def diagrams(step: Step, seen: Pair | None, say: Say) -> None:
    """The blocks that the step is about, the shortcut's path and the branch in their colours."""
    depth = step.depths[-1]
    models = [ModelConfig(depth=depth, block=CONTENDERS[name].block) for name in step.nets]
    drawn = dict(zip((say(f"net.{name}", depth=depth) for name in step.nets), models, strict=True))
    if seen:
        drawn = {seen.label: seen.current, seen.rival_label: seen.rival}
    with st.container(key="tour_diagrams"):
        for number, (label, model) in enumerate(drawn.items()):
            drawing = picture(model)
            with st.container(key=f"tour_{'gated' if drawing.gate else 'drawn'}_{number}"):
                st.caption(label)
                st.markdown(draw(drawing, label), unsafe_allow_html=True)


def shipped_of(lab: Shared, step: Step) -> list[Run]:
    return comparable(shipped_runs(lab.library), step.nets, step.depths)


@st.fragment
def board(lab: Shared, step: Step, seen: Pair | None, say: Say) -> None:
    """The X-ray, what comes with the lab, what was trained here; it ticks while one of these runs is active."""
    shown = {"shipped": shipped_of(lab, step), "own": own_runs(lab.library, step)}
    theme = current_theme()
    charts = xray_charts(step, look(seen, say), theme, say) if seen else {}
    runs = [run for each in shown.values() for run in each]
    how = ("tour", step.key, say("language"), theme)
    charts |= lab.drawn(runs, how, lambda: run_charts(lab.histories, step, shown, say, theme))
    is_active = any(run.is_active for run in runs)
    show_charts(charts, f"tour_{step.key}", TICK_SECONDS if is_active else None, MIN_WIDTH)
    say_what_is_there(step, shown["shipped"], say)


def say_what_is_there(step: Step, shipped: Sequence[Run], say: Say) -> None:
    if not shipped:
        st.caption(say("shipped.none"))
    elif len(step.depths) > 1 and len({run.config.model.depth for run in shipped}) == 1:
        st.caption(say("shipped.one_depth"))


# ---- on from here

Lead = tuple[str, str, dict[str, str]]  # page, icon, parameters


def lead_on(lab: Shared, step: Step, seen: Pair | None, runs: Sequence[Run], say: Say) -> None:
    """Into the other pages, with what is on the screen."""
    done = [run for run in runs if run.status == "done"]
    built = {"build": encode(View(model=seen.current, baseline=seen.rival.block))} if seen else {}
    leads: dict[str, Callable[[], Lead | None]] = {
        "build": lambda: ("screens/build.py", ":material/account_tree:", built),
        "build_own": lambda: ("screens/build.py", ":material/account_tree:", {}),
        "compare": lambda: compared(runs),
        "look": lambda: looked_into(lab, step, done),
        "tables": lambda: ("screens/papers.py", ":material/table:", {"view": "tables"}),
        "claims": lambda: ("screens/papers.py", ":material/balance:", {"view": "claims"}),
    }
    st.subheader(say("on.title"), anchor=False)
    for name in step.leads:
        if lead := leads[name]():
            page, icon, parameters = lead
            st.page_link(page, label=say(f"on.{name}"), icon=icon, query_params=parameters)


def compared(runs: Sequence[Run]) -> Lead | None:
    link = {RUNS: join_ids(run.id for run in runs), "seeds": "std", "only": CHOSEN}
    return ("screens/compare.py", ":material/stacked_line_chart:", link) if runs else None


def looked_into(lab: Shared, step: Step, done: Sequence[Run]) -> Lead | None:
    """Of each net of the step the first whose weights are here."""
    there = [run for run in done if (lab.library.run_folder(run.id) / WEIGHTS).is_file()]
    blocks = [CONTENDERS[name].block for name in step.nets]
    runs = [next((run for run in there if run.config.model.block == block), None) for block in blocks]
    link = {"nets": join_ids(net_ids(lab.library, [run for run in runs if run]))}
    return ("screens/look.py", ":material/search:", link) if there else None
