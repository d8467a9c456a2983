"""The pages as a newcomer finds them: with the runs that really come with the lab, and none of one's own."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from resnet_lab.shipped import GALLERY
from resnet_lab.ui.board import KNOWN
from tests.processes import end_processes_of, know_machine

APP = str(Path(__file__).parent.parent / "app.py")
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The capsules are unpacked once; no process is left afterwards."""
    home = tmp_path_factory.mktemp("home")
    know_machine(home)
    yield home
    end_processes_of(home)


@pytest.fixture
def opened(home, monkeypatch):
    monkeypatch.setenv("RESNET_LAB_HOME", str(home))
    monkeypatch.setenv("RESNET_LAB_GALLERY", str(GALLERY))
    monkeypatch.delenv("RESNET_LAB_STORE", raising=False)

    def opened_page(page, **parameters):
        app = AppTest.from_file(APP, default_timeout=600).switch_page(f"screens/{page}.py")
        for name, value in parameters.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception, app.exception
        return app

    return opened_page


def words(app):
    return "\n".join(each.value for each in [*app.markdown, *app.caption])


@pytest.mark.parametrize(("language", "about"), [("en", "The papers train longer"), ("ko", "논문은 더 오래")])
def test_home_shows_real_curves_and_says_what_they_are_of(opened, language, about):
    said = words(opened("home", lang=language))
    assert "5,860" in said
    assert "NVIDIA H100" in said
    assert about in said


@pytest.mark.parametrize("step", ["1", "2", "3", "4", "5"])
def test_every_step_of_the_tour_has_shipped_curves(opened, step):
    assert "shipped_test_error" in opened("tour", step=step).session_state[KNOWN].last.state["charts"]


def test_the_claims_are_judged_by_the_shipped_runs(opened):
    said = words(opened("papers", view="claims"))
    assert "**18 claims** can be tested by this budget" in said
    assert "Published for 110 layers, tested here with 20." in said


@pytest.mark.parametrize("table", ["table1", "table2", "figure6", "figure7"])
def test_the_tables_have_the_shipped_numbers(opened, table):
    assert "Shipped: trained beforehand" in words(opened("papers", table=table))


def test_the_forecasts_are_scored_by_the_shipped_runs(opened):
    assert "Over 37 runs the forecasts" in words(opened("papers", view="forecasts"))


def test_compare_lists_what_comes_with_the_lab(opened):
    [table] = opened("compare").dataframe
    assert len(table.value) == 37
