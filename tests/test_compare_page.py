"""The Compare page without a browser: what is chosen, what the address says, what can be done with runs."""

import json
import re
from pathlib import Path
from urllib.parse import parse_qs, unquote

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from resnet_lab.events import Done, Epoch, Probe, Start, Step
from resnet_lab.histories import Histories
from resnet_lab.inside.specimens import MOST, places_in_sample, specimen
from resnet_lab.library import Library
from resnet_lab.predictions import Predictions, write_predictions
from resnet_lab.presets import preset
from resnet_lab.queueing import Process, claim, release
from resnet_lab.run_table import PINNED, cost_of, rows, told_of
from resnet_lab.summaries import summarise
from resnet_lab.ui.board import KNOWN
from resnet_lab.ui.compare_charts import INSIDE, MOST_OVER_TIME, Shown, gradient_charts
from resnet_lab.ui.compare_export import MOST_MISTAKEN, exported, report_of
from resnet_lab.ui.compare_table import LETTER, MOST_ROOM, explained
from resnet_lab.ui.compare_view import VIEWS, CompareView
from resnet_lab.ui.readings import READINGS
from resnet_lab.ui.run_styles import style_of
from resnet_lab.ui.shared import Shared
from tests.processes import store
from tests.stores import config

__all__ = ["store"]

APP = str(Path(__file__).parent.parent / "app.py")


def lab_of(store):
    return Shared(Library(store, None), Histories(store))


def trained(store, config, slope=1.0, status="done", **labels):
    """A run that told of 40 losses, 4 tests and 2 probes, as far as it is over with its answers to 1,000 images."""
    run = store.add(config, **labels)
    claim(store, run.id, Process.of())
    how = {"device": "cpu", "precision": "fp32", "threads": 1}
    events = [Start(0, 0.0, 200, 5000, 1000, 77, 1000.0, 3.0, how)]
    for k in range(1, 41):
        events.append(Step(5 * k, float(k), 2.3 - slope * k / 40, 0.1, 1000.0, 0.0, train_error=90.0 - k))
        if k % 20 == 0:
            layers = {
                name: {"response": 1.0, "gradient_norm": 0.1} for name in ("stem.conv", "stages.0.0.branch.conv1")
            }
            events.append(Probe(5 * k, float(k), layers, {"gradient_norm": [0.1, 0.2, 0.3], "update_ratio": [0.1] * 3}))
        if k % 10 == 0:
            events.append(Epoch(5 * k, float(k), k / 10, 90 - slope * k, 2.0, 1000))
    if status == "done":
        events.append(Done(200, 40.0, "done", "All 200 steps are done.", 4.0, 50.0))
        labels = np.arange(1000) % 10
        answers = (labels + (np.arange(1000) % 7 < 4 * slope)) % 10
        write_predictions(store.run_folder(run.id), Predictions(labels, answers, np.full(1000, 0.5, dtype=np.float32)))
    store.append(run.id, list(enumerate(events, start=1)))
    if status != "running":
        release(store, run.id, status)
    return store.run(run.id)


@pytest.fixture
def runs(store):
    """Three of one launch, a minute after an older one."""
    now = [1000.0]
    store.clock = lambda: now[0]
    old = trained(store, config(shortcut="dropout"), name="old one")
    now[0] += 60
    return [old, *(trained(store, config(shortcut=name), slope) for name, slope in BLOCKS)]


BLOCKS = (("none", 0.2), ("identity", 1.0), ("exclusive_gating", 0.1))


def opened(**params):
    app = AppTest.from_file(APP, default_timeout=180)
    app.switch_page("screens/compare.py")
    for name, value in params.items():
        app.query_params[name] = value
    return settled(app.run())


def settled(app):
    assert not app.exception, app.exception
    return app


def params(app):
    return {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}


def chosen(app):
    return params(app).get("runs", "").split(".")


def charts(app):
    """The titles of the charts that the page has sent to the browser."""
    return [chart["figure"]["layout"]["title"]["text"] for board in boards(app) for chart in board["charts"].values()]


