"""The page Look inside without a browser: what is chosen, what the address says, the tray, the pictures."""

import io
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from resnet_lab.batches import load_split
from resnet_lab.checkpoints import MAX_CHECKPOINT
from resnet_lab.data import DATASETS
from resnet_lab.files import CHECKOUT
from resnet_lab.inside.answers import answers
from resnet_lab.inside.jobs import finish
from resnet_lab.inside.looked import import_checkpoint, subjects
from resnet_lab.inside.mistake_gallery import ORDERS, places, refs_of
from resnet_lab.inside.specimens import MOST, specimen
from resnet_lab.inside.subjects import Subject
from resnet_lab.inside.uploads import MAX_BYTES, keep_upload
from resnet_lab.predictions import Predictions, read_predictions
from resnet_lab.run_config import DataConfig
from resnet_lab.store import open_store
from resnet_lab.ui.look_pictures import PAGE, SECTIONS
from resnet_lab.ui.look_state import MOST_AT_FIRST, usual_nets
from resnet_lab.ui.look_view import MOST_NETS, NONE, USUAL_TRAY, LookView, read_params
from tests.processes import end_processes_of, train_here
from tests.stores import config

APP = str(Path(__file__).parent.parent / "app.py")
VIEWS = {"maps": "Maps", "pictures": "Pictures"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A store with two trained nets, oldest first."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESNET_LAB_HOME", str(home))
        patch.delenv("RESNET_LAB_STORE", raising=False)
        with open_store() as store:
            for shortcut in ("none", "identity"):
                train_here(store, config(shortcut=shortcut, steps=4, width=0.25, precision="fp32"))
            yield store
    end_processes_of(home)


@pytest.fixture
def ids(lab):
    """The newest first."""
    return [run.id for run in lab.runs()]


def opened(**params):
    app = AppTest.from_file(APP, default_timeout=180)
    app.switch_page("screens/look.py")
    for name, value in ({"view": "pictures"} | params).items():
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


def params(app):
    """Without the view, which is that of the pictures in all of these tests."""
    found = {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}
    return {name: value for name, value in found.items() if name != "view"}


def tray(app):
    return tuple(key.removeprefix("look_take_") for key in keys(app) if key.startswith("look_take_"))


def keys(app):
    return [str(button.key) for button in app.button]


def offered(app):
    """The pictures on the page that a click puts into the tray."""
    return [key.split("_")[-1] for key in keys(app) if key.startswith("look_put_")]


def said(app):
    return [warning.value.replace("\\", "") for warning in app.warning]


def click(app, key):
    return settled(app.button(key=key).click().run())


def names(*ids):
    return ".".join(ids)


# ---- the address


@pytest.mark.parametrize(
    "view",
    [
        LookView(nets=("a", "b")),
        LookView(nets=("b",), tray=("t12", "y3"), picture="y3", view="pictures"),
        LookView(nets=(), tray=(), options={"method": "saliency"}),
    ],
)
def test_what_the_address_says_is_read_as_it_was(view):
    assert read_params(view.to_params(), ["a", "b"], VIEWS) == (view, [])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"nets": "a.nobody"}, "'nobody'"),
        ({"nets": names(*(f"n{k}" for k in range(MOST_NETS + 1)))}, f"at most {MOST_NETS}"),
        ({"tray": "t4.x9"}, "'x9'"),
        ({"tray": "t4.t10000"}, "'t10000'"),
        ({"tray": "u00000000"}, "u00000000"),
        ({"tray": names(*(f"y{k}" for k in range(MOST + 1)))}, str(MOST)),
        ({"picture": "frog"}, "'frog'"),
        ({"view": "3d"}, "'3d'"),
        ({"method": "x" * 1000}, "'method'"),
    ],
)
def test_every_wrong_part_of_a_link_is_named_in_one_sentence(lab, asked, words):
    _, problems = read_params(asked, ["a", "b", *(f"n{k}" for k in range(MOST_NETS))], VIEWS)
    assert len(problems) == 1
    assert words in problems[0]
    assert problems[0].endswith(".")


def test_a_picture_that_is_looked_at_is_in_the_tray():
    view, problems = read_params({"tray": "t4", "picture": "t12"}, [], VIEWS)
    assert (view.tray, view.picture, problems) == (("t4", "t12"), "t12", [])


