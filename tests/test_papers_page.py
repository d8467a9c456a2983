"""The tables of the Papers page without a browser: what they show, what a click marks, and what is then queued."""

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from resnet_lab.histories import Histories
from resnet_lab.papers.budgets import BUDGETS
from resnet_lab.papers.cells import cells_of
from resnet_lab.papers.paper_tables import TABLES
from resnet_lab.presets import preset
from resnet_lab.store import Store
from resnet_lab.ui.paper_charts import depth_charts, response_charts
from resnet_lab.ui.paper_drawing import ALL, WHOLE, drawn_table
from resnet_lab.ui.papers_tables import MARKED, toggled
from tests.processes import store
from tests.test_paper_tables import cells, over

__all__ = ["store"]

APP = str(Path(__file__).parent.parent / "app.py")


def opened(**parameters: str) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=180).switch_page("screens/papers.py")
    for name, value in parameters.items():
        app.query_params[name] = value
    return settled(app.run())


def settled(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def told(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def marked(app: AppTest, key: str, *places) -> AppTest:
    """As if the cells had been clicked."""
    app.session_state[MARKED.format(key)] = frozenset(places)
    return settled(app.run())


class Cells(HTMLParser):
    """The attributes of all buttons of a table, in order."""

    def __init__(self, html):
        super().__init__()
        self.buttons = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "button":
            self.buttons.append(dict(attrs))


def text(html):
    return unescape(re.sub(r"<[^>]+>", " ", html))


def drawn(key, found, marks=frozenset(), can_train=None):
    columns = TABLES[key].budgets
    return drawn_table(TABLES[key], columns, found, marks, set(columns) if can_train is None else can_train)


# ---- the drawing


@pytest.mark.parametrize("key", TABLES)
def test_a_table_shows_every_published_number_and_a_button_for_every_cell(key):
    table, found = TABLES[key], cells_of(TABLES[key], [], [])
    html = drawn(key, found)
    assert all(row.published in html and row.runs in html for row in table.rows)
    places = {(int(button["data-row"]), button["data-budget"]) for button in Cells(html).buttons}
    assert places >= set(found) | {(WHOLE, ALL)} | {(WHOLE, budget) for budget in table.budgets}
    assert not [place for place in places - set(found) if WHOLE not in place and ALL not in place]


def test_a_cell_shows_mean_interval_n_and_how_many_diverged_are_shipped_or_come(store, tmp_path):
    with Store(None, tmp_path / "shipped") as shipped:
        over(shipped, preset("quick", depth=20), error=9.0)
        over(store, preset("quick", depth=20, seed=1), error=10.0)
        over(store, preset("quick", depth=20, seed=2), error=90.0, status="diverged")
        store.add(preset("quick", depth=20, seed=3))
        html = text(drawn("table1", cells(store, "table1", shipped)))
    assert re.search(r"9\.50 \s*± 6\.35\s+n = 2, 1 diverged, 1 shipped, 1 on the way", html)


def test_five_runs_of_the_papers_setting_have_their_median_beside_the_mean(store):
    for seed, error in enumerate((8.0, 8.1, 8.2, 8.3, 9.9)):
        over(store, preset("paper", depth=20, seed=seed), error=error)
    assert "n = 5, median 8.20" in text(drawn("table6", cells(store, "table6")))


def test_where_all_runs_diverged_that_is_what_the_cell_says(store):
    over(store, preset("quick", depth=20, shortcut="dropout"), status="diverged")
    assert re.search(r"diverged\s+n = 1", text(drawn("table1", cells(store, "table1"))))


def test_what_cannot_be_trained_has_no_button():
    found = cells_of(TABLES["table3_cifar100"], [], [])
    assert Cells(drawn("table3_cifar100", found, can_train=set())).buttons == []


def test_a_marked_cell_is_pressed():
    found = cells_of(TABLES["table1"], [], [])
    pressed = [
        button
        for button in Cells(drawn("table1", found, {(3, "quick")})).buttons
        if button.get("aria-pressed") == "true"
    ]
    assert [(button["data-row"], button["data-budget"]) for button in pressed] == [("3", "quick")]


# ---- what a click marks

BOTH = {"minute", "quick"}
NOTHING = frozenset()


@pytest.fixture
def found(store):
    """Table 1 with one result, in the first row."""
    over(store, preset("quick", depth=20))
    return cells(store, "table1")


def test_a_click_marks_a_cell_and_the_next_one_unmarks_it(found):
    once = toggled(NOTHING, found, BOTH, 0, "quick")
    assert once == {(0, "quick")}
    assert toggled(once, found, BOTH, 0, "quick") == NOTHING


def test_row_column_and_corner_mark_what_is_missing(found):
    assert toggled(NOTHING, found, BOTH, 0, ALL) == {(0, "minute")}
    column = toggled(NOTHING, found, BOTH, WHOLE, "quick")
    assert column == {(number, "quick") for number in range(1, len(TABLES["table1"].rows))}
    everything = toggled(column, found, BOTH, WHOLE, ALL)
    assert len(everything) == 2 * len(TABLES["table1"].rows) - 1
    assert toggled(everything, found, BOTH, WHOLE, ALL) == NOTHING


def test_where_nothing_is_missing_all_of_it_is_marked_for_more_seeds(found):
    assert toggled(NOTHING, found, {"quick"}, 0, ALL) == {(0, "quick")}


# ---- the figures


def test_error_over_depth_shows_the_papers_points_and_ours_apart(store):
    for depth in (20, 56):
        over(store, preset("paper", depth=depth), error=8.5)
        over(store, preset("minute", depth=depth, shortcut="none"), loss=2.0)
    charts = depth_charts(TABLES["figure6"], cells(store, "figure6"), "light")
    assert list(charts) == ["paper", "minute"]
    names = {budget: [trace.name for trace in chart.figure.data] for budget, chart in charts.items()}
    assert names["paper"] == ["Residual, published", "Residual, trained by this lab"]
    assert names["minute"] == ["Plain, trained by this lab"]
    published = charts["paper"].figure.data[0]
    assert dict(zip(published.x, published.y, strict=True)) == {20: 8.75, 32: 7.51, 44: 7.17, 56: 6.97, 110: 6.61}
    assert charts["minute"].figure.layout.title.text == "Training loss by depth, minute"


def test_responses_are_drawn_of_each_budget_for_itself(store):
    over(store, preset("quick", depth=20), response=0.5)
    over(store, preset("minute", depth=20), response=0.25)
    charts = response_charts(TABLES["figure7"], cells(store, "figure7"), Histories(store), "light")
    assert {key: [list(trace.y) for trace in chart.figure.data] for key, chart in charts.items()} == {
        "quick_in order": [[9.0, 0.5]],
        "quick_the largest first": [[9.0, 0.5]],
        "minute_in order": [[9.0, 0.25]],
        "minute_the largest first": [[9.0, 0.25]],
    }


# ---- the page


@pytest.mark.parametrize("key", TABLES)
def test_every_table_is_shown_without_a_single_run(store, key):
    app = opened(table=key)
    assert TABLES[key].caption in told(app)
    assert TABLES[key].paper[0] in told(app)
    assert not app.warning
    assert not app.expander


def test_a_table_that_does_not_exist_is_named_and_another_one_shown(store):
    app = opened(table="9")
    assert "There is no table '9' here: you see “2016, Table 1”." in told(app)
    assert TABLES["table1"].caption in told(app)


def test_a_view_that_does_not_exist_is_named(store):
    assert "There is no view 'cake' here: you see “Tables”." in told(opened(view="cake"))


def test_data_that_is_not_here_is_asked_for_with_a_command(store):
    assert "resnet_lab data get cifar100" in told(opened(table="table3_cifar100"))
    app = opened(table="table1")
    assert "resnet_lab data get cifar10`" in told(app)
    assert "Click a cell" in told(app)  # of the sample, which is always here


def test_marked_cells_say_what_they_cost_and_are_queued_by_one_click(store):
    over(store, BUDGETS["sample"].small(TABLES["table1"].rows[0].model))
    app = marked(opened(table="table1"), "table1", (0, "sample"), (1, "sample"))
    app.number_input(key="papers_runs").set_value(2)
    settled(app.run())
    assert re.search(r"4 runs\. (About|How long)", told(app))
    assert app.button(key="papers_train").label == "Train 4 runs"
    settled(app.button(key="papers_train").click().run())
    queued = [run for run in store.runs() if run.status != "done"]
    assert sorted((run.config.model.title, run.seed) for run in queued) == [
        ("Plain net-56", 0),
        ("Plain net-56", 1),
        ("ResNet-56", 1),
        ("ResNet-56", 2),
    ]


def test_more_than_the_lab_starts_together_is_not_offered(store):
    app = marked(opened(table="table1"), "table1", *((number, "sample") for number in range(16)))
    app.number_input(key="papers_runs").set_value(20)
    settled(app.run())
    assert "At most 200 can be started together" in told(app)
    assert app.button(key="papers_train").disabled


def test_cells_are_unmarked_together(store):
    app = marked(opened(table="table1"), "table1", (0, "sample"))
    settled(app.button(key="papers_unmark").click().run())
    assert "Click a cell" in told(app)
    assert "papers_train" not in [button.key for button in app.button]


def test_each_number_has_its_run_its_budget_its_hardware_and_its_date(store):
    run = over(store, preset("quick", depth=20), error=9.25)
    app = opened(table="table1")
    [line] = app.expander[0].dataframe[0].value.to_dict("records")
    assert line["run"] == f"compare?runs={run.id}"
    assert (line["seed"], line["test error, %"], line["whose"]) == (0, 9.25, "yours")
    assert line["budget"] == BUDGETS["quick"].words
    assert line["hardware"] == "A processor"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", line["ended"])