def boards(app):
    """What the browser has, once all messages have arrived."""
    return [app.session_state[KNOWN].last.state for _ in app.get("bidi_component")]


def captions(app):
    return " ".join(chart["caption"] for board in boards(app) for chart in board["charts"].values())


def as_read(markdown):
    return markdown.replace("\\", "")


def test_without_runs_the_page_leads_to_training(store):
    app = opened()
    assert "nothing to compare yet" in app.info[0].value
    assert [button.label for button in app.button] == ["Train the first runs"]
    assert not app.dataframe


def test_the_newest_launch_is_chosen_at_first_and_is_in_the_address(runs):
    app = opened()
    assert chosen(app) == [run.id for run in runs[1:]]
    assert not app.warning


def test_a_link_shows_its_runs_and_its_settings(runs):
    asked = {"runs": f"{runs[0].id},{runs[2].id[:6]}", "x": "epoch", "smooth": "0.9", "by": "variant", "seeds": "sem"}
    app = opened(**asked, baseline=runs[0].id, view="curves")
    assert chosen(app) == [runs[0].id, runs[2].id]
    assert app.selectbox(key="c_x").value == "epoch"
    assert app.slider(key="c_smooth").value == 0.9
    assert app.selectbox(key="c_baseline").value == runs[0].id
    assert params(app) == asked | {"runs": f"{runs[0].id}.{runs[2].id}", "baseline": runs[0].id}
    assert not app.warning


def test_every_wrong_part_of_a_link_is_named_and_the_rest_is_shown(runs):
    wrong = {"x": "fortnight", "smooth": "2", "view": "3d", "colour": "red", "log": "z", "baseline": "nobody"}
    app = opened(runs=f"{runs[1].id}.zzzz", seeds="std", **wrong)
    said = [as_read(warning.value) for warning in app.warning]
    assert len(said) == 7
    for word in ("'fortnight'", "'2'", "'3d'", "'colour'", "'z'", "'nobody'", "'zzzz'"):
        assert sum(word in sentence for sentence in said) == 1, word
    assert chosen(app) == [runs[1].id]
    assert params(app) == {"runs": runs[1].id, "seeds": "std"}
    settled(app.selectbox(key="c_by").select("depth").run())
    assert not app.warning


def test_a_link_of_which_no_run_is_left_shows_the_newest_launch(runs):
    app = opened(runs="zzzz")
    assert "zzzz" in app.warning[0].value
    assert chosen(app) == [run.id for run in runs[1:]]


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("curves", ["Training loss, smoothed by 0.6", "Training error, smoothed by 0.6", "Test error on 1,000 images"]),
        ("gradients", ["Gradient norm of each unit's weights at the last probe", "Response of each layer, in order"]),
        ("inside", ["Size of an update over size of the weights, last probe"]),
        ("cost", ["Final test error against training time", "Final test error against parameters"]),
        ("two", ["Training loss, smoothed by 0.6", "Test error on 1,000 images", "Gradient norm, Plain net-8"]),
        ("mistakes", ["Test error of each class, 1,000 images", "What Plain net-8 takes the images for"]),
    ],
)
def test_every_view_shows_its_charts(runs, name, titles):
    app = opened(view=name, runs=f"{runs[1].id}.{runs[2].id}")
    assert set(titles) <= set(charts(app))
    settled(app.selectbox(key="c_by").select("variant").run())
    assert params(app).get("view", "curves") == name


@pytest.mark.parametrize(
    ("name", "readings"),
    [
        ("curves", ["loss", "train_error", "test_error"]),
        ("gradients", ["over_depth", "over_time", "in_order", "by_size"]),
        ("inside", ["update_ratio"]),
        ("cost", ["cost"]),
        ("two", ["test_error", "map"]),
        ("mistakes", ["classes", "confusion"]),
    ],
)
def test_every_view_says_once_how_each_kind_of_its_charts_is_read(runs, name, readings):
    said = captions(opened(view=name, runs=f"{runs[1].id}.{runs[2].id}"))
    assert {kind: said.count(words) for kind, words in READINGS.items()} == {
        kind: int(kind in readings) for kind in READINGS
    }