def test_a_link_looks_at_one_picture_and_the_tray_stays_as_large_as_it_may_be():
    asked = names(*(f"y{k}" for k in range(MOST)))
    view, problems = read_params({"tray": asked, "picture": "t12.t13"}, [], VIEWS)
    assert (len(view.tray), view.tray[-1], view.picture, problems) == (MOST, "t12", "t12", [])
    assert read_params({"tray": "t4", "picture": "t12.t13"}, [], VIEWS)[0].tray == ("t4", "t12")
    assert read_params({"tray": asked, "picture": "y0"}, [], VIEWS)[0].tray == tuple(asked.split("."))


def net(name, origin, seed=0, **model):
    return Subject(id=name, title=name, origin=origin, model=model, data={}, weights=f"/{name}", seed=seed)


def test_at_first_those_nets_are_chosen_that_come_with_the_lab_else_the_newest():
    runs = [net(f"r{k}", "run") for k in range(9)]
    assert usual_nets(runs) == tuple(f"r{k}" for k in range(MOST_AT_FIRST))
    others = [net(f"s{k}", "shipped", block={"shortcut": "dropout"}) for k in range(2)]
    assert usual_nets([*runs, *others]) == ("s0", "s1")


def test_at_first_it_is_the_same_three_nets_however_many_come_with_the_lab():
    names = {"plain": {"shortcut": "none"}, "identity": {}, "full_preact": {"placement": "full_preact"}}
    dropout = {"shortcut": "dropout"}
    shipped = [
        net(f"{name} {depth} {seed}", "shipped", seed, depth=depth, block=block)
        for depth in (56, 20)
        for seed in (1, 0)
        for name, block in {"dropout": dropout, **names}.items()
    ]
    longer = net("longer", "shipped", 0, depth=20, block={}).changed(steps=64_000)
    shipped = [longer, *(each.changed(steps=5_860) for each in shipped)]
    assert usual_nets([*shipped, net("r", "run")]) == tuple(f"{name} 20 0" for name in names)
    without = [
        each
        for each in shipped
        if each.model.block.shortcut != "identity" or each.model.block.placement == "full_preact"
    ]
    assert usual_nets(without) == ("plain 20 0", "full_preact 20 0")


# ---- the page


def test_without_a_net_the_page_leads_to_training_and_to_an_import(lab):
    app = AppTest.from_string(
        "from resnet_lab.ui.look_inside import nothing_yet\nnothing_yet()", default_timeout=180
    ).run()
    assert not app.exception
    assert "no trained net" in app.info[0].value
    assert [button.label for button in app.button] == ["Train the first runs"]
    assert len(app.get("file_uploader")) == 1


def test_a_frog_is_looked_at_and_each_net_says_what_it_takes_it_for(ids):
    app = opened(nets=names(*ids))
    assert tray(app) == USUAL_TRAY
    assert not said(app)
    [told] = [each.value for each in app.markdown if "look-answers" in each.value]
    assert told.count("<ol>") == len(ids)
    assert told.count("<li") == 3 * len(ids)
    assert params(app) == {"nets": names(*ids)}


def test_a_link_shows_its_nets_its_tray_and_its_picture(ids):
    asked = {"nets": ids[1], "tray": "y3.t12", "picture": "t12"}
    app = opened(**asked)
    assert tray(app) == ("y3", "t12")
    assert app.multiselect(key="inside_nets").value == [ids[1]]
    assert app.button(key="look_take_t12").proto.type == "primary"
    assert params(app) == asked


def test_a_broken_link_says_so_until_something_is_changed_and_shows_the_rest(ids):
    app = opened(nets=f"{ids[0]}.gone", tray="t4.x9", view="3d")
    for word in ("'gone'", "'x9'", "'3d'"):
        assert [word in sentence for sentence in said(app)].count(True) == 1
    assert tray(app) == ("t4",)
    assert app.multiselect(key="inside_nets").value == [ids[0]]
    click(app, "look_take_t4")
    assert not [sentence for sentence in said(app) if "'gone'" in sentence or "'3d'" in sentence]


def test_a_setting_that_there_is_not_is_named_and_the_usual_one_is_shown(ids):
    app = opened(nets=ids[0], data="imagenet")
    assert len(said(app)) == 1
    assert "'imagenet'" in said(app)[0]
    assert app.selectbox(key="inside_data").value == "sample"
    settled(app.selectbox(key="inside_data").select("synthetic").run())
    assert not said(app)
    assert params(app)["data"] == "synthetic"


