"""The tour without a browser: its steps, its address, whose runs it shows, and what it starts."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from resnet_lab.block_config import BlockConfig
from resnet_lab.histories import Histories
from resnet_lab.library import Library
from resnet_lab.papers.budgets import setting
from resnet_lab.store import Store
from resnet_lab.ui.board import KNOWN
from resnet_lab.ui.links import decode
from resnet_lab.ui.shared import Shared
from resnet_lab.ui.story_runs import comparable, story_styles
from resnet_lab.ui.strings import LANGUAGES, TEXTS, speaking
from resnet_lab.ui.tour import looked_into
from resnet_lab.ui.tour_runs import configs_of, next_runs, own_runs
from resnet_lab.ui.tour_steps import CONTENDERS, STEPS, cited
from resnet_lab.weights import WEIGHTS
from tests.processes import store
from tests.stores import config
from tests.stories import shipped_gallery, told

__all__ = ["shipped_gallery", "store"]

APP = str(Path(__file__).parent.parent / "app.py")
BY_KEY = {step.key: step for step in STEPS}
pytestmark = pytest.mark.usefixtures("one_thread")


def opened(**parameters: str) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=600).switch_page("screens/tour.py")
    for name, value in parameters.items():
        app.query_params[name] = value
    return settled(app.run())


def settled(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def words(app: AppTest) -> str:
    kinds = (app.header, app.subheader, app.markdown, app.caption, app.warning, app.error)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def charts(app: AppTest) -> dict:
    return app.session_state[KNOWN].last.state["charts"]


def step_in_address(app: AppTest) -> str:
    value = app.query_params["step"]
    return value if isinstance(value, str) else value[0]


# ---- the steps


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", range(1, len(STEPS) + 1))
def test_each_step_tells_its_story_with_the_lab_on_the_screen(store, shipped_gallery, number, language):
    step, app = STEPS[number - 1], opened(step=str(number), lang=language)
    say = speaking(language)
    assert say(f"tour.{step.key}.title") in words(app)
    assert say(f"tour.{step.key}.text", **cited(step)).replace("\\", "") in words(app)
    assert list(charts(app)) == [f"xray_{name}" for name in step.xray] + [f"shipped_{name}" for name in step.measures]
    assert all("a test's machine" in charts(app)[f"shipped_{name}"]["caption"] for name in step.measures)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_story_is_read_in_a_quarter_of_an_hour(language):
    texts = [getattr(TEXTS[f"tour.{step.key}.text"], language) for step in STEPS]
    minutes = {"en": sum(len(text.split()) for text in texts) / 150, "ko": sum(map(len, texts)) / 300}
    assert minutes[language] <= 15 / 2  # the other half is for the charts


def test_the_published_numbers_are_those_of_the_tables():
    told = {key: cited(step) for key, step in BY_KEY.items()}
    assert told["residual"] == {
        "failed": "20",
        "resnet20": "8.75%",
        "resnet56": "6.97%",
        "resnet110": "6.61%",
        "resnet1202": "7.93%",
    }
    assert told["shortcut"] == {"failed": "20", "identity": "6.61%", "gated": "8.70%", "scaled": "12.35%"}
    assert [told["preactivation"][name] for name in ("original1001", "preact1001", "after")] == [
        "7.61%",
        "4.92%",
        "8.17%",
    ]


def test_one_goes_on_and_back_and_the_address_follows(store):
    app = opened()
    assert app.button(key="tour_back").disabled
    settled(app.button(key="tour_next").click().run())
    assert step_in_address(app) == "2"
    assert TEXTS["tour.residual.title"].en in words(app)
    settled(app.segmented_control(key="tour_step_choice").set_value(len(STEPS) - 1).run())
    assert app.button(key="tour_next").disabled
    settled(app.button(key="tour_back").click().run())
    assert step_in_address(app) == str(len(STEPS) - 1)


@pytest.mark.parametrize("asked", ["0", "6", "two", "²"])
def test_a_step_that_is_not_there_is_said_in_one_sentence(store, asked):
    app = opened(step=asked, lang="ko")
    assert TEXTS["tour.unknown"].ko.format(asked=repr(asked), steps=len(STEPS)) in words(app)
    assert TEXTS["tour.degradation.title"].ko in words(app)


def test_the_gates_bias_is_moved_and_the_signal_follows(store):
    app = opened(step="3")
    shut = app.slider(key="tour_gate_shortcut").set_value(-8).run()
    passed = charts(settled(shut))["xray_shortcut_signal"]["figure"]["data"][0]
    assert passed["name"] == "Gate bias −8"
    assert passed["y"][-1] > 0.9
    opened_gate = charts(settled(app.slider(key="tour_gate_shortcut").set_value(0).run()))["xray_shortcut_signal"]
    assert opened_gate["figure"]["data"][0]["y"][-1] < 1e-4


# ---- whose runs


def test_own_runs_stand_in_charts_of_their_own_beside_the_shipped_ones(store, shipped_gallery):
    step = BY_KEY["residual"]
    for net in configs_of(step, "sample"):
        told(store, net, 55.0, steps=400)
    told(store, config(depth=20), 44.0)  # of another setting
    app = opened(step="2")
    own = charts(app)["own_test_error"]
    assert [trace["name"] for trace in own["figure"]["data"] if trace.get("showlegend", True)] == [
        "Plain net-56, n = 1",
        "ResNet-56, identity, n = 1",
    ]
    assert own["figure"]["layout"]["title"]["text"].startswith("Yours.")
    assert charts(app)["shipped_test_error"]["figure"]["layout"]["title"]["text"].startswith("Comes with the lab.")
    assert TEXTS["chart.early"].en in own["caption"]
    assert TEXTS["own.none"].en not in words(app)


def test_runs_that_are_trained_now_are_told_and_grow(store):
    told(store, configs_of(BY_KEY["residual"], "sample")[0], 55.0, status="queued")
    assert TEXTS["own.active"].en.format(runs=1) in [info.value for info in opened(step="2").info]


def test_only_the_steps_own_settings_count_as_own_runs(store):
    step = BY_KEY["degradation"]
    mine = [told(store, net, 50.0, steps=400) for net in configs_of(step, "cifar10", seed=3)]
    told(store, configs_of(BY_KEY["residual"], "cifar10")[1], 50.0, steps=400)
    told(store, configs_of(step, "cifar10")[0].with_fields(lr=0.1), 50.0, steps=400)
    assert [run.id for run in own_runs(Library(store, None), step)] == [run.id for run in mine]


def test_budgets_are_never_mixed_and_the_one_with_most_nets_is_shown(tmp_path):
    with Store(None, tmp_path) as store:
        short = [told(store, config(**fields), 50.0) for fields in ({"shortcut": "none"}, {})]
        longest = told(store, config(steps=90), 40.0, steps=90)
        deeper = told(store, config(depth=14, placement="full_preact"), 40.0)
        runs = store.runs()
        assert comparable(runs, ("plain", "identity", "full_preact"), ()) == [store.run(run.id) for run in short]
        assert [run.id for run in comparable(runs, ("identity",), ())] == [longest.id]
        assert [run.id for run in comparable(runs, ("full_preact",), ())] == [deeper.id]
        assert comparable(runs, ("open_gate",), ()) == []


def test_of_several_budgets_that_of_the_depth_that_is_asked_for_is_shown(tmp_path):
    with Store(None, tmp_path) as store:
        told(store, config(steps=90), 40.0, steps=90)
        deeper = told(store, config(depth=14), 40.0)
        assert [run.id for run in comparable(store.runs(), ("identity",), (14,))] == [deeper.id]


def test_only_nets_with_weights_are_looked_into_one_of_each_block(tmp_path):
    with Store(None, tmp_path) as store:
        library, step = Library(store, None), BY_KEY["residual"]
        runs = [told(store, net, 50.0) for seed in (0, 1) for net in configs_of(step, "sample", seed=seed)]
        assert looked_into(Shared(library, Histories(library)), step, runs) is None
        for run in runs[1:]:
            weights = store.run_folder(run.id) / WEIGHTS
            weights.parent.mkdir(parents=True, exist_ok=True)
            weights.touch()
        _, _, parameters = looked_into(Shared(library, Histories(library)), step, runs)
        assert parameters == {"nets": f"{runs[2].id}.{runs[1].id}"}


def test_where_depth_is_compared_depths_stand_together_told_apart_by_dashes(tmp_path):
    with Store(None, tmp_path) as store:
        for depth in (8, 14):
            told(store, config(depth=depth, shortcut="none"), 50.0)
        found = comparable(store.runs(), ("plain",), (20, 56))
        assert [run.config.model.depth for run in found] == [8, 14]
        styles = [story_styles(found)[run.id] for run in found]
        assert [style.dash for style in styles] == ["dash", "solid"]
        assert styles[0].colour == styles[1].colour


def test_no_two_blocks_of_the_story_look_alike():
    assert len({contender.style for contender in CONTENDERS.values()}) == len(CONTENDERS)
    assert len({contender.block for contender in CONTENDERS.values()}) == len(CONTENDERS)


# ---- one's own run


def test_a_click_trains_the_nets_of_the_step_and_stays_there(store):
    app = opened(step="3")
    assert "early optimisation" in words(app)
    assert TEXTS["price.unknown"].en in words(app)
    settled(app.button(key="tour_train_shortcut").click().run())
    wanted = {setting(each) for each in configs_of(BY_KEY["shortcut"], "sample")}
    assert {setting(run.config) for run in store.runs()} == wanted
    assert len(store.runs()) == len(BY_KEY["shortcut"].nets)
    assert TEXTS["tour.shortcut.title"].en in words(app)


def test_what_is_there_already_is_not_trained_again(store):
    step = BY_KEY["residual"]
    plain, identity = configs_of(step, "sample")
    told(store, plain, 50.0, steps=400)
    found = next_runs(store, step, "sample")
    assert (found.new, found.new[0].seed) == ([identity], 0)
    told(store, identity, 50.0, steps=400)
    found = next_runs(store, step, "sample")
    assert (found.new, found.new[0].seed) == (configs_of(step, "sample", seed=1), 1)


# ---- on from here


def links(app: AppTest) -> dict[str, dict[str, str]]:
    """By the page that they lead to."""
    return {each.proto.page: each.proto.query_string for each in app.get("page_link")}


def test_the_links_bring_along_what_is_on_the_screen(store, shipped_gallery):
    found = links(opened(step="3"))
    [build] = [query for page, query in found.items() if page == "build"]
    view = decode(build.split("build=")[1])
    assert view.model.block == BlockConfig(shortcut="exclusive_gating", shortcut_args={"gate_bias": 0})
    assert view.baseline == BlockConfig()
    last = links(opened(step="5"))
    assert last["compare"].count(".") == 2, "three runs"
    assert "look" not in last, "these runs have no weights"
    assert last["papers"] in ("view=claims", "view=tables")
