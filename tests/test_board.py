"""The board: what changed travels, what came back is what was meant, and the numbers are as they were."""

import json
import math
import random
import time

import numpy as np
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from resnet_lab.ui import board
from resnet_lab.ui.board import ARRIVAL_SECONDS, Chart, drawn, plain
from resnet_lab.ui.patches import patch


def patched(value, change):
    """What board.js does, transcribed from the description in patches.py."""
    if change is None:
        return value
    if "set" in change:
        return change["set"]
    if "add" in change:
        return value[: change["keep"]] + change["add"]
    if "items" in change:
        return [patched_item(value, item) for item in change["items"]]
    kept = {name: part for name, part in value.items() if name not in change["gone"]}
    return kept | {name: patched(value.get(name), part) for name, part in change["members"].items()}


def patched_item(items, item):
    if isinstance(item, int):
        return items[item]
    return patched(items[item[0]], item[1]) if isinstance(item, list) else item["set"]


def any_value(dice: random.Random, depth: int = 3):
    kinds = [lambda: None, lambda: dice.random() < 0.5, lambda: dice.randint(2, 5), lambda: round(dice.random(), 2)]
    kinds += [lambda: dice.choice(["", "a", "é\n", "__proto__"]), lambda: [dice.randint(2, 4) for _ in range(6)]]
    if depth:
        kinds += [lambda: [any_value(dice, depth - 1) for _ in range(dice.randint(0, 4))]] * 2
        kinds += [lambda: {name: any_value(dice, depth - 1) for name in dice.sample("abcd", dice.randint(0, 4))}] * 2
        kinds += [lambda: [{"uid": uid, "y": any_value(dice, 1)} for uid in dice.sample("xyz", dice.randint(0, 3))]] * 2
    return dice.choice(kinds)()


def changed(dice: random.Random, value):
    """Somewhere else here and there: grown, cut, reordered, replaced."""
    if isinstance(value, dict):
        parts = {name: part if name == "uid" else changed(dice, part) for name, part in value.items()}
        parts = {name: part for name, part in parts.items() if dice.random() < 0.9}
        return parts | ({dice.choice("abcdef"): any_value(dice, 1)} if dice.random() < 0.2 else {})
    if isinstance(value, list):
        items = [changed(dice, item) if dice.random() < 0.3 else item for item in value]
        items = dice.sample(items, len(items)) if dice.random() < 0.2 else items
        items = items[: dice.randint(0, len(items))] if dice.random() < 0.2 else items
        return items + [any_value(dice, 1) for _ in range(dice.randint(0, 2))]
    return any_value(dice, 1) if dice.random() < 0.3 else value


def any_change(seed: int):
    dice = random.Random(seed)
    old = any_value(dice)
    return old, any_value(dice) if dice.random() < 0.2 else changed(dice, old)


def as_text(value) -> str:
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize("seeds", [range(start, start + 500) for start in range(0, 3000, 500)])
def test_a_patch_makes_the_old_value_the_new_one(seeds):
    for seed in seeds:
        old, new = any_change(seed)
        before = as_text(old)
        assert as_text(patched(old, patch(old, new))) == as_text(new), (seed, old, new)
        assert as_text(old) == before


def test_what_did_not_change_does_not_travel():
    for seed in range(500):
        old, _ = any_change(seed)
        assert patch(old, json.loads(json.dumps(old))) is None


def curves(num_points, names=("a", "b")):
    steps = np.arange(num_points)
    return drawn(go.Figure([go.Scatter(x=steps, y=np.sin(steps), name=name) for name in names]))


def test_of_a_grown_curve_only_the_new_points_travel():
    change = patch(curves(500), curves(503))
    assert change["members"].keys() == {"data"}
    assert len(json.dumps(change)) < 400
    first = change["members"]["data"]["items"][0]
    assert first[1]["members"]["x"] == {"keep": 500, "add": [500, 501, 502]}


def test_a_last_point_that_moves_costs_one_point():
    assert patch([1, 2, 3], [1, 2, 4, 5]) == {"keep": 2, "add": [4, 5]}
    assert patch([1, 2, 3], [1, 2]) == {"keep": 2, "add": []}


def test_the_rows_of_a_heat_map_grow_each_at_its_end():
    old, new = ([[row * 10 + column for column in range(count)] for row in range(3)] for count in (4, 5))
    assert patch(old, new) == {"items": [[row, {"keep": 4, "add": [row * 10 + 4]}] for row in range(3)]}


@pytest.mark.parametrize("names", [("b", "a"), ("b",), ("a", "b", "c"), ("c", "a", "b"), ()])
def test_a_trace_that_moves_in_the_list_does_not_travel(names):
    change = patch(curves(500), curves(500, names))
    items = change["members"]["data"]["items"] if names else []
    old = [item for item in items if isinstance(item, int)]
    assert len(old) == len({"a", "b"} & set(names))
    assert len(json.dumps(change)) < 100 + 9000 * ("c" in names)


def test_traces_of_one_name_are_told_apart_and_an_own_uid_outlives_a_new_name():
    traces = [go.Scatter(y=[1], name="a"), go.Scatter(y=[2], name="a"), go.Scatter(y=[3], name="b", uid="run 1, loss")]
    uids = [trace["uid"] for trace in drawn(go.Figure(traces))["data"]]
    assert len(set(uids)) == 3
    assert all(uid.isalnum() for uid in uids)
    assert drawn(go.Figure(go.Scatter(name="c", uid="run 1, loss")))["data"][0]["uid"] == uids[2]


