"""The guide can be read: light and dark, on a telephone, by keyboard, by everybody as far as axe can tell."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenTab
from tests.browser.tab import LOOKS, NARROW, Tab

SECTIONS = ("sign-in", "who-may-do-what", "find-things", "every-problem")


@pytest.fixture
def guide(open_tab: OpenTab) -> Tab:
    """The guide, from its beginning."""
    tab = open_tab(Tab)
    tab.go("/api/docs/guide")
    return tab


def test_it_has_no_barriers_and_fits_in_every_look(guide: Tab) -> None:
    found: dict[str, list[str]] = {}
    for width, scheme in LOOKS:
        guide.become(width, scheme)
        for section in SECTIONS:
            guide.page.locator(f"#{section}").evaluate("element => element.scrollIntoView()")
            guide.keep(f"guide-{section}-{scheme}-{width}")
        found[f"{scheme}, {width}"] = ["too wide"] * guide.is_wider_than_the_window() + guide.barriers("html")
    assert {look: faults for look, faults in found.items() if faults} == {}


def test_the_keyboard_reaches_the_text_a_section_and_what_is_wide(guide: Tab) -> None:
    page = guide.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the text")).to_be_focused()
    page.keyboard.press("Enter")
    guide.tab_to(page.get_by_role("group", name="Example").first)
    guide.go("/api/docs/guide")
    guide.tab_to(page.get_by_role("navigation").get_by_role("link", name="Limits"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{page.url.partition('#')[0]}#limits")
    expect(page.get_by_role("heading", name="Limits")).to_be_in_viewport()


def test_the_table_scrolls_by_itself_where_it_is_narrow(guide: Tab) -> None:
    guide.become(NARROW, "light")
    table = guide.page.locator(".wide", has=guide.page.get_by_role("columnheader", name="developer"))
    table.focus()
    guide.page.keyboard.press("ArrowRight")
    guide.page.wait_for_function("element => element.scrollLeft > 0", arg=table.element_handle())


def test_it_leads_to_the_reference_and_back_and_a_problem_leads_here(guide: Tab) -> None:
    page = guide.page
    page.get_by_role("link", name="Reference", exact=True).click()
    expect(page.get_by_role("heading", name="Flycatcher", exact=False).first).to_be_visible()
    page.get_by_role("link", name="Guide", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Using the Flycatcher API")
    guide.go("/api/docs/guide#rate_limited")
    expect(page.get_by_role("heading", name="rate_limited")).to_be_in_viewport()