def test_every_measure_of_the_inside_has_its_reading():
    assert INSIDE.keys() <= READINGS.keys()


def test_every_view_can_be_clicked(runs):
    app = opened()
    for name in [*VIEWS][::-1]:
        settled(app.button_group(key="c_view").set_value(name).run())
        assert params(app).get("view", "curves") == name


@pytest.mark.parametrize("name", VIEWS)
def test_a_run_without_any_number_can_be_shown(store, name):
    waiting = store.add(config())
    other = store.add(config(shortcut="none"))
    app = opened(view=name)
    assert set(chosen(app)) == {waiting.id, other.id}


def test_settings_change_the_address_and_come_back_from_it(runs):
    app = opened()
    for key, value in (("x", "images"), ("log", "xy"), ("seeds", "ci95"), ("by", "recipe")):
        settled(app.selectbox(key=f"c_{key}").select(value).run())
    settled(app.slider(key="c_smooth").set_value(0.25).run())
    link = params(app)
    assert link | {"x": "images", "log": "xy", "seeds": "ci95", "by": "recipe", "smooth": "0.25"} == link
    assert params(opened(**link)) == link


def test_two_runs_are_told_apart_in_words_with_the_step_at_which_they_part(runs):
    app = opened(view="two", runs=f"{runs[1].id}.{runs[2].id}")
    words = as_read(" ".join(element.value for element in app.markdown))
    assert "The shortcut changes from plain to identity." in words
    assert "Their training losses part at step " in words
    assert "All else is the same." in words
    assert re.search(r"They have [\d,]+ parameters, and [\d.]+ M multiply-adds an image\.", words)
    assert sum(element.value.startswith("<svg") for element in app.markdown) == 2
    assert "Two runs part at the first recorded step" in captions(app)


def test_of_two_runs_the_baseline_is_the_one_that_is_changed(runs):
    app = opened(view="two", runs=f"{runs[1].id}.{runs[2].id}", baseline=runs[2].id)
    assert "The shortcut changes from identity to plain." in as_read(" ".join(each.value for each in app.markdown))


def test_runs_that_were_not_computed_alike_say_so(store, runs):
    both = {"runs": f"{runs[1].id}.{runs[2].id}", "view": "two"}
    assert not any("Not alike" in caption.value for caption in opened(**both).caption)
    for run, precision in ((runs[1], "fp32"), (runs[2], "bf16")):
        how = {"device": "cpu", "precision": precision, "threads": 1}
        store.append(run.id, [(10**6, Start(0, 0.0, 20, 5000, 1000, 77, 1000.0, 3.0, how))])
    app = opened(**both)
    assert "They also differ in arithmetic fp32 and bf16." in as_read(" ".join(each.value for each in app.markdown))
    assert any("bf16 and fp32" in caption.value for caption in app.caption)


def test_of_more_than_two_the_pair_can_be_chosen_and_is_in_the_address(runs):
    app = opened(view="two", baseline=runs[2].id)
    assert app.selectbox(key="c_first").value == runs[2].id
    settled(app.selectbox(key="c_first").select(runs[3].id).run())
    settled(app.selectbox(key="c_second").select(runs[1].id).run())
    assert params(app)["pair"] == f"{runs[3].id}.{runs[1].id}"
    again = opened(**params(app))
    assert (again.selectbox(key="c_first").value, again.selectbox(key="c_second").value) == (runs[3].id, runs[1].id)


def test_the_pair_is_at_first_of_runs_that_differ_in_more_than_the_seed(store, runs):
    again = trained(store, config(shortcut="identity", seed=1))
    app = opened(view="two", runs=f"{runs[2].id}.{again.id}.{runs[3].id}")
    assert params(app)["pair"] == f"{runs[2].id}.{runs[3].id}"
    both = opened(view="two", runs=f"{runs[2].id}.{again.id}.{runs[3].id}", pair=f"{runs[2].id}.{again.id}")
    assert params(both)["pair"] == f"{runs[2].id}.{again.id}"