def test_a_click_looks_at_another_picture_and_the_address_says_so(ids):
    app = click(opened(nets=names(*ids)), "look_take_t13")
    assert params(app)["picture"] == "t13"
    assert tray(app) == USUAL_TRAY
    again = opened(**params(app))
    assert again.button(key="look_take_t13").proto.type == "primary"


def test_pictures_leave_the_tray_until_it_is_empty_and_a_reload_keeps_it_so(ids):
    app = opened(nets=ids[0], picture="t12")
    click(app, "look_drop_t12")
    assert tray(app) == ("t4", "t13", "t1")
    assert "picture" not in params(app)
    for ref in ("t4", "t13", "t1"):
        click(app, f"look_drop_{ref}")
    assert params(app)["tray"] == NONE
    assert tray(opened(**params(app))) == ()


def test_without_any_chosen_net_the_pictures_can_still_be_browsed(ids):
    app = opened(nets=ids[0])
    settled(app.multiselect(key="inside_nets").set_value([]).run())
    assert params(app)["nets"] == NONE
    assert len(offered(app)) == PAGE


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_of_the_pictures_can_be_clicked_and_linked(ids, section):
    app = opened(nets=names(*ids))
    settled(app.button_group(key="inside_section").set_value(section).run())
    assert params(app).get("section", "data") == section
    assert opened(**params(app)).button_group(key="inside_section").value == section


# ---- the data


def test_a_class_is_browsed_page_by_page(ids):
    app = opened(nets=ids[0], **{"class": "6"})
    first = offered(app)
    assert {specimen(ref).class_name for ref in first} == {"frog"}
    settled(app.number_input(key="inside_page").set_value(2).run())
    assert params(app)["page"] == "2"
    assert not set(first) & set(offered(app))
    settled(app.selectbox(key="inside_class").select("3").run())
    assert "page" not in params(app)
    assert {specimen(ref).class_name for ref in offered(app)} == {"cat"}


def test_a_picture_is_found_by_its_number(ids):
    app = opened(nets=ids[0])
    settled(app.number_input(key="look_number").set_value(25).run())
    assert offered(app) == ["t25"]
    settled(app.number_input(key="look_number").set_value(99_999).run())
    assert offered(app) == []
    assert "99999" in app.info[0].value


def test_a_click_puts_a_picture_into_the_tray_and_another_takes_it_out(ids):
    app = click(opened(nets=ids[0]), "look_put_data_t0")
    assert tray(app) == (*USUAL_TRAY, "t0")
    assert params(app)["tray"] == names(*USUAL_TRAY, "t0")
    click(app, "look_put_data_t0")
    assert tray(app) == USUAL_TRAY


def test_a_full_tray_says_so(ids):
    full = names(*(f"y{k}" for k in range(MOST)))
    app = click(opened(nets=ids[0], tray=full), "look_put_data_t0")
    assert params(app)["tray"] == full
    assert [str(MOST) in sentence for sentence in said(app)] == [True]


def test_what_training_makes_of_a_picture_follows_the_recipe(ids):
    app = opened(nets=ids[0], section="training", recipe=ids[0])
    assert any("16×16" in caption.value and "2 pixels of padding" in caption.value for caption in app.caption)
    settled(app.selectbox(key="inside_recipe").select("paper").run())
    assert any("32×32" in caption.value and "4 pixels of padding" in caption.value for caption in app.caption)


# ---- mistakes


def test_mistakes_come_with_what_they_were_taken_for_and_by_cell(lab, ids):
    app = opened(nets=ids[0], section="mistakes")
    told = read_predictions(lab.run_folder(ids[0]))
    refs, there = refs_of(lab.run(ids[0]).config.data, lab.folder)
    assert offered(app) == [refs[place] for place in places(told, "wrong") if refs[place] in there][:36]
    surest = places(told, "wrong")[0]
    truth, taken = int(told.labels[surest]), int(told.predicted[surest])
    settled(app.selectbox(key="inside_true").select(str(truth)).run())
    settled(app.selectbox(key="inside_taken").select(str(taken)).run())
    assert offered(app)[0] == refs[surest]
    assert {specimen(ref).label for ref in offered(app)} == {truth}


