"""The Papers page as a person meets it: a table whose cells are clicked, and what that costs before it starts."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import eventually, settle


def test_a_clicked_cell_is_marked_and_its_price_is_said(visit: Callable[..., Page]):
    page = visit("papers?table=table1")
    cell = page.locator("button[data-row='2'][data-budget='sample']")
    cell.click()
    expect(cell).to_have_attribute("aria-pressed", "true")
    train = page.get_by_role("button", name="Train 1 run")
    expect(train).to_be_in_viewport()
    page.locator("button[data-row='-1'][data-budget='sample']").click()
    expect(page.get_by_role("button", name="Train 16 runs")).to_be_visible()
    page.get_by_role("button", name="Unmark").click()
    expect(cell).to_have_attribute("aria-pressed", "false")


def test_the_address_keeps_the_table_and_nothing_is_cut_at_900_pixels(visit: Callable[..., Page]):
    page = visit("papers", width=900)
    page.get_by_role("radio", name="2016, Table 2").click()
    expect(page.locator(".paper-table .group")).to_have_count(2)
    settle(page)
    assert "table=table2" in page.url
    widths = page.locator(".clickable:has(> .paper-table)").evaluate("place => [place.scrollWidth, place.clientWidth]")
    assert widths[0] <= widths[1]


def test_every_click_on_a_selector_counts_also_the_second_and_the_third(visit: Callable[..., Page]):
    page = visit("papers")
    for table in ("Table 2", "Table 3", "Table 1", "Table 2"):
        page.get_by_role("radio", name=f"2016, {table}", exact=True).click()
        eventually(page, lambda name=table: f"table={name.lower().replace(' ', '')}" in page.url)
        settle(page)