@pytest.mark.parametrize("values", [[0.1, 2.0, math.nan, math.inf], (1.5, None), np.float32([0.1, np.nan])])
def test_what_is_not_finite_becomes_a_gap(values):
    numbers = plain(values)
    assert json.loads(json.dumps(numbers, allow_nan=False)) == numbers
    for number, value in zip(numbers, values, strict=True):
        assert number == pytest.approx(value, rel=1e-5) if value and math.isfinite(value) else number is None


def test_numbers_keep_six_digits_and_integers_all_of_theirs():
    many = np.random.default_rng(0).lognormal(0, 20, 2000) * np.random.default_rng(1).choice([-1, 1], 2000)
    for number, value in zip(plain(many), many, strict=True):
        assert number == pytest.approx(value, rel=5.1e-6)
    assert max(len(repr(number)) for number in plain(np.random.default_rng(0).random(1000))) <= 11
    assert plain(np.array([8_212_345.0, 50_000_128.0])) == [8_212_345, 50_000_128]
    assert plain(np.array([1e20, -1e300, 2.0])) == [1e20, -1e300, 2]
    assert plain(np.array([[1, 2], [3, 4]])) == [[1, 2], [3, 4]]
    assert plain([0.1 + 0.2, 1e-300, 0.0, -3.0]) == [0.3, 1e-300, 0, -3]
    assert plain({"a": ["text", True, None, np.float64(0.5), 1 / 3]}) == {"a": ["text", True, None, 0.5, 0.333333]}


def revisions(title="step", kind="linear", **layout):
    figure = go.Figure(layout={"xaxis": {"title": {"text": title}, "type": kind}, "yaxis": {"type": "log"}, **layout})
    made = drawn(figure)["layout"]
    return made["uirevision"], made["xaxis"]["uirevision"], made["yaxis"]["uirevision"]


def test_the_zoom_is_kept_until_an_axis_means_something_else():
    assert revisions() == revisions(height=300)
    for other in (revisions("seconds"), revisions(kind="log")):
        assert other[0] == revisions()[0]
        assert other[1] == other[2] != revisions()[1]
    assert revisions(uirevision="mine")[0] == "mine"


def page(tick):
    import plotly.graph_objects as go
    import streamlit as st

    from resnet_lab.ui.board import Chart, show_charts

    st.session_state.points = st.session_state.get("points", 0) + 3
    chart = Chart(go.Figure(go.Scatter(y=list(range(st.session_state.points)))), "Points go up")
    show_charts({"points": chart}, key=st.session_state.get("key", "charts"), tick_seconds=tick)


def sent(app: AppTest):
    assert not app.exception
    return json.loads(app.get("bidi_component")[0].proto.bytes)


@pytest.mark.parametrize("tick", [1.0, None])
def test_a_run_that_no_tick_asked_for_sends_only_what_changed(tick):
    app = AppTest.from_function(page, args=(tick,), default_timeout=180).run()
    first = sent(app)
    time.sleep(ARRIVAL_SECONDS)
    second = sent(app.run())
    assert (first["base"], second["base"]) == (None, first["version"])
    assert first["version"] != second["version"]
    assert y_of(first["patch"]["set"]) == [0, 1, 2]
    assert json.dumps(second["patch"]).count("keep") == 1
    assert y_of(patched(first["patch"]["set"], second["patch"])) == [0, 1, 2, 3, 4, 5]


def test_a_message_that_another_may_have_overtaken_is_not_built_upon(monkeypatch):
    monkeypatch.setattr(board, "ARRIVAL_SECONDS", 1000)
    app = AppTest.from_function(page, args=(1.0,), default_timeout=180).run()
    assert sent(app.run())["base"] is None
    second = sent(app)
    for seconds in (0, 1000):  # long after the second one, and then at once after the third
        monkeypatch.setattr(board, "ARRIVAL_SECONDS", seconds)
        assert sent(app.run())["base"] == second["version"]


def y_of(state):
    return state["charts"]["points"]["figure"]["data"][0]["y"]


def test_charts_in_whose_place_others_were_shown_are_sent_whole():
    app = AppTest.from_function(page, args=(1.0,), default_timeout=180).run()
    for key, count in (("others", 6), ("charts", 9)):
        app.session_state.key = key
        time.sleep(ARRIVAL_SECONDS)
        again = sent(app.run())
        assert again["base"] is None
        assert y_of(again["patch"]["set"]) == list(range(count))


def test_a_chart_is_made_ready_for_the_browser_once():
    chart = Chart(go.Figure(go.Scatter(y=[1, 2])), "Two points")
    assert chart.described is chart.described


def test_where_the_copy_cannot_be_written_the_page_says_so_in_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(board, "STATIC", tmp_path / "file" / "static")
    app = AppTest.from_function(page, args=(None,), default_timeout=180).run()
    assert not app.exception
    assert app.error[0].value.startswith("The charts cannot be shown: ")
    assert "could not be written" in app.error[0].value


def test_the_copies_are_whole_and_made_once(tmp_path):
    _, address, _ = board.served.__wrapped__(tmp_path)
    copy = tmp_path / address.rpartition("/")[2]
    assert "window.Plotly" in copy.read_text()
    before = copy.stat().st_mtime_ns
    board.served.__wrapped__(tmp_path)
    assert copy.stat().st_mtime_ns == before
    assert len(list(tmp_path.iterdir())) == 2
