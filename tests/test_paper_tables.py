"""The tables of the papers as data: what was published, the run that each cell needs, and what such runs have said."""

import pytest

from resnet_lab.events import Done, Epoch, Probe, Step
from resnet_lab.histories import Histories
from resnet_lab.library import Library
from resnet_lab.papers.budgets import BUDGETS, setting
from resnet_lab.papers.cells import ON_THEIR_WAY, cells_of
from resnet_lab.papers.measures import MEASURES
from resnet_lab.papers.paper_tables import TABLES
from resnet_lab.papers.results import results
from resnet_lab.presets import preset
from resnet_lab.queueing import Process, claim, release
from resnet_lab.references import REFERENCES, references_for
from resnet_lab.store import Store


@pytest.fixture
def store(tmp_path):
    with Store(None, tmp_path / "home") as store:
        yield store


def over(store, config, error=10.0, loss=1.5, response=0.5, status="done"):
    """A run that has told of its end."""
    run = store.add(config)
    claim(store, run.id, Process.of())
    store.record_environment(run.id, {"cpu": "A processor"})
    steps = config.recipe.steps
    layers = {"stem.conv": {"response": 9.0}, "stages.0.0.branch.conv1": {"response": response}}
    told = [
        Step(steps, 9.0, loss, 0.1, 1000.0, 0.0),
        Probe(steps, 9.0, layers, {}),
        Epoch(steps, 9.0, 1.0, error, 2.0, 10_000),
        Done(steps, 9.0, status, "It is over.", 1.0, error),
    ]
    store.append(run.id, list(enumerate(told, start=1)))
    release(store, run.id, status)
    return store.run(run.id)


def cells(store, key, shipped=None):
    library = Library(store, shipped)
    return cells_of(TABLES[key], results(library, Histories(library)), library.runs(ON_THEIR_WAY))


def place(key, budget, **fields):
    """Where in the table the run of these fields belongs."""
    table, wanted = TABLES[key], setting(preset(BUDGETS[budget].recipe, **fields))
    [number] = [n for n, row in enumerate(table.rows) if row.model and setting(table.config(row, budget)) == wanted]
    return number, budget


EVERY = [(key, number) for key, table in TABLES.items() for number in range(len(table.rows))]


@pytest.mark.parametrize("key", TABLES)
def test_a_table_says_where_it_is_from_and_no_two_rows_are_alike(key):
    table = TABLES[key]
    assert table.paper[1] in ("1512.03385", "1603.05027")
    assert len({row.words for row in table.rows}) == len(table.rows) > 3
    assert table.measure in MEASURES


@pytest.mark.parametrize(("key", "number"), EVERY)
def test_the_run_of_the_papers_budget_is_the_one_that_its_number_is_held_against(key, number):
    table = TABLES[key]
    row = table.rows[number]
    if row.model is None:
        assert row.note
        return
    config = table.config(row, table.budgets[-1])
    known = references_for(config)
    assert config.recipe.steps == 64_000
    if row.runs:
        assert (row.value, row.runs) in [(reference.error, reference.runs) for reference in known]


def test_every_published_number_stands_in_a_table():
    shown = {(row.value, row.runs) for table in TABLES.values() for row in table.rows}
    assert {(reference.error, reference.runs) for reference in REFERENCES} <= shown


def test_what_the_paper_only_draws_or_calls_a_failure_has_words_and_no_number():
    words = {row.published for table in TABLES.values() for row in table.rows if row.value is None}
    assert words == {"above 20", "above 60", "drawn, no number"}
    assert all(row.value is None for row in TABLES["figure7"].rows)


def test_a_net_with_units_of_one_layer_has_its_number_and_no_run():
    rows = [row for row in TABLES["table3"].rows if row.model is None]
    assert [row.value for row in rows] == [9.90, 8.91]
    assert all("cannot be trained here" in row.note for row in rows)


@pytest.mark.parametrize(("key", "budget"), [(key, each) for key, table in TABLES.items() for each in table.budgets])
def test_each_cell_has_a_setting_of_its_own(key, budget):
    settings = [setting(TABLES[key].config(row, budget)) for row in TABLES[key].rows if row.model]
    assert len(set(settings)) == len(settings)


