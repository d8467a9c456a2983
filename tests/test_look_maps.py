"""The view of maps without a browser: what is asked, what stands in the address, what is said of each map."""

import time
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from resnet_lab.data import DATASETS, home
from resnet_lab.inside.attributions import METHODS, SETTINGS
from resnet_lab.inside.attributions import maps as maps_of
from resnet_lab.inside.jobs import finish
from resnet_lab.inside.looked import film, import_checkpoint, subjects
from resnet_lab.inside.methods import read_settings
from resnet_lab.store import open_store
from resnet_lab.ui.board import KNOWN
from resnet_lab.ui.look_map_evidence import MANY_PICTURES, MEASURES, NO_DOUBT, PARTS, enough, sentence
from resnet_lab.ui.look_map_question import LABEL, OFFERED, USUAL_METHOD, as_fields, shared_classes, target_options
from tests.processes import end_processes_of, train_here
from tests.stores import config

APP = str(Path(__file__).parent.parent / "app.py")
CLASSES = DATASETS["cifar10"].classes
SMALL = {"depth": 8, "width": 0.25, "precision": "fp32", "steps": 4}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Two tiny nets that were trained for four steps."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESNET_LAB_HOME", str(folder))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.delenv("RESNET_LAB_STORE", raising=False)
        with open_store() as store:
            for shortcut in ("none", "identity"):
                train_here(store, config(shortcut=shortcut, **SMALL))
            yield store
    end_processes_of(folder)


@pytest.fixture
def nets(lab):
    return subjects(lab, None, home())


def opened(**params):
    app = AppTest.from_file(APP, default_timeout=180)
    app.switch_page("screens/look.py")
    for name, value in ({"view": "maps"} | params).items():
        app.query_params[name] = value
    return settled(app.run())


def settled(app):
    """Until nothing is computed any more: fragments do not tick by themselves here."""
    deadline = time.monotonic() + 180
    while not app.exception and any("look_cancel" in str(button.key) for button in app.button):
        assert time.monotonic() < deadline
        time.sleep(0.1)
        app.run()
    assert not app.exception, app.exception
    return app


def param(app, name):
    found = app.query_params.get(name)
    return found if isinstance(found, str) or found is None else found[0]


def charts(app):
    """Those that were drawn last: the maps."""
    return app.session_state[KNOWN].last.state["charts"]


def heat(chart):
    return next(trace for trace in chart["figure"]["data"] if trace["name"] == "map")


def words(app):
    return " ".join(element.value for kind in (app.markdown, app.warning, app.info) for element in kind)


# ---- what is asked


def test_classes_can_be_chosen_where_all_nets_know_the_same(nets):
    assert shared_classes(nets) == CLASSES
    other = nets[0].changed(data=nets[0].data.changed(name="cifar100"), model=nets[0].model.changed(num_classes=100))
    assert shared_classes([*nets, other]) == ()


@pytest.mark.parametrize(
    ("classes", "label", "first"), [(CLASSES, "frog", LABEL), (CLASSES, None, "answer"), ((), "frog", "answer")]
)
def test_the_usual_target_is_the_class_of_the_picture_where_the_nets_know_it(classes, label, first):
    options = target_options(classes, label)
    assert next(iter(options)) == first
    assert set(options) >= {"answer", *classes}


@pytest.mark.parametrize("name", OFFERED)
def test_every_offered_setting_is_allowed(name):
    for number in OFFERED[name]:
        assert read_settings({name: number})[name] == number
    assert any(name in method.settings for method in METHODS.values())
    assert name in SETTINGS


