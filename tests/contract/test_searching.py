"""A search finds the rows that hold every word of it, in any case, each from the start of a word."""

import pytest

from tests.support.faults import faults
from tests.support.people import People, Person

FOUND = {
    "the whole text": ("Login fails", "Login fails"),
    "one word": ("Login fails", "fails"),
    "words in another order": ("Login fails", "fails login"),
    "the start of a word": ("Login fails", "log"),
    "the start of each word": ("Login fails", "f lo"),
    "a letter": ("Login fails", "l"),
    "a word twice": ("Login fails", "login login"),
    "upper case": ("login", "LOGIN"),
    "lower case": ("LOGIN", "login"),
    "a capital that grows": ("Straße", "STRASSE"),
    "a small letter that grows": ("STRASSE", "straße"),
    "a final sigma": ("ΟΔΟΣ", "οδος"),
    "a sigma that is not final": ("οδός", "ΟΔΌΣ"),
    "a dotted capital": ("İstanbul", "İSTANBUL"),
    "a ligature": ("ﬁsh", "FISH"),
    "Cyrillic": ("Ошибка входа", "ОШИБ"),
    "composed in decomposed": ("Cafe\u0301", "café"),
    "decomposed in composed": ("Café", "cafe\u0301"),
    "CJK": ("登录失败", "登录"),
    "Hangul": ("로그인 오류", "오류"),
    "digits": ("Error 1404", "14"),
    "digits in a word": ("utf8 broken", "utf8"),
    "Arabic digits": ("Error \N{ARABIC-INDIC DIGIT ONE}2", "\N{ARABIC-INDIC DIGIT ONE}"),
    "an underscore separates": ("foo_bar", "bar"),
    "an underscore in the search": ("foo bar", "foo_bar"),
    "a hyphen separates": ("log-in", "in"),
    "a hyphen in the search": ("log in", "log-in"),
    "a version": ("Since 1.5", "5"),
    "a version in the search": ("Since 1.5", "1.5"),
    "an e-mail address": ("Ask jane.doe@corp.example", "corp"),
    "an e-mail address in the search": ("Ask jane.doe@corp.example", "jane.doe@corp"),
    "a URL": ("See https://corp.example/a/b?c=d#e", "example a"),
    "a URL in the search": ("See https://corp.example/a/b?c=d#e", "https://corp.example/a"),
    "a path": ("/usr/local/lib", "local"),
    "an apostrophe": ("don't", "don t"),
    "an emoji separates": ("bug🐞fix", "fix"),
    "an emoji in the search is no word": ("bug", "🐞 bug"),
    "a stop word": ("to be or not", "or not"),
    "a word that stems elsewhere": ("running", "running"),
    "an operator among words": ("salt & pepper", "salt | pepper"),
    "a quoted word": ("login", "'login'"),
    "a prefix operator": ("login", "log:*"),
    "a weight": ("login A", "login:A"),
    "markup": ("a <b>bold</b> move", "bold"),
}
NOT_FOUND = {
    "within a word": ("Login", "ogin"),
    "the end of a word": ("Login", "in"),
    "one word of two": ("Login fails", "login works"),
    "a longer word": ("log", "login"),
    "an accent that is not there": ("Cafe", "café"),
    "an accent that is there": ("Café", "cafe "),
    "no alternative": ("login", "login | logout"),
    "no negation": ("login", "!logout"),
    "no stemming": ("running", "runs"),
    "no wildcard": ("login", "l%n"),
    "a stop word that is not there": ("login", "the login"),
}
NO_WORD = [
    "",
    " ",
    "  ",
    "...",
    "_",
    "-",
    "'",
    '"',
    "\\",
    ":*",
    "&|!()",
    "<->",
    "%",
    "🐞",
    "\u0301",
    "* ? [ ]",
    "--",
    ";",
]


def issue_named(people: People, title: str) -> Person:
    """A manager who has reported this, and something else."""
    manager = people.manager()
    project = manager.project()
    manager.issue(project, title=title)
    manager.issue(project, title="Quite another matter")
    return manager


def titles(person: Person, search: str, **filters: str) -> list[str]:
    page = person.api.get("/api/issues", params={"search": search, "sort": "created_at", **filters}).json()
    assert page["total"] == len(page["items"])
    return [item["title"] for item in page["items"]]


@pytest.mark.parametrize(("title", "search"), FOUND.values(), ids=FOUND.keys())
def test_a_search_finds(people: People, title: str, search: str) -> None:
    assert len(titles(issue_named(people, title), search)) == 1


@pytest.mark.parametrize(("title", "search"), NOT_FOUND.values(), ids=NOT_FOUND.keys())
def test_a_search_does_not_find(people: People, title: str, search: str) -> None:
    assert titles(issue_named(people, title), search) == []


@pytest.mark.parametrize("search", NO_WORD, ids=ascii)
def test_a_search_without_a_word_filters_nothing(people: People, search: str) -> None:
    assert len(titles(issue_named(people, "Login"), search)) == 2


def test_words_are_looked_for_in_title_and_description_together(people: People) -> None:
    manager = people.manager()
    project = manager.project()
    manager.issue(project, title="Login", description="It **fails** since 1.5")
    manager.issue(project, title="Login", description=None)
    assert titles(manager, "login fails") == ["Login"]
    assert titles(manager, "login") == ["Login", "Login"]


def test_a_changed_text_is_found_by_its_new_words_alone(people: People) -> None:
    manager = people.manager()
    issue = manager.issue(manager.project(), title="Old", description="stays")
    manager.api.patch(f"/api/issues/{issue['id']}", json={"title": "New"})
    assert titles(manager, "new stays") == ["New"]
    assert titles(manager, "old") == []


def test_projects_are_searched_by_name_and_description(people: People) -> None:
    manager = people.manager()
    manager.project(name="Käfer", description="Für den Garten")
    manager.project(name="Garten")
    for search, expected in [("garten", 2), ("käf gart", 1), ("KÄFER", 1), ("kafer", 0)]:
        assert manager.api.get("/api/projects", params={"search": search}).json()["total"] == expected


def test_users_are_searched_by_name_alone(people: People) -> None:
    people.developer("jane.doe")
    person = people.developer("JANET")
    for search, expected in [("jane", 2), ("doe", 1), ("jane.d", 1), ("ane", 0), ("flycatcher", 0)]:
        assert person.api.get("/api/users", params={"search": search}).json()["total"] == expected


def test_a_search_narrows_what_the_filters_leave(people: People) -> None:
    manager = people.manager()
    project, other = manager.project(), manager.project()
    manager.issue(project, title="Login one", priority="high")
    manager.issue(project, title="Login two", priority="low")
    manager.issue(other, title="Login three", priority="high", assignee_id=manager.id)
    assert titles(manager, "login", priority="high") == ["Login one", "Login three"]
    assert titles(manager, "login", priority="high,low", project=project["id"]) == ["Login one", "Login two"]
    assert titles(manager, "login t", priority="high", assignee="me", reporter="me", status="open") == ["Login three"]
    assert titles(manager, "...", priority="low") == ["Login two"]
    assert titles(manager, "login", status="closed") == []


@pytest.mark.parametrize("search", ["x" * 200, "登" * 200, "🐞" * 200, "e\u0301" * 200, " " * 50 + "🐞" * 200])
def test_a_search_may_have_200_code_points(people: People, search: str) -> None:
    assert people.developer().api.get("/api/issues", params={"search": search}).status_code == 200


def test_a_longer_search_is_422(people: People) -> None:
    response = people.developer().api.get("/api/issues", params={"search": "x" * 201})
    assert faults(response) == [("query", "search", "string_too_long")]
