"""The Train page without a browser: the form, what it refuses, and a line for each run."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from resnet_lab import BlockConfig, ModelConfig, preset
from resnet_lab.events import Alert, Probe, Step
from resnet_lab.launches import FIRST_BLOCKS
from resnet_lab.places import chosen_places
from resnet_lab.queueing import waiting
from resnet_lab.supervisor import OWN_LOG
from resnet_lab.ui.board import KNOWN
from resnet_lab.ui.drawings import LONGEST_REST
from resnet_lab.ui.links import View, encode
from resnet_lab.ui.live import MOST_MAPS
from resnet_lab.ui.run_buttons import MOVES, moves, place_before, shift
from resnet_lab.ui.shared import expect_work
from tests.processes import processes_of, short, store, train_here, until_status

__all__ = ["store"]

APP = str(Path(__file__).parent.parent / "app.py")
TINY = preset("minute", data="sample", depth=8, steps=2)


def opened(**parameters: str) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=180).switch_page("screens/train.py")
    for name, value in parameters.items():
        app.query_params[name] = value
    return settled(app.run())


def settled(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def told(app: AppTest) -> str:
    """All text of the page, without the backslashes that keep a user's text from being formatted."""
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def in_state(store, status, config=TINY, **fields):
    run = store.add(config)
    store.change(run.id, status=status, position=None, **fields)
    return run


def test_an_empty_lab_says_what_to_do(store):
    app = opened()
    assert "Nothing has been trained yet." in told(app)
    assert "3 runs**: 3 blocks × 1 depth × 1 seed" in told(app)
    assert "not known before the first run" in told(app)


def test_the_start_button_trains_what_the_form_says(store):
    app = opened()
    app.selectbox(key="data_minute").select("sample").run()
    app.multiselect[0].set_value(["2(c) Exclusive gating"]).run()
    app.number_input(key="launch_2(c) Exclusive gating_gate_bias").set_value(0.0)
    app.multiselect[1].set_value([8, 14])
    app.number_input(key="steps_minute_sample").set_value(2)
    settled(app.run())
    assert "2 runs**: 1 block × 2 depths × 1 seed" in told(app)
    settled(app.button(key="start").click().run())
    gated = BlockConfig(shortcut="exclusive_gating", shortcut_args={"gate_bias": 0})
    configs = {run.config for run in store.runs()}
    plain = preset("minute", data="sample", steps=2)
    assert configs == {plain.changed(model=plain.model.changed(depth=depth, block=gated)) for depth in (8, 14)}
    for run in store.runs():
        until_status(store, run.id, "done", "diverged")


def test_what_the_nets_cost_is_said_before_they_are_trained(store):
    app = opened()
    app.segmented_control(key="recipe").set_value("paper").run()
    settled(app.multiselect[0].set_value(["2(a) Identity = 4(a) Original"]).run())
    assert "The net has 269,722 parameters and takes 40.6 M multiply-adds for a 32×32 image." in told(app)
    settled(app.multiselect[1].set_value([20, 56]).run())
    assert "Each net has 269,722 to 853,018 parameters and takes 40.6 to 125.5 M multiply-adds" in told(app)


def test_how_many_runs_are_trained_at_once_is_kept_and_can_be_left_open_again(store):
    app = opened()
    assert app.number_input(key="places").value is None
    settled(app.number_input(key="places").set_value(2).run())
    assert chosen_places(store.folder) == opened().number_input(key="places").value == 2
    settled(app.number_input(key="places").set_value(None).run())
    assert chosen_places(store.folder) is None


def test_what_was_trained_before_is_shown_and_not_trained_again(store):
    run = in_state(store, "done", preset("minute", data="sample", depth=8, steps=7))
    app = opened(like=run.id)
    assert "1 was trained before" in told(app)
    assert app.button(key="start").label == "Show the results"
    app.number_input[1].set_value(2).run()
    assert app.button(key="start").label == "Train 1 run"


@pytest.mark.parametrize("fields", [{"seed": 2**31 - 1}, {"lr": 1e-6, "probe_every": 10**7}], ids=str)
def test_whatever_a_run_is_it_can_be_changed(store, fields):
    run = in_state(store, "done", preset("minute", data="sample", depth=8, **fields))
    assert "1 was trained before" in told(opened(like=run.id))