@pytest.mark.parametrize(
    ("key", "budget", "depths"),
    [
        ("table1", "quick", {20}),
        ("table1", "minute", {56}),
        ("table1", "paper", {110}),
        ("table2", "quick", {20, 29}),
        ("table6", "quick", {20, 32, 44, 56, 110, 1202}),
        ("figure7", "minute", {20, 56, 110}),
        ("table3_cifar100", "paper_cifar100", {164, 1001}),
    ],
)
def test_smaller_budgets_take_smaller_nets_unless_depth_is_what_the_table_is_about(key, budget, depths):
    table = TABLES[key]
    configs = [table.config(row, budget) for row in table.rows if row.model]
    assert {config.model.depth for config in configs} == depths
    assert {config.data.name for config in configs} == {BUDGETS[budget].data}


def test_the_head_says_which_net_a_smaller_budget_trains():
    assert TABLES["table1"].nets("minute") == "ResNet-56, width 0.5"
    assert TABLES["table2"].nets("quick") == "ResNet-20 and ResNet-29 of bottlenecks"
    assert TABLES["table6"].nets("quick") == ""


def test_an_empty_store_leaves_every_cell_empty():
    cell = cells_of(TABLES["table1"], [], [])
    assert len(cell) == len(TABLES["table1"].rows) * 4
    assert all(each.is_empty and each.spread is None for each in cell.values())


def test_seeds_are_averaged_with_the_interval_of_their_mean(store):
    for seed, error in enumerate((9.0, 10.0, 11.0)):
        over(store, preset("quick", depth=20, seed=seed), error=error)
    found = cells(store, "table1")
    cell = found[place("table1", "quick", depth=20)]
    assert (cell.spread.mean, cell.median, len(cell.spread.values)) == (10.0, 10.0, 3)
    assert cell.half == pytest.approx(4.3027 / 3**0.5, rel=1e-4)  # Student's t with two degrees of freedom
    assert sum(not each.is_empty for each in found.values()) == 1


def test_one_run_has_no_interval(store):
    over(store, preset("quick", depth=20))
    assert cells(store, "table6")[place("table6", "quick", depth=20)].half is None


def test_budgets_are_never_mixed(store):
    over(store, preset("quick", depth=20, data="cifar10"), error=9.0)
    over(store, preset("paper", depth=20), error=8.0)
    over(store, preset("minute", depth=20), error=50.0, loss=1.75)
    over(store, preset("quick", depth=20, steps=100), error=70.0)
    found = cells(store, "table6")
    said = {budget: found[place("table6", budget, depth=20)].spread.values for budget in ("minute", "quick", "paper")}
    assert said == {"minute": (1.75,), "quick": (9.0,), "paper": (8.0,)}
    assert sum(not each.is_empty for each in found.values()) == 3


def test_a_run_that_diverged_is_counted_and_not_averaged(store):
    over(store, preset("quick", depth=20), error=9.0)
    over(store, preset("quick", depth=20, seed=1), error=90.0, status="diverged")
    cell = cells(store, "table1")[place("table1", "quick", depth=20)]
    assert (cell.num_diverged, cell.spread.values) == (1, (9.0,))


def test_figure_7_shows_the_mean_response_of_the_branches(store):
    over(store, preset("quick", depth=20, shortcut="none"), response=0.75)
    cell = cells(store, "figure7")[place("figure7", "quick", depth=20, shortcut="none")]
    assert cell.spread.values == (0.75,)
    assert cell.measure.words.startswith("response")


def test_shipped_runs_fill_cells_and_are_counted(store, tmp_path):
    with Store(None, tmp_path / "shipped") as shipped:
        over(shipped, preset("quick", depth=20), error=9.0)
        over(store, preset("quick", depth=20, seed=1), error=10.0)
        cell = cells(store, "table1", shipped)[place("table1", "quick", depth=20)]
        assert (cell.num_shipped, len(cell.results)) == (1, 2)


def test_new_runs_take_the_first_seeds_that_are_neither_over_nor_on_their_way(store):
    over(store, preset("quick", depth=20, seed=0))
    store.add(preset("quick", depth=20, seed=2))
    cell = cells(store, "table1")[place("table1", "quick", depth=20)]
    assert [len(cell.waiting), *(config.seed for config in cell.new(3))] == [1, 1, 3, 4]
    assert {setting(config) for config in cell.new(3)} == {setting(cell.config)}
