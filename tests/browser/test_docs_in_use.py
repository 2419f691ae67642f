"""Somebody works with the page of the documentation: signs in, tries operations, pastes a token, uses no mouse."""

import json
import re

from playwright.sync_api import expect

from tests.browser.conftest import OpenDocs
from tests.browser.docs_page import DocsPage, answer
from tests.support.api import JSON
from tests.support.people import PASSWORD, People, Person


def credentials(person: Person) -> JSON:
    return {"username": person.username, "password": PASSWORD}


def kept(page: DocsPage) -> int:
    """How many things the browser would still have when the page is closed."""
    count: int = page.page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length")
    return count


def test_whoever_signs_in_on_the_page_goes_on_without_a_token_in_hand(open_docs: OpenDocs, people: People) -> None:
    manager = people.manager()
    page = open_docs()
    status, tokens = page.call("auth-login", credentials(manager))
    assert (status, tokens["token_type"]) == (200, "Bearer")
    page.operation("auth-login").scroll_into_view_if_needed()
    page.keep("signed-in")

    status, project = page.call("projects-create_project", {"name": "Clicked together"})
    assert (status, project["name"]) == (201, "Clicked together")
    status, issue = page.call("issues-create_issue", {"title": "It clicks"}, id=project["id"])
    assert (status, issue["reporter"]) == (201, manager.ref)
    expect(page.page).to_have_url(re.compile("/api/docs#/issues/create_issue$"))
    page.operation("issues-create_issue").scroll_into_view_if_needed()
    page.keep("issue-created")

    assert kept(page) == 0


def test_new_tokens_take_the_place_of_the_old_ones(open_docs: OpenDocs, people: People) -> None:
    person = people.developer()
    first = person.api.post("/api/auth/login", json=credentials(person)).json()
    page = open_docs()
    status, second = page.call("auth-refresh", {"refresh_token": first["refresh_token"]})
    assert status == 200
    with page.page.expect_request("**/api/auth/me") as asked:
        status, me = page.call("auth-get_me")
    assert (status, me["username"]) == (200, person.username)
    assert asked.value.headers["authorization"] == f"Bearer {second['access_token']}"
    assert second["access_token"] != first["access_token"]


def test_a_token_that_is_pasted_is_sent_and_can_be_taken_back(open_docs: OpenDocs, people: People) -> None:
    person = people.developer()
    page = open_docs()
    authorize = page.page.get_by_role("button", name="Authorize", exact=True)
    authorize.click()
    dialog = page.page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill(person.token)
    page.keep("dialog")
    dialog.get_by_role("button", name="Apply credentials").click()
    dialog.get_by_role("button", name="Close").last.click()
    assert page.call("auth-get_me") == (200, person.api.get("/api/auth/me").json())

    authorize.click()
    dialog.get_by_text("Logout").click()
    page.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    lock = page.operation("auth-get_me").get_by_role("button", name="authorization button unlocked")
    expect(lock.first).to_be_visible()
    assert kept(page) == 0


def test_no_mouse_is_needed(open_docs: OpenDocs, people: People) -> None:
    person = people.developer()
    page = open_docs()
    keyboard, login, dialog = page.page.keyboard, page.operation("auth-login"), page.page.get_by_role("dialog")
    page.tab_to(page.page.get_by_role("button", name="Authorize", exact=True))
    keyboard.press("Enter")
    expect(dialog.get_by_role("textbox")).to_be_focused()
    keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    page.tab_to(login.locator(".opblock-summary-control"))
    keyboard.press("Enter")
    page.tab_to(login.get_by_role("button", name="Try it out"))
    keyboard.press("Enter")
    page.tab_to(login.get_by_label("Request body"))
    page.keep("keyboard")
    keyboard.press("Control+A")
    keyboard.type("{")
    keyboard.insert_text(json.dumps(credentials(person))[1:])
    page.tab_to(login.get_by_role("button", name="Execute"))
    keyboard.press("Enter")
    assert answer(login)[0] == 200