def test_the_net_of_the_build_page_comes_along(store):
    model = ModelConfig(depth=14, width=2, block=BlockConfig(shortcut="dropout"))
    app = opened(build=encode(View(model=model)))
    assert app.radio[0].options == ["As built: 14 layers, width 2", "The recipe's: 56 layers, width 0.5"]
    assert app.multiselect[0].value == ["2(f) Dropout shortcut"]
    assert app.multiselect[1].value == [14]


def test_a_run_that_the_address_names_twice_is_shown_once(store):
    run = in_state(store, "done")
    app = opened(runs=f"{run.id},nobody,{run.id},nobody")
    assert keys_of(app).count(f"again_{run.id}") == 1
    assert "There is no run nobody: it may be deleted." in told(app)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda app: app.multiselect[0].set_value([]), "at least one block"),
        (lambda app: app.multiselect[1].set_value([]), "at least one block, one depth"),
        (lambda app: app.number_input(key="batch_size_minute_sample").set_value(6000), "batch_size must be at most"),
    ],
)
def test_what_cannot_be_started_says_why(store, change, words):
    app = opened()
    app.selectbox(key="data_minute").select("sample").run()
    change(app)
    app.run()
    assert words in told(settled(app))
    assert "start" not in [button.key for button in app.button]


def test_a_run_says_how_it_stands_and_what_to_worry_about(store):
    run = in_state(store, "paused")
    loss = Step(step=1, seconds=2.0, loss=2.3, lr=0.05, images_per_second=100.0, seconds_left=3.0)
    store.append(run.id, [(1, loss), (2, Alert(step=1, seconds=2.0, about="chance", words="It guesses."))])
    app = opened()
    assert "Paused" in told(app)
    assert "It guesses." in told(app)
    assert run.config.title in told(app)
    better = Step(step=2, seconds=3.0, loss=2.1, lr=0.05, images_per_second=100.0, seconds_left=3.0)
    store.append(run.id, [(3, better)])
    assert "It guesses." not in told(opened())


@pytest.mark.parametrize(
    ("status", "keys"),
    [
        ("paused", {"play_arrow", "stop", "again", "vary"}),
        ("stopped", {"play_arrow", "again", "vary"}),
        ("failed", {"play_arrow", "again", "vary"}),
        ("done", {"again", "vary"}),
        ("diverged", {"again", "vary"}),
    ],
)
def test_a_run_has_the_buttons_that_fit(store, status, keys):
    run = in_state(store, status)
    assert {key.removesuffix(f"_{run.id}") for key in keys_of(opened()) if key.endswith(run.id)} == keys


def keys_of(app: AppTest) -> list[str]:
    return [button.key for button in app.button if button.key]


def test_a_run_that_is_done_goes_on_to_the_steps_that_are_asked_for(store):
    run = train_here(store, short())
    app = asked_for_longer(run)
    assert app.number_input(key=f"steps_{run.id}").value == 2 * run.config.recipe.steps
    app.number_input(key=f"steps_{run.id}").set_value(33)
    settled(app.button(key=f"more_time_{run.id}").click().run())
    [longer] = [each for each in store.runs() if each.id != run.id]
    assert longer.config == run.config.with_fields(steps=33)
    assert longer.id in str(app.query_params["runs"])
    assert f"more_time_{run.id}" not in keys_of(app)


def asked_for_longer(run) -> AppTest:
    app = opened(runs=run.id)
    app.session_state[f"longer_{run.id}"] = True
    return settled(app.run())


def test_a_run_whose_schedule_ends_with_its_steps_is_not_offered_more_and_says_why(store):
    run = in_state(store, "done", TINY.with_fields(schedule="one_cycle"))
    button = opened().button(key=f"more_time_{run.id}")
    assert button.disabled
    assert button.help == "Its schedule ends with its steps, so it cannot go on: change it and train that"


def test_what_is_refused_is_said_and_nothing_changes(store):
    run = in_state(store, "done")
    app = asked_for_longer(run)
    settled(app.button(key=f"more_time_{run.id}").click().run())
    assert run.id in told(app)
    assert [each.id for each in store.runs()] == [run.id]