def test_mistakes_show_the_images_that_only_one_gets_right(runs):
    app = opened(view="mistakes", runs=f"{runs[1].id}.{runs[2].id}")
    wrong = {run.id: np.arange(1000) % 7 < 4 * slope for run, (_, slope) in zip(runs[1:], BLOCKS, strict=True)}
    only_second = int((wrong[runs[2].id] & ~wrong[runs[1].id]).sum())
    heads = [as_read(head.value) for head in app.subheader]
    assert heads[0] == f"{only_second} images that Plain net-8 gets right and ResNet-8, identity wrong"
    assert heads[1] == "0 images that ResNet-8, identity gets right and Plain net-8 wrong"
    [link] = [each for each in app.get("page_link") if "both" in each.proto.label]
    asked = parse_qs(link.proto.query_string)
    assert asked["nets"] == [f"{runs[1].id}.{runs[2].id}"]
    places = np.flatnonzero(wrong[runs[2].id] & ~wrong[runs[1].id])[:MOST]
    assert [specimen(ref).title for ref in asked["tray"][0].split(".")] == [
        f"test image {number} of CIFAR-10" for number in np.array([*places_in_sample("test")])[places]
    ]


def test_of_data_that_are_not_here_the_images_of_the_bundled_sample_are_shown(store):
    labels = np.arange(10_000) % 10
    whole = [
        store.add(preset("minute", data="cifar10", test_size=None, shortcut=name)) for name in ("none", "identity")
    ]
    for run, answers in zip(whole, (labels, (labels + 1) % 10), strict=True):
        write_predictions(store.run_folder(run.id), Predictions(labels, answers, np.full(10_000, 0.5, np.float32)))
    app = opened(view="mistakes", runs=".".join(run.id for run in whole))
    assert "9,000 of them are not on this machine." in [caption.value for caption in app.caption]
    assert [link.proto.label for link in app.get("page_link") if "both" in link.proto.label] == [
        f"Look inside both, with {MOST} of these images"
    ]


def test_of_a_part_of_data_that_are_not_here_it_is_said_how_to_get_them(store):
    part = [
        trained(store, preset("minute", data="cifar10", test_size=1000, shortcut=name)) for name in ("none", "identity")
    ]
    app = opened(view="mistakes", runs=".".join(run.id for run in part))
    assert any("get it with" in info.value for info in app.info)


def test_a_run_without_answers_says_why(runs, store):
    going = trained(store, config(seed=9), status="paused")
    app = opened(view="mistakes", runs=f"{runs[1].id}.{going.id}")
    assert any(going.id in info.value and "when a run is done" in info.value for info in app.info)


def test_a_baseline_adds_columns_with_differences(runs):
    app = opened()
    plain = app.dataframe[0].value
    assert not [name for name in plain.columns if name.startswith("Δ")]
    settled(app.selectbox(key="c_baseline").select(runs[1].id).run())
    table = app.dataframe[0].value
    by_id = dict(zip(table["id"], table["Δfinal"], strict=True))
    assert by_id[runs[1].id] == 0
    assert by_id[runs[2].id] == pytest.approx(-40 * (1.0 - 0.2))
    assert params(app)["baseline"] == runs[1].id


def lines_in_the_table(app):
    table = app.dataframe[0].value
    images = [unquote(image) if isinstance(image, str) else "" for image in table["drawn"]]
    return dict(zip(table["id"], images, strict=True))


def colours_in_the_chart(app):
    traces = [trace for board in boards(app) for trace in board["charts"]["loss"]["figure"]["data"]]
    return {trace["legendgroup"]: trace["line"]["color"] for trace in traces}


@pytest.mark.parametrize("by", ["run", "variant"])
def test_the_table_draws_each_shown_run_as_the_charts_do(runs, by):
    app = opened(runs=f"{runs[3].id}.{runs[2].id}", by=by)
    drawn, colours = lines_in_the_table(app), colours_in_the_chart(app)
    assert colours.keys() == {runs[2].id, runs[3].id}
    assert all(colour in drawn[run_id] for run_id, colour in colours.items())
    assert bool(drawn[runs[0].id]) == (by == "run")


