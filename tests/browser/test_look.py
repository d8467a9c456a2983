"""The page Look inside as a person meets it: pictures chosen with the mouse, the address, files of one's own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from resnet_lab.inside.looked import import_checkpoint
from resnet_lab.inside.uploads import MAX_BYTES
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import build_model
from tests.browser.conftest import eventually, free_port, served, settle, windows
from tests.processes import end_processes_of

Open = Callable[..., Page]


def weights(path: Path, seed: int = 0, depth: int = 8, width: float = 0.25) -> Path:
    """Of a net that nobody has trained, as somebody else may have saved them."""
    torch.manual_seed(seed)
    torch.save(build_model(ModelConfig(depth=depth, width=width)).state_dict(), path)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A lab into which two nets were imported."""
    home = tmp_path_factory.mktemp("home")
    for seed in (0, 1):
        import_checkpoint(weights(tmp_path_factory.mktemp("theirs") / "net.th", seed), f"net {seed}", home)
    yield home
    end_processes_of(home)


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    with served(home, free_port()) as address:
        yield address


@pytest.fixture(scope="module")
def nets(home: Path) -> str:
    return ".".join(f"c{path.stem}" for path in sorted((home / "checkpoints").glob("*.safetensors")))


@pytest.fixture
def look(browser: Browser, address: str, nets: str) -> Iterator[Open]:
    """look("&tray=t4", scheme="dark") opens the pictures, waits for the answers, and says so if the page breaks."""
    with windows(browser) as open_window:

        def open_page(query: str = "", scheme: str = "light", width: int = 1440) -> Page:
            page = open_window(f"{address}/look?nets={nets}&view=pictures{query}", scheme, width)
            answered(page)
            return page

        yield open_page


def answered(page: Page) -> None:
    page.get_by_role("heading", name="Look inside").wait_for()
    page.locator(".look-answers").wait_for()
    settle(page)


def click(page: Page, name: str) -> None:
    """On the picture itself."""
    page.locator(f".st-key-look_{name}").click(position={"x": 40, "y": 40})


def query(page: Page) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlparse(page.url).query).items()}


def tray(page: Page) -> list[str]:
    return page.locator("[class*=st-key-look_card_] img").evaluate_all("each => each.map(one => one.alt)")


def card(page: Page, ref: str) -> str:
    """How the card looks: the chosen one has another frame."""
    return page.locator(f".st-key-look_card_{ref}").evaluate("card => getComputedStyle(card).boxShadow")


def test_a_picture_is_chosen_with_the_mouse_and_a_reload_keeps_it(look: Open):
    page = look()
    assert tray(page) == ["frog, t4", "dog, t12", "horse, t13", "ship, t1"]
    click(page, "card_t13")
    eventually(page, lambda: query(page).get("picture") == "t13")
    expect(page.locator(".st-key-look_picture")).to_contain_text("Test image 13 of CIFAR-10, horse")
    page.reload()
    answered(page)
    assert query(page)["picture"] == "t13"
    eventually(page, lambda: card(page, "t13") != "none")
    assert card(page, "t4") == "none"


def test_clicks_in_quick_succession_all_count(look: Open):
    page = look()
    for ref in ("t0", "t2", "t3"):
        click(page, f"tile_data_{ref}")
    eventually(page, lambda: query(page).get("tray") == "t4.t12.t13.t1.t0.t2.t3")
    settle(page)
    assert [name.split(", ")[1] for name in tray(page)] == ["t4", "t12", "t13", "t1", "t0", "t2", "t3"]
    page.get_by_role("button", name="Take frog t4 out of the tray").click()
    eventually(page, lambda: query(page)["tray"] == "t12.t13.t1.t0.t2.t3")


def test_the_back_button_goes_back_to_the_tray_of_before(look: Open):
    page = look("&tray=t4.t12")
    click(page, "tile_data_t0")
    eventually(page, lambda: query(page)["tray"] == "t4.t12.t0")
    settle(page)
    page.go_back()
    eventually(page, lambda: tray(page) == ["frog, t4", "dog, t12"])


def test_the_likeliest_classes_of_every_net_stand_beside_the_picture(look: Open):
    page = look()
    assert page.locator(".look-answers ol").count() == 2
    shares = page.locator(".look-answers ol").first.locator("li span:last-child").all_inner_texts()
    numbers = [float(share.removesuffix("%")) for share in shares]
    assert numbers == sorted(numbers, reverse=True)
    assert 0 < sum(numbers) <= 100.1


def test_a_picture_of_ones_own_is_shown_as_the_nets_see_it_and_comes_into_the_tray(look: Open, tmp_path: Path):
    path = tmp_path / "own.png"
    Image.effect_noise((300, 200), 90).convert("RGB").save(path)
    page = look("&section=own")
    page.locator(".st-key-look_upload input").set_input_files(path)
    page.get_by_role("button", name="Put it into the tray").first.click()
    eventually(page, lambda: query(page).get("picture", "").startswith("u"))
    expect(page.get_by_text("It is in the tray.")).to_be_visible()
    size = page.locator(".st-key-look_as_seen img").evaluate("image => [image.naturalWidth, image.naturalHeight]")
    assert size == [32, 32]


def test_what_is_no_picture_is_refused_in_one_sentence(look: Open, tmp_path: Path):
    path = tmp_path / "own.png"
    path.write_text("no picture")
    page = look("&section=own")
    page.locator(".st-key-look_upload input").set_input_files(path)
    expect(page.get_by_test_id("stAlert").filter(has_text="is no picture")).to_be_visible()


def test_weights_from_elsewhere_are_looked_into(look: Open, tmp_path: Path):
    page, path = look("&section=own"), weights(tmp_path / "theirs.th", depth=110, width=1)
    assert path.stat().st_size > MAX_BYTES  # larger than a picture may be
    page.locator(".st-key-look_weights input").set_input_files(path)
    page.get_by_role("button", name="Look into it").click()
    eventually(page, lambda: page.locator(".look-answers ol").count() == 3)
    assert len(query(page)["nets"].split(".")) == 3


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 900)])
@pytest.mark.parametrize("section", ["data", "training", "mistakes", "own"])
def test_nothing_is_cut(look: Open, scheme: str, width: int, section: str):
    page = look(f"&section={section}", scheme=scheme, width=width)
    expect(page.locator("[class*=st-key-look_cancel]")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for image in page.locator(".look-pixels").all():
        frame = image.bounding_box()
        assert frame
        assert frame["x"] >= 0
        assert frame["x"] + frame["width"] <= width