def test_another_seed_waits_in_the_queue_and_is_shown(store):
    run = in_state(store, "done")
    app = opened(runs=run.id)
    settled(app.button(key=f"again_{run.id}").click().run())
    [new] = [each for each in store.runs() if each.id != run.id]
    assert new.config == run.config.changed(seed=1)
    assert new.id in str(app.query_params["runs"])


def test_the_queue_is_shown_in_its_order(store):
    first, second = (store.add(TINY.changed(seed=seed)) for seed in (0, 1))
    assert [run.id for run in waiting(store)] == [first.id, second.id]
    assert "number 2 in the queue" in told(opened()) or store.run(second.id).status != "queued"


def test_a_broken_link_is_named(store):
    assert "There is no run abcd" in told(opened(runs="abcd"))
    assert "You see the usual choice" in told(opened(like="abcd"))
    assert "You see the usual choice" in told(opened(build="abcd"))


# ---- what is seen


def charts(app: AppTest) -> dict[str, dict]:
    """Those that the page has sent to the browser, by name."""
    return app.session_state[KNOWN].last.state["charts"]


def probed(store, norm: float, **fields):
    run = in_state(store, "done", TINY.changed(**fields))
    store.append(run.id, [(1, Probe(1, 1.0, {}, {"gradient_norm": [norm, 1.0, 1.0]}))])
    return run


def test_every_run_has_a_map_of_its_gradients_and_all_share_one_scale(store):
    runs = [probed(store, norm, seed=seed) for seed, norm in enumerate((1e-4, 10.0))]
    waiting_for_a_probe = in_state(store, "paused", TINY.changed(seed=2))
    found = charts(opened(runs=".".join(run.id for run in [*runs, waiting_for_a_probe])))
    maps = {name: chart["figure"]["data"][0] for name, chart in found.items() if name.startswith("map_")}
    assert [*maps] == [f"map_{run.id}" for run in runs]
    assert {(one["zmin"], one["zmax"]) for one in maps.values()} == {(-4, 1)}


def test_of_many_runs_the_active_ones_have_their_maps(store):
    runs = [probed(store, 0.1, seed=seed) for seed in range(MOST_MAPS + 1)]
    store.change(runs[-1].id, status="running")
    app = opened(runs=".".join(run.id for run in runs))
    maps = [name for name in charts(app) if name.startswith("map_")]
    assert maps == [f"map_{run.id}" for run in (*runs[: MOST_MAPS - 1], runs[-1])]
    assert f"shown of {MOST_MAPS} runs" in told(app)


def test_a_map_grows_with_its_probes(store):
    run = probed(store, 0.1)
    app = opened(runs=run.id)
    store.append(run.id, [(2, Probe(2, 2.0, {}, {"gradient_norm": [0.1, 1.0, 1.0]}))])
    time.sleep(LONGEST_REST)
    assert charts(settled(app.run()))[f"map_{run.id}"]["figure"]["data"][0]["x"] == [1, 2]


# ---- the queue


@pytest.mark.parametrize(
    ("place", "others", "names"),
    [
        (0, 0, []),
        (0, 1, ["last"]),
        (1, 1, ["first"]),
        (0, 2, ["later", "last"]),
        (1, 2, ["first", "last"]),
        (2, 2, ["first", "earlier"]),
        (2, 4, ["first", "earlier", "later", "last"]),
    ],
)
def test_a_run_is_offered_every_other_place_once(place, others, names):
    order = [str(number) for number in range(others + 1)]
    assert moves(str(place), order) == names
    moved = [after(order, str(place), name) for name in names]
    assert order not in moved
    assert all(one != another for one, another in itertools.combinations(moved, 2))


def after(order: list[str], run_id: str, how: str) -> list[str]:
    """What queueing.move makes of it."""
    others, before = [each for each in order if each != run_id], place_before(run_id, order, how)
    others.insert(others.index(before) if before else len(others), run_id)
    return others