def test_nets_are_compared_over_enough_pictures_those_of_the_tray_first():
    assert enough(["t4", "t0"])[:2] == ["t4", "t0"]
    assert len(set(enough(["t4", "t0"]))) == MANY_PICTURES
    tray = [f"y{n}" for n in range(12)]
    assert enough(tray) == tray


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], NO_DOUBT),
        (["It lacks."], "Doubtful: It lacks."),
        (["It lacks.", "It errs."], "Doubtful: It lacks. There is 1 more doubt below."),
        (["It lacks.", "It errs.", "It jumps."], "Doubtful: It lacks. There are 2 more doubts below."),
    ],
)
def test_a_map_says_in_one_sentence_why_to_doubt_it(found, said):
    assert sentence(found) == said


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.title)
def test_a_measure_tells_its_number(measure):
    record = {"delta": -0.25, "change": 4.0, "infidelity": 0.125, "sensitivity": 0.5}
    record |= {f"{name}_area": 0.25 for name in ("deletion", "insertion")}
    record |= {f"{name}_random_areas": [0.5, 0.7] for name in ("deletion", "insertion")}
    told = {
        "Completeness delta": "−0.25 of 4",
        "Infidelity": "0.12",
        "Max sensitivity": "0.50",
        "Area under deletion": "0.25, at random 0.60",
        "Area under insertion": "0.25, at random 0.60",
    }
    assert measure.told(record) == told[measure.title]
    assert measure.told(record | {"delta": None, "infidelity": None})


# ---- what is shown


def test_many_nets_have_their_own_maps_on_one_scale(nets):
    app = opened()
    shown = charts(app)
    assert list(shown) == [net.id for net in nets]
    asked = {"kind": "class", "class": CLASSES.index("frog")}
    told = finish(maps_of(as_fields(nets), ["t4"], [USUAL_METHOD], asked)).tensors["maps"][:, 0, 0].numpy()
    for net, values in zip(nets, told, strict=True):
        assert np.allclose(np.array(heat(shown[net.id])["z"], dtype=float), values, rtol=1e-3, atol=1e-6)
        assert shown[net.id]["caption"].startswith("Doubtful: ") or shown[net.id]["caption"] == NO_DOUBT
    assert len({heat(chart)["zmax"] for chart in shown.values()}) == 1
    assert "one scale for all" in words(app)
    assert param(app, "method") is None


def test_each_map_can_have_its_own_scale_and_then_the_page_says_so(nets):
    app = opened(scale="own")
    assert len({heat(chart)["zmax"] for chart in charts(app).values()}) == len(nets)
    assert "each map has its own scale" in words(app)


def test_what_is_chosen_stands_in_the_address_and_comes_back_from_it():
    app = opened()
    app.selectbox(key="inside_method").set_value("grad_cam")
    app.selectbox(key="inside_against").set_value("cat")
    app.selectbox(key="inside_stage").set_value("0")
    settled(app.run())
    chosen = {name: param(app, name) for name in ("method", "against", "stage")}
    assert chosen == {"method": "grad_cam", "against": "cat", "stage": "0"}
    again = opened(**chosen)
    assert {name: again.selectbox(key=f"inside_{name}").value for name in chosen} == chosen
    assert charts(again) == charts(app)
    assert "frog rather than cat" in words(again)


def test_one_net_has_a_map_by_each_method_on_scales_of_their_own(nets):
    app = opened(show="methods", net=nets[1].id, noise="5")
    shown = charts(app)
    assert list(shown) == list(METHODS)
    assert "each map has its own scale" in words(app)
    assert len({heat(chart)["zmax"] for chart in shown.values()}) > 1


def test_a_film_has_a_frame_for_each_moment_and_one_scale(nets):
    steps = list(film(nets[0]))
    app = opened(show="film", step=str(steps[1]))
    shown = charts(app)
    assert [note["text"].split(":")[0] for note in shown["film"]["figure"]["layout"]["annotations"]] == [
        f"step {step}" for step in steps
    ]
    assert f", at step {steps[1]}" in shown["frame"]["figure"]["layout"]["title"]["text"]
    assert app.select_slider(key="inside_step").value == str(steps[1])


def test_what_was_imported_has_no_film_and_the_page_says_so(nets):
    imported = import_checkpoint(Path(nets[0].weights), "Mine", home())
    app = opened(nets=imported.id, show="film")
    assert "There is no film of Mine" in words(app)


@pytest.mark.parametrize("part", PARTS)
def test_every_kind_of_evidence_is_shown(part):
    app = opened(evidence=part, method="saliency")
    assert param(app, "evidence") == (None if part == "checks" else part)
    assert len(app.get("bidi_component")) == 2, "one board of maps, and one of evidence"
    assert not any("look_retry" in str(button.key) for button in app.button)
    assert ("Completeness delta" in words(app)) == (part == "checks")


def test_without_a_picture_the_page_says_what_to_do():
    assert "Put a picture into the tray" in words(opened(tray="none"))