def test_two_of_several_shown_runs_keep_their_colours(runs):
    ids = sorted(run.id for run in runs[1:])  # of one moment: as their colours are numbered
    app = opened(view="two", runs=".".join(ids), pair=".".join(ids[1:]), by="variant")
    drawn, colours = lines_in_the_table(app), colours_in_the_chart(app)
    assert colours.keys() == {*ids[1:]}
    assert all(colour in drawn[run_id] for run_id, colour in colours.items())


def test_the_first_of_many_runs_keep_their_colours_where_only_they_are_drawn(store):
    old = trained(store, config())
    deeper = [trained(store, config(depth=14, seed=seed)) for seed in range(MOST_OVER_TIME)]
    shown = Shown((*deeper, old), Histories(store), CompareView(by="depth"), "light")
    charts = gradient_charts(shown)
    for name in ("over_depth", "over_time"):
        [line] = [trace for trace in charts[name].figure.data if trace.uid == deeper[0].id]
        assert line.line.color == shown.styles[deeper[0].id].colour.light == style_of(1).colour.light


def test_costs_are_there_once_the_page_is_at_rest(runs):
    table = opened().dataframe[0].value
    assert table["multiply_adds"].notna().all()
    assert (table["parameters"] > 10_000).all()


def test_search_and_filters_list_fewer_runs_and_keep_the_chosen_ones(runs):
    app = opened()
    before = chosen(app)
    settled(app.text_input(key="c_search").set_value("old").run())
    assert list(app.dataframe[0].value["id"]) == [runs[0].id]
    assert chosen(app) == before
    settled(app.text_input(key="c_search").set_value("no such thing").run())
    assert "No run fits" in app.info[0].value
    assert chosen(app) == before
    settled(app.text_input(key="c_search").set_value("").run())
    settled(app.toggle(key="c_only").set_value(True).run())
    assert set(app.dataframe[0].value["id"]) == set(before)


def test_what_the_table_is_searched_for_is_in_the_address_and_comes_back_from_it(runs, store):
    store.edit(runs[0].id, tags=["first week", "lr 0.1"])
    app = opened(runs=f"{runs[0].id}.{runs[1].id}", view="two", pair=f"{runs[1].id}.{runs[0].id}")
    settled(app.text_input(key="c_search").set_value("dropout").run())
    settled(app.multiselect(key="c_status").set_value(["done", "failed"]).run())
    settled(app.multiselect(key="c_tags").set_value(["lr 0.1", "first week"]).run())
    settled(app.toggle(key="c_only").set_value(True).run())
    link = params(app)
    asked = {"search": "dropout", "status": "done.failed", "tags": "lr 0.1,first week", "only": "chosen"}
    assert link == asked | {name: link[name] for name in ("runs", "view", "pair")}
    again = opened(**link)
    assert list(again.dataframe[0].value["id"]) == [runs[0].id]
    assert params(again) == link
    settled(again.text_input(key="c_search").set_value("").run())
    settled(again.multiselect(key="c_tags").set_value([]).run())
    assert params(again) == {name: text for name, text in link.items() if name not in ("search", "tags")}


def test_a_tag_that_no_run_has_fits_none_and_can_be_taken_away(runs):
    app = opened(tags="gone")
    assert "No run fits" in app.info[0].value
    settled(app.multiselect(key="c_tags").set_value([]).run())
    assert len(app.dataframe[0].value) == len(runs)


def test_what_is_listed_changes_no_chart():
    view = CompareView(x="epoch", search="a", status=("done",), tags=("b",), only=True)
    assert view.of_charts == CompareView(x="epoch")


def test_a_search_outlives_what_is_done_with_the_runs(runs, store):
    app = opened(runs=runs[1].id)
    settled(app.text_input(key="c_search").set_value("old").run())
    settled(app.button(key="delete").click().run())
    assert store.run(runs[1].id).deleted is not None
    assert app.text_input(key="c_search").value == params(app)["search"] == "old"


