"""A table of the papers as it is read: their number, and beside it what was measured here, each cell to be clicked."""

from collections.abc import Callable, Mapping, Sequence, Set
from functools import lru_cache
from html import escape
from typing import Any

from resnet_lab.model_config import ModelConfig
from resnet_lab.papers.budgets import BUDGETS
from resnet_lab.papers.cells import Cell, Place
from resnet_lab.papers.measures import MEASURES
from resnet_lab.papers.paper_tables import PAPER, Row, Table
from resnet_lab.pictures import picture
from resnet_lab.ui.clickable import show_clickable
from resnet_lab.ui.diagram import EMBLEM, draw

WHOLE, ALL = -1, ""  # the row of a column's head, the budget of a row's name


def drawn_table(
    table: Table, columns: Sequence[str], cells: Mapping[Place, Cell], marked: Set[Place], can_train: Set[str]
) -> str:
    """HTML; a button tells its row and its budget."""
    body = "".join(
        group_line(table.rows, number, len(columns)) + row_line(table, number, columns, cells, marked, can_train)
        for number in range(len(table.rows))
    )
    return f'<table class="paper-table">{head(table, columns, can_train)}<tbody>{body}</tbody></table>'


def head(table: Table, columns: Sequence[str], can_train: Set[str]) -> str:
    """Whose numbers they are, in which setting, by which measure."""
    corner = button(WHOLE, ALL, "Mark all that is missing") if can_train & set(columns) else ""
    theirs = f"<b>published</b><span>{table.source}</span><span>{MEASURES[table.measure].heading}</span>"
    heads = "".join(f"<th>{column_head(table, budget, budget in can_train)}</th>" for budget in columns)
    return f'<thead><tr><th colspan="2">{corner}</th><th class="theirs">{theirs}</th>{heads}</tr></thead>'


def column_head(table: Table, budget: str, is_trainable: bool) -> str:
    name = budget_name(budget)
    lines = [MEASURES[table.measure_of(budget)].heading, BUDGETS[budget].size, table.nets(budget)]
    told = f"<b>{name}</b>" + "".join(f"<span>{escape(line)}</span>" for line in lines if line)
    return button(WHOLE, budget, told, title=f"Mark what is missing of {name}") if is_trainable else told


def budget_name(budget: str) -> str:
    """'minute', or 'minute, sample' where it is not of CIFAR-10 itself"""
    recipe, data = BUDGETS[budget].recipe, BUDGETS[budget].data
    return f"{recipe}, {data}" if data == "sample" else recipe


def group_line(rows: Sequence[Row], number: int, num_budgets: int) -> str:
    """A name above the rows that stand together."""
    group = rows[number].group
    if not group or (number and rows[number - 1].group == group):
        return ""
    return f'<tr class="group"><th colspan="{3 + num_budgets}">{escape(group)}</th></tr>'


def row_line(
    table: Table,
    number: int,
    columns: Sequence[str],
    cells: Mapping[Place, Cell],
    marked: Set[Place],
    can_train: Set[str],
) -> str:
    row = table.rows[number]
    label = f"{escape(row.label)}<span>{escape(row.detail)}</span>" if row.detail else escape(row.label)
    if row.model and can_train & set(columns):
        label = button(number, ALL, label, title="Mark what is missing of this row")
    theirs = f"<b>{row.published}</b><span>{escape(row.runs)}</span>" if row.runs else row.published
    emblem = block_emblem(row.model.to_json()) if row.model else ""
    start = f'<td class="emblem">{emblem}</td><th scope="row">{label}</th><td class="theirs">{theirs}</td>'
    if row.model is None:
        return f'<tr>{start}<td class="note" colspan="{len(columns)}">{escape(row.note)}</td></tr>'
    ours = (
        cell_html(row, number, budget, cells[number, budget], (number, budget) in marked, budget in can_train)
        for budget in columns
    )
    return f"<tr>{start}{''.join(f'<td>{cell}</td>' for cell in ours)}</tr>"


def cell_html(row: Row, number: int, budget: str, cell: Cell, is_marked: bool, can_train: bool) -> str:
    (value, half), below = value_words(cell), ", ".join(below_words(cell, budget))
    main = f"{value} <i>{half}</i>" if half else value
    words = f"<b>{main}</b><span>{escape(below)}</span>" if not cell.is_empty else '<b class="empty"></b>'
    if not can_train:
        return words
    known = " ".join(filter(None, (value, half, below))) if not cell.is_empty else "not trained yet"
    told = f"{row.words}, {budget_name(budget)}: {known}"
    return button(number, budget, words, title=told, pressed=is_marked)


def value_words(cell: Cell) -> tuple[str, str]:
    """'8.12' and '± 0.31'; an ellipsis while nothing is known but that it is on its way."""
    if cell.spread is None:
        return "diverged" if cell.num_diverged else "not measured" if cell.results else "…", ""
    shown = cell.measure.shown
    return shown(cell.spread.mean), f"± {shown(cell.half)}" if cell.half is not None else ""


def below_words(cell: Cell, budget: str) -> list[str]:
    """How many runs that is of, and what else has to be known of them."""
    values, measured = cell.spread.values if cell.spread else (), len(cell.results)
    words = [f"n = {len(values) or measured}"] if measured else []
    if len(values) > 2 and BUDGETS[budget].recipe == PAPER:
        words.append(f"median {cell.measure.shown(cell.median)}")  # what the papers report
    if values and cell.num_diverged:
        words.append(f"{cell.num_diverged} diverged")
    if cell.num_shipped:
        words.append("shipped" if cell.num_shipped == measured else f"{cell.num_shipped} shipped")
    if cell.waiting:
        words.append(f"{len(cell.waiting)} on the way")
    return words


def button(row: int, budget: str, inner: str, title: str = "", pressed: bool | None = None) -> str:
    state = "" if pressed is None else f' aria-pressed="{str(pressed).lower()}"'
    named = f' title="{escape(title)}" aria-label="{escape(title)}"' if title else ""
    return f'<button type="button" data-row="{row}" data-budget="{escape(budget)}"{named}{state}>{inner}</button>'


@lru_cache(maxsize=200)
def block_emblem(model_json: str) -> str:
    return draw(picture(ModelConfig.from_json(model_json)), "", EMBLEM)


# ---- on the page


def show_table(html: str, key: str, on_click: Callable[[int, str], Any]) -> None:
    """`on_click` is told the row and the budget."""

    def clicked(told: Mapping[str, str]) -> None:
        if told.get("row", "").removeprefix("-").isdecimal():
            on_click(int(told["row"]), told.get("budget", ""))

    show_clickable("paper_table", html, key, clicked)