def test_a_net_without_kept_answers_is_asked_the_bundled_test_images(lab):
    run = lab.runs()[0]
    subject = import_checkpoint(lab.run_folder(run.id) / "weights.safetensors", "own", lab.folder)
    app = opened(nets=subject.id, section="mistakes")
    assert any("1,000 test images that are here" in caption.value for caption in app.caption)
    assert len(offered(app)) == 36


@pytest.mark.parametrize("order", ORDERS)
def test_the_orders_of_the_gallery_sort_by_how_sure_the_net_was(order):
    numbers = np.random.default_rng(0)
    labels, predicted = numbers.integers(0, 3, (2, 200))
    told = Predictions(labels, predicted, numbers.random(200).astype(np.float32))
    found = places(told, order)
    sign = 1 if order == "uncertain" else -1
    assert (np.diff(sign * told.confidence[found]) >= 0).all()
    assert (
        set(labels[found] == predicted[found]) == {"wrong": {False}, "right": {True}, "uncertain": {False, True}}[order]
    )
    cell = places(told, order, 1, 2)
    assert set(zip(labels[cell], predicted[cell], strict=True)) == {(1, 2)}
    assert len(cell) == ((labels == 1) & (predicted == 2)).sum()


@pytest.mark.parametrize("data", [DataConfig(name="sample"), DataConfig(name="synthetic", test_size=100)])
def test_each_answer_has_the_reference_of_its_picture(data, lab, tmp_path):
    refs, there = refs_of(data, tmp_path)
    split = load_split(data, "test", torch.device("cpu"))
    assert len(refs) == len(split)
    assert set(refs) <= there
    for place in (0, 1, len(refs) // 2, len(refs) - 1):
        assert np.array_equal(specimen(refs[place], tmp_path).pixels, split.pixels[place].numpy())


def test_of_all_test_images_those_of_the_sample_are_there(tmp_path):
    refs, there = refs_of(DataConfig(name="cifar10"), tmp_path)
    assert len(refs) == DATASETS["cifar10"].sizes["test"]
    assert len(there & set(refs)) == DATASETS["sample"].sizes["test"]


# ---- one's own


def test_the_server_takes_files_as_large_as_the_page_promises():
    settings = tomllib.loads((CHECKOUT / ".streamlit/config.toml").read_text())
    assert settings["server"]["maxUploadSize"] * 2**20 >= MAX_CHECKPOINT >= MAX_BYTES


def test_an_uploaded_picture_can_be_put_into_the_tray_and_is_in_the_address(lab, ids):
    content = io.BytesIO()
    Image.effect_noise((64, 48), 60).convert("RGB").save(content, "PNG")
    ref = keep_upload(content.getvalue(), lab.folder)
    app = click(opened(nets=ids[0], section="own"), f"look_put_own_{ref}")
    assert params(app)["tray"] == names(*USUAL_TRAY, ref)
    assert tray(opened(**params(app)))[-1] == ref


def test_an_imported_checkpoint_can_be_looked_into_like_a_run(lab):
    run = lab.runs()[1]
    subject = import_checkpoint((lab.run_folder(run.id) / "weights.safetensors").read_bytes(), "theirs", lab.folder)
    app = opened(nets=subject.id)
    assert subject.title in next(each.value for each in app.markdown if "look-answers" in each.value)


# ---- what the nets answer


def test_answers_are_probabilities_of_every_net_for_every_picture(lab):
    there = subjects(lab, None, lab.folder)[:2]
    fields = [each.model_dump(mode="json") for each in there]
    told = finish(answers(fields, USUAL_TRAY)).tensors
    assert [told[f"probabilities_{k}"].shape for k in range(2)] == [(len(USUAL_TRAY), 10)] * 2
    assert np.allclose(told["probabilities_0"].sum(1), 1, atol=1e-5)
    alone = finish(answers(fields[1:], USUAL_TRAY[2:])).tensors["probabilities_0"]
    assert np.allclose(alone, told["probabilities_1"][2:], atol=1e-6)


def test_answers_to_a_run_are_those_that_it_kept(lab):
    run = lab.runs()[0]
    subject = next(each for each in subjects(lab, None, lab.folder) if each.id == run.id)
    kept = read_predictions(lab.run_folder(run.id))
    refs, there = refs_of(run.config.data, lab.folder)
    chosen = [place for place in range(200) if refs[place] in there]
    told = finish(answers([subject.model_dump(mode="json")], [refs[place] for place in chosen]))
    assert np.allclose(told.tensors["probabilities_0"].max(1).values, kept.confidence[chosen], atol=2e-3)
