"""The Build page without a browser: every card, every control, every kind of bad input."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from resnet_lab import BlockConfig, ModelConfig
from resnet_lab.cards import PLACEMENT_CARDS, SHORTCUT_CARDS
from resnet_lab.ops import OPS
from resnet_lab.placements import PLACEMENTS, SLOTS
from resnet_lab.shortcuts import SHORTCUTS
from resnet_lab.ui.board import KNOWN
from resnet_lab.ui.charts import XRAY
from resnet_lab.ui.links import View, decode, encode

APP = str(Path(__file__).parent.parent / "app.py")
CARDS = [f"shortcuts_{key}" for key in SHORTCUT_CARDS] + [f"placements_{key}" for key in PLACEMENT_CARDS]
SMALL = View(model=ModelConfig(depth=8, width=0.5))


def opened(view: View = SMALL, link: str | None = None) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=180).switch_page("screens/build.py")
    app.query_params["build"] = link or encode(view)
    return settled(app.run())


def settled(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def shown(app: AppTest) -> View:
    """What the address says, which is what a colleague would open."""
    return decode(link_of(app))


def link_of(app: AppTest) -> str:
    link = app.query_params["build"]
    return link if isinstance(link, str) else link[0]


def as_read(markdown: str) -> str:
    """Without the backslashes that keep a user's text from being formatted."""
    return markdown.replace("\\", "")


def drawing(app: AppTest) -> str:
    """The large diagram: the last SVG of the page."""
    return [element.value for element in app.markdown if element.value.startswith("<svg")][-1]


@pytest.fixture(scope="module")
def page() -> AppTest:
    return opened()


def test_the_page_opens_with_the_original_block_and_its_link():
    app = AppTest.from_file(APP, default_timeout=180).switch_page("screens/build.py")
    settled(app.run())
    assert shown(app) == View()
    assert not app.error
    assert not app.warning


@pytest.mark.parametrize("card", CARDS)
def test_a_card_loads_its_block_and_keeps_the_net(page, card):
    group, key = card.split("_", 1)
    block = (SHORTCUT_CARDS if group == "shortcuts" else PLACEMENT_CARDS)[key].block
    settled(page.button(key=f"load_{card}").click().run())
    assert shown(page).model == SMALL.model.changed(block=block)
    assert page.selectbox(key="w_shortcut").value == block.shortcut
    assert page.selectbox(key="w_placement").value == block.placement


@pytest.mark.parametrize("shortcut", SHORTCUTS)
def test_every_shortcut_can_be_chosen_and_its_arguments_moved(page, shortcut):
    settled(page.selectbox(key="w_shortcut").select(shortcut).run())
    for name, argument in SHORTCUTS[shortcut].arguments.items():
        settled(page.slider(key=f"w_argument_{name}").set_value(argument.low).run())
        assert shown(page).model.block.arguments[name] == argument.low
    assert shown(page).model.block.shortcut == shortcut


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_placement_fills_the_three_slots(page, placement):
    settled(page.selectbox(key="w_placement").select(placement).run())
    for slot in SLOTS:
        assert " ".join(page.multiselect(key=f"w_ops_{slot}").value) == getattr(PLACEMENTS[placement], slot)


def test_slots_of_a_papers_placement_are_given_its_name():
    app = opened()
    app.multiselect(key="w_ops_pre").set_value(["bn", "relu"])
    app.multiselect(key="w_ops_post").set_value([])
    settled(app.multiselect(key="w_ops_after").set_value([]).run())
    assert shown(app).model.block == BlockConfig(placement="full_preact")
    assert app.selectbox(key="w_placement").value == "full_preact"


@pytest.mark.parametrize("op", OPS)
def test_every_op_can_stand_in_every_slot_even_twice(op):
    app = opened()
    for slot in SLOTS:
        settled(app.multiselect(key=f"w_ops_{slot}").set_value([op]).run())
        settled(app.multiselect(key=f"w_ops_{slot}").set_value([op, f"{op} again"]).run())
    assert shown(app).model.block.ops.slots == (f"{op} {op}",) * 3
    assert app.selectbox(key="w_placement").value == "custom"


@pytest.mark.parametrize(
    ("kind", "key", "value", "field"),
    [
        ("slider", "branch_dropout", 0.3, "block.branch_dropout"),
        ("selectbox", "depth", 14, "depth"),
        ("number_input", "width", 0.25, "width"),
        ("button_group", "projection", "B", "projection"),
        ("button_group", "projection", "C", "projection"),
        ("button_group", "pad", "end", "pad"),
        ("number_input", "num_classes", 100, "num_classes"),
        ("selectbox", "stem", "large", "stem"),
        ("slider", "stochastic_depth", 0.5, "stochastic_depth"),
        ("button_group", "init", "he_fan_in", "init"),
    ],
)
def test_every_control_of_the_net_changes_its_field(kind, key, value, field):
    app = opened()
    settled(getattr(app, kind)(key=f"w_{key}").set_value(value).run())
    model = shown(app).model
    assert (model.block.branch_dropout if "." in field else getattr(model, field)) == value
    assert not app.error


