"""The page of the documentation can be read: light and dark, on a telephone, by everybody as far as axe can tell."""

from playwright.sync_api import expect

from tests.browser.conftest import OpenDocs
from tests.browser.tab import LOOKS, WIDE
from tests.support.people import PASSWORD, People


def test_it_has_no_barriers_and_fits_in_every_state(open_docs: OpenDocs, people: People) -> None:
    page = open_docs()
    found: dict[str, list[str]] = {}

    def look(state: str, selector: str = "html") -> None:
        for width, scheme in LOOKS:
            page.become(width, scheme)
            page.page.locator(selector).evaluate("element => element.scrollIntoView()")
            page.keep(f"{state}-{scheme}-{width}")
            found[f"{state}, {scheme}, {width}"] = ["too wide"] * page.is_wider_than_the_window()
            if width == WIDE:
                found[f"{state}, {scheme}, {width}"] += page.barriers(selector)

    look("closed")
    page.call("auth-login", {"username": people.developer().username, "password": PASSWORD})
    look("answered", "#operations-auth-login")
    page.opened("issues-list_issues").get_by_text("Schema", exact=True).first.click()
    look("parameters", "#operations-issues-list_issues")
    page.page.get_by_role("button", name="Authorize", exact=True).click()
    page.page.get_by_role("dialog").get_by_text("Logout").click()
    look("dialog", ".dialog-ux")
    assert {state: faults for state, faults in found.items() if faults} == {}


def test_it_follows_the_system_from_light_to_dark_and_back(open_docs: OpenDocs) -> None:
    page = open_docs().page
    background = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_class("dark-mode")
    assert page.evaluate(background) != light
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).not_to_have_class("dark-mode")
    assert page.evaluate(background) == light


def test_it_says_what_it_is_and_its_address_opens_an_operation(open_docs: OpenDocs) -> None:
    docs = open_docs("#/issues/get_issue")
    expect(docs.operation("issues-get_issue").get_by_role("button", name="Try it out")).to_be_visible()
    page = docs.page
    expect(page).to_have_title("Flycatcher API")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("main")).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("link", name="Guide", exact=True)).to_have_attribute("href", "/api/docs/guide")
