"""The views of paths, shares and landscapes without a browser: each with two nets, and with one that it is not for."""

import pytest
from streamlit.testing.v1 import AppTest

from resnet_lab.data import home
from resnet_lab.inside.inspections import MEMORY
from resnet_lab.inside.looked import import_checkpoint
from resnet_lab.inside.shares import PLAIN
from resnet_lab.store import open_store
from resnet_lab.ui.run_styles import style_of
from resnet_lab.weights import WEIGHTS
from tests.processes import end_processes_of
from tests.test_look_maps import APP, charts, opened, param, settled, words
from tests.test_looked import finished

BOARDS = {"paths": 3, "shares": 7, "landscape": 1}  # charts of two nets


@pytest.fixture(scope="module", autouse=True)
def nets(tmp_path_factory):
    """The runs of three tiny nets that nobody has trained, by name: two that have paths, and a plain one."""
    blocks = {"plain": {"shortcut": "none"}, "identity": {}, "preact": {"placement": "full_preact"}}
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESNET_LAB_HOME", str(folder))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.delenv("RESNET_LAB_STORE", raising=False)
        with open_store() as store:
            yield {name: finished(store, name=name, **block) for name, block in blocks.items()}
    end_processes_of(folder)


def look(nets, *names, **params):
    """The page with these nets, once all is computed."""
    app = opened(nets=".".join(nets[name].id for name in names), **params)
    assert not app.warning, [each.value for each in app.warning]
    return app


@pytest.mark.parametrize("view", BOARDS)
def test_every_view_shows_both_nets(nets, view):
    shown = charts(look(nets, "identity", "preact", view=view))
    assert len(shown) == BOARDS[view]
    told = " ".join(chart["alt"] for chart in shown.values())
    assert "identity" in told
    assert "preact" in told


def test_a_net_without_paths_gets_a_sentence_and_the_others_their_charts(nets):
    app = look(nets, "plain", "identity", view="paths")
    assert "Paths need the shortcut 'identity', but the shortcut of this net is 'none'." in words(app)
    assert {trace["name"] for chart in charts(app).values() for trace in chart["figure"]["data"]} == {"identity"}


def test_where_no_net_has_paths_there_is_no_chart(nets):
    app = look(nets, "plain", view="paths")
    assert "Paths need the shortcut 'identity'" in words(app)
    assert not app.get("bidi_component")


def test_of_a_plain_net_the_page_says_that_all_comes_from_its_branch(nets):
    plain, identity = (
        chart
        for name, chart in charts(look(nets, "plain", "identity", view="shares")).items()
        if name.startswith("shares")
    )
    assert (plain["caption"], identity["caption"]) == (PLAIN, "")


def test_shares_need_a_picture(nets):
    assert "Put a picture into the tray" in words(look(nets, "identity", view="shares", tray="none"))


def test_conductance_is_told_for_the_stages_and_for_the_channels_of_the_chosen_unit(nets):
    shown = charts(look(nets, "identity", "preact", view="shares", part="stage", unit="3"))
    assert "each stage" in shown["conductance"]["alt"]
    assert [len(trace["x"]) for trace in shown["conductance"]["figure"]["data"]] == [3, 3]
    flow = shown[f"flow {nets['identity'].id}"]
    assert "identity, unit 3" in flow["alt"]
    assert len(flow["figure"]["data"][0]["x"]) == 16


@pytest.mark.parametrize(("shape", "num_charts"), [("maps", 2), ("surfaces", 2)])
def test_a_landscape_over_two_directions_has_a_chart_for_each_net(nets, shape, num_charts):
    app = look(nets, "identity", "plain", view="landscape", shape=shape, side2="7")
    assert len(charts(app)) == num_charts
    assert param(app, "shape") == shape


def test_a_run_has_the_colour_of_all_pages_and_a_checkpoint_one_that_is_free(nets):
    with open_store() as store:
        imported = import_checkpoint(store.run_folder(nets["plain"].id) / WEIGHTS, "theirs", home())
    app = opened(nets=f"{imported.id}.{nets['preact'].id}.{nets['plain'].id}", view="landscape")
    colours = {trace["name"]: trace["line"]["color"] for trace in charts(app)["curves"]["figure"]["data"]}
    numbers = {"preact": nets["preact"].colour, "plain": nets["plain"].colour, "theirs": nets["identity"].colour}
    assert colours == {name: style_of(number).colour.light for name, number in numbers.items()}


def test_where_something_is_computed_the_page_says_how_much_memory_it_may_take(nets):
    app = AppTest.from_file(APP, default_timeout=180)
    app.switch_page("screens/look.py")
    app.query_params["view"], app.query_params["directions"] = "landscape", "4"
    buttons = app.run().button
    waited = [button.help for button in buttons if "look_cancel" in str(button.key)]
    assert waited
    assert all(MEMORY in words for words in waited)
    settled(app)