def test_pinned_runs_stand_first_in_the_table_until_they_are_unpinned(runs, store):
    newest_first = [run.id for run in store.runs()]
    app = opened(runs=runs[0].id)
    assert list(app.dataframe[0].value["id"]) == newest_first
    assert app.button(key="pin").label == "Pin"
    settled(app.button(key="pin").click().run())
    assert store.run(runs[0].id).tags == (PINNED,)
    assert list(app.dataframe[0].value["id"]) == [runs[0].id, *newest_first[:-1]]
    assert chosen(app) == [runs[0].id]
    assert app.button(key="pin").label == "Unpin"
    settled(app.button(key="pin").click().run())
    assert store.run(runs[0].id).tags == ()
    assert list(app.dataframe[0].value["id"]) == newest_first


def test_of_pinned_runs_and_others_all_are_pinned_at_first(runs, store):
    store.edit(runs[1].id, tags=["mine", PINNED])
    app = opened(runs=f"{runs[1].id}.{runs[2].id}")
    settled(app.button(key="pin").click().run())
    assert [store.run(run.id).tags for run in runs[1:3]] == [("mine", PINNED), (PINNED,)]


def test_delete_can_be_undone_even_after_a_reload(runs, store):
    app = opened()
    settled(app.button(key="delete").click().run())
    assert [run.id for run in store.runs()] == [runs[0].id]
    again = opened()
    assert again.button(key="undo").label == "Undo: bring back 3 runs"
    settled(again.button(key="undo").click().run())
    assert {run.id for run in store.runs()} == {run.id for run in runs}
    assert set(chosen(again)) == {run.id for run in runs}
    assert not [button for button in again.button if button.key == "undo"]


def test_when_all_is_deleted_it_can_still_be_undone(runs, store):
    app = opened(runs=".".join(run.id for run in runs))
    settled(app.button(key="delete").click().run())
    assert store.runs() == []
    assert "nothing to compare yet" in app.info[0].value
    settled(app.button(key="undo").click().run())
    assert len(store.runs()) == 4
    assert len(app.dataframe[0].value) == 4


def test_a_published_number_stands_beside_a_run_as_in_the_papers_and_beside_no_other(runs, store):
    theirs = trained(store, preset("paper", depth=20))
    other = trained(store, preset("paper", depth=20, lr=0.2))
    words = captions(opened(runs=f"{other.id}.{theirs.id}"))
    assert words.count("He et al. 2015, Table 6: 8.75%, one run, 64,000 steps of 128 images, all of cifar10") == 1
    assert "Table" not in captions(opened(runs=f"{other.id}.{runs[1].id}"))


def test_a_running_run_is_not_deleted_and_says_so(runs, store):
    going = trained(store, config(seed=9), status="running")
    app = opened(runs=f"{runs[1].id}.{going.id}")
    settled(app.button(key="delete").click().run())
    assert "is running; stop it" in as_read(app.warning[0].value)
    assert store.run(runs[1].id).deleted is not None
    assert chosen(app) == [going.id]


def test_nothing_ticks_when_nothing_runs(runs, store):
    def ticks(app):
        return [json.loads(element.proto.bytes)["tick"] for element in app.get("bidi_component")]

    assert ticks(opened()) == [None]
    trained(store, config(seed=9), status="running")
    assert ticks(opened(runs=store.runs(["running"])[0].id)) == [1.0]
    assert ticks(opened(runs=runs[0].id)) == [None]


def test_files_and_the_report_have_the_shown_runs(runs, store):
    lab = lab_of(store)
    told = json.loads(exported(store, runs[1:3], ".json"))
    assert [run["id"] for run in told["runs"]] == [run.id for run in runs[1:3]]
    html = report_of(lab, [store.run(run.id) for run in runs[1:3]], CompareView(), 1_800_000_000.0)
    assert "15 January 2027" in html
    for words in (
        "Training loss",
        "Gradient norm, Plain net-8",
        "5,000 images of sample at 16×16",
        "1,000 images",
        "fp32",
    ):
        assert words in html
    assert all(run.id in html for run in runs[1:3])
    assert runs[3].id not in html