def test_moves_lead_where_they_say():
    order = list("abcde")
    found = {how: "".join(after(order, "c", how)) for how in MOVES}
    assert found == {"first": "cabde", "earlier": "acbde", "later": "abdce", "last": "abdec"}


def test_a_run_is_moved_in_the_queue_as_it_is_now(store):
    ids = [store.add(TINY.changed(seed=seed)).id for seed in range(4)]
    shift(store, ids[2], "first")
    assert [run.id for run in waiting(store)] == [ids[2], ids[0], ids[1], ids[3]]
    shift(store, ids[2], "last")
    assert [run.id for run in waiting(store)] == [ids[0], ids[1], ids[3], ids[2]]
    store.change(ids[2], status="running", position=None)
    with pytest.raises(ValueError, match="is running, so it cannot have a place in the queue"):
        shift(store, ids[2], "first")


# ---- how it is looked at


def look(app: AppTest) -> tuple:
    return tuple(app.session_state[f"look_{name}"] for name in ("x", "log", "smooth"))


def test_how_the_curves_are_looked_at_is_in_the_address(store):
    run = in_state(store, "done")
    app = opened(runs=run.id, x="epoch", log="xy", smooth="0.9")
    assert look(app) == ("epoch", "xy", 0.9)
    assert not app.warning
    settled(app.slider(key="look_smooth").set_value(0.5).run())
    assert parameters(app) == {"runs": run.id, "x": "epoch", "log": "xy", "smooth": "0.5"}
    settled(app.slider(key="look_smooth").set_value(0.0).run())
    assert parameters(app) == {"runs": run.id, "x": "epoch", "log": "xy"}


def parameters(app: AppTest) -> dict[str, str]:
    return {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("x", "yards", "x must be 'step', 'epoch', 'images' or 'time', but is 'yards'."),
        ("log", "z", "log must be 'none', 'x', 'y' or 'xy', but is 'z'."),
        ("smooth", "much", "smooth must be a number from 0 to 0.99, but is 'much'."),
        ("smooth", "1", "smooth must be a number from 0 to 0.99, but is '1'."),
    ],
)
def test_a_broken_value_is_said_until_something_is_chosen_and_the_rest_is_shown(store, name, value, words):
    run = in_state(store, "done")
    app = opened(**{"runs": run.id, "x": "time", name: value})
    assert words in told(app)
    assert look(app) == ("step" if name == "x" else "time", "none", 0.0)
    assert words in told(settled(app.run()))
    app.slider(key="look_smooth").set_value(0.3)
    assert words not in told(settled(app.run()))


def test_another_address_in_the_same_session_is_followed(store):
    run = in_state(store, "done")
    app = opened(runs=run.id, x="epoch")
    app.query_params["x"] = "images"
    assert look(settled(app.run())) == ("images", "none", 0.0)


# ---- from elsewhere


def test_every_button_says_what_it_does_and_to_which_run(store):
    runs = [in_state(store, "paused", TINY.changed(seed=seed)) for seed in (3, 4)]
    app = opened(runs=",".join(run.id for run in runs))
    labels = [button.label.replace("\\", "") for button in app.button if button.key and button.key.endswith(runs[0].id)]
    assert labels == [
        f"{words}: {runs[0].config.title}, seed 3"
        for words in ("Resume", "Stop", "The same with another seed", "Change it and train that")
    ]
    assert all(button.label for button in app.button)


def test_visitors_who_come_at_once_start_one_supervisor(store):
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(expect_work, [store] * 10))
    assert len(processes_of(store.folder, "resnet_lab.supervisor")) == 1


def test_where_no_process_can_be_started_the_page_says_so_and_shows_the_rest(store):
    (store.folder / OWN_LOG).mkdir()  # so that it cannot be written
    run = in_state(store, "queued")
    app = opened(runs=run.id)
    assert "No process can be started that serves the queue" in told(app)
    assert f"again_{run.id}" in keys_of(app)


def test_the_home_page_starts_a_first_comparison(store):
    app = AppTest.from_file(APP, default_timeout=180)
    settled(app.run())
    settled(app.button(key="first").click().run())
    assert {run.config.model.block for run in store.runs()} == set(FIRST_BLOCKS)
    assert len({run.config.seed for run in store.runs()}) == 1