@pytest.mark.parametrize("start", ["zero_gamma", "skipinit"])
def test_branches_can_start_silent(start):
    app = opened()
    settled(app.button_group(key="w_start").set_value(start).run())
    assert getattr(shown(app).model, start)


def test_bottlenecks_have_groups():
    app = opened()
    settled(app.button_group(key="w_unit").set_value("bottleneck").run())
    assert shown(app).model.depth == 11
    app.number_input(key="w_groups").set_value(4)
    settled(app.number_input(key="w_group_width").set_value(2).run())
    assert (shown(app).model.groups, shown(app).model.group_width) == (4, 2)


def test_the_imagenet_family_opens_as_its_paper_has_it():
    app = opened()
    settled(app.button_group(key="w_family").set_value("imagenet").run())
    model = shown(app).model
    assert (model.depth, model.projection, model.num_classes) == (18, "B", 1000)


def test_a_depth_may_be_typed_and_a_wrong_one_says_what_is_allowed():
    app = opened()
    box = app.selectbox(key="w_depth")
    box.options.append("21")
    settled(box.set_value("21").run())
    assert "6n+2" in app.error[0].value
    assert "21" in app.error[0].value
    assert shown(app).model.depth == SMALL.model.depth


def test_zero_gamma_where_it_cannot_work_says_so():
    app = opened(View(model=SMALL.model.changed(block=BlockConfig(placement="full_preact"))))
    settled(app.button_group(key="w_start").set_value("zero_gamma").run())
    assert "zero_gamma needs a branch that ends in BN" in as_read(app.error[0].value)


def test_a_net_with_zero_gamma_can_still_show_every_card():
    app = opened(View(model=SMALL.model.changed(zero_gamma=True)))
    settled(app.button(key="load_shortcuts_none").click().run())
    assert shown(app).model.block.shortcut == "none"
    assert not shown(app).model.zero_gamma


def test_the_gate_and_its_bias_appear_in_the_diagram():
    app = opened()
    assert "bias" not in drawing(app)
    settled(app.selectbox(key="w_shortcut").select("exclusive_gating").run())
    for label in ("conv 1×1, bias −6", "σ", "1 − g", ">g<"):
        assert label in drawing(app)


def test_the_diagram_can_show_the_unit_where_the_shape_changes():
    app = opened()
    settled(app.button_group(key="drawn_unit").set_value("changing").run())
    assert "/2" in drawing(app)
    assert "+8 zeros" in drawing(app)


def test_the_baseline_can_be_chosen_and_pinned():
    app = opened()
    settled(app.selectbox(key="w_baseline").select("dropout").run())
    assert shown(app).baseline.shortcut == "dropout"
    app.selectbox(key="w_placement").select("full_preact")
    settled(app.slider(key="w_branch_dropout").set_value(0.2).run())
    settled(app.button(key="pin").click().run())
    assert shown(app).baseline == BlockConfig(placement="full_preact", branch_dropout=0.2)


def test_the_x_ray_has_a_depth_of_its_own_in_the_link():
    app = opened()
    settled(app.select_slider[0].set_value(14).run())
    assert shown(app).xray_depth == 14
    assert opened(link=link_of(app)).select_slider[0].value == 14


def test_every_chart_has_a_text_beside_it_and_in_it(page):
    charts = page.session_state[KNOWN].last.state["charts"]
    assert list(charts) == list(XRAY)
    for name, chart in charts.items():
        assert chart["alt"] == f"{XRAY[name].title}."
        assert chart["caption"].startswith("From ")


def test_the_code_can_be_downloaded_and_is_shown(page):
    assert "class ResNet(nn.Module):" in page.code[0].value
    assert page.get("download_button")


def test_the_link_is_there_to_be_copied(page):
    assert link_of(page) in page.code[1].value


@pytest.mark.parametrize("link", ["x", "1.", "1.AAAA", "2.eNq", "1." + "A" * 3000, "1.é"])
def test_a_broken_link_opens_the_first_block_and_says_what_is_wrong(link):
    app = opened(link=link)
    assert app.warning[0].value.startswith("The link ")
    assert shown(app) == View()


def test_a_broken_link_is_forgotten_at_the_first_change():
    app = opened(link="1.AAAA")
    settled(app.selectbox(key="w_shortcut").select("conv").run())
    settled(app.run())
    assert not app.warning