def report_with(store, runs, **view):
    return report_of(lab_of(store), runs, CompareView(**view), 0.0)


def part(html, name):
    """From its heading to the next one."""
    start = html.index(f"<h2>{name}</h2>")
    return html[start : html.index("<h2>", start + 1)]


def test_the_report_draws_each_block_once_with_the_runs_that_are_made_of_it(store, runs):
    again = trained(store, config(shortcut="none", seed=1))
    blocks = part(report_with(store, [runs[1], runs[2], again]), "Blocks")
    assert blocks.count("<svg ") == 2
    plain, identity = blocks.split("</figure>")[:2]
    assert "<h3>Plain</h3>" in plain
    assert "<figcaption>Plain net-8, seed 0; Plain net-8, seed 1</figcaption>" in plain
    assert "<figcaption>ResNet-8, identity</figcaption>" in identity
    assert "light-dark(" in plain


def test_the_report_has_the_differences_from_the_baseline_even_where_it_is_not_shown(store, runs):
    assert "Δ" not in report_with(store, runs[1:3])
    for shown in (runs[1:3], runs[2:3]):
        results = part(report_with(store, shown, baseline=runs[1].id), "Results")
        assert "<th>Final test error, %</th><th>Δ Final test error, %</th>" in results
        assert "<td>50.00</td><td>-32.00</td>" in results
        assert "<td>82.00</td><td>+0.00</td>" in results
        assert f"Δ: less that of the baseline, {runs[1].title}, seed 0." in results


def test_differences_between_runs_on_different_data_are_called_what_they_are(store, runs):
    told = rows(told_of(Histories(store), summarise(store, runs), lambda config: None))
    view = CompareView(baseline=runs[1].id)
    assert "same data" not in explained(view, told)
    other = told[-1] | {"data": "something else"}
    assert "Not all were trained on the same data" in explained(view, [*told, other])


def test_one_long_name_among_short_ones_gets_the_room_that_it_needs(runs, store):
    def width():
        column = json.loads(opened().dataframe[0].proto.columns)["run"]
        assert column["pinned"]
        return column["width"]

    before = width()
    store.edit(runs[1].id, name="exclusive gating, with gates half open at first")
    assert before < 47 * LETTER <= width()
    store.edit(runs[1].id, name="long " * 20)
    assert width() == MOST_ROOM


def test_the_report_holds_the_mistakes_of_runs_that_are_done_and_says_which_are_not(store, runs):
    going = trained(store, config(shortcut="conv"), status="running")
    html = report_of(lab_of(store), [runs[1], runs[2], going], CompareView(seeds="std"), 0.0)
    mistakes = html[html.index("<h2>Mistakes</h2>") : html.index("<h2>How they were trained</h2>")]
    assert f"There are no answers of {going.label} to the test images" in mistakes
    assert mistakes.count('"type":"heatmap"') == 4  # of two runs, light and dark
    for words in ("Test error of each class, 1,000 images", "What Plain net-8 takes the images for", '"airplane"'):
        assert words in mistakes


def test_of_many_runs_the_report_holds_the_mistakes_of_the_first_ones(store):
    many = [trained(store, config(seed=seed)) for seed in range(MOST_MISTAKEN + 1)]
    html = report_of(lab_of(store), many, CompareView(), 0.0)
    mistakes = html[html.index("<h2>Mistakes</h2>") : html.index("<h2>How they were trained</h2>")]
    assert f"These are the mistakes of the first {MOST_MISTAKEN} of {len(many)} runs." in mistakes
    assert mistakes.count('"type":"heatmap"') == 2 * MOST_MISTAKEN


def test_two_runs_of_different_depths_are_told_what_each_costs(store, runs):
    deeper = trained(store, config(depth=14))
    app = opened(view="two", runs=f"{runs[2].id}.{deeper.id}")
    words = as_read(" ".join(element.value for element in app.markdown))
    sizes = [f"{cost_of(run.config).parameters:,}" for run in (runs[2], deeper)]
    assert f"They have {sizes[0]} and {sizes[1]} parameters" in words
    assert "They also differ in depth 8 and 14." in words
