"""The earlier texts of a comment."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from tests.support.api import JSON
from tests.support.people import People, Person


def _comment(people: People, author: Person, content: str) -> JSON:
    return author.comment(people.developer().issue(people.manager().project()), content)


def test_a_comment_that_was_never_changed_has_none(people: People) -> None:
    author = people.developer()
    path = f"/api/comments/{_comment(people, author, 'One')['id']}/revisions"
    assert author.api.get(path).json() == {"items": [], "page": 1, "limit": 20, "total": 0, "pages": 0}


def test_every_earlier_text_is_kept_with_the_time_when_it_was_written(people: People) -> None:
    author, reader = people.developer(), people.developer()
    first = _comment(people, author, "*One*")
    path = f"/api/comments/{first['id']}"
    second = author.api.patch(path, json={"content": "Two"}).json()
    author.api.patch(path, json={"content": "Two"})
    third = author.api.patch(path, json={"content": "Three"}).json()
    author.api.patch(path, json={"content": "*One*"})
    page = reader.api.get(f"{path}/revisions").json()
    assert page["total"] == 3
    ids = [UUID(revision.pop("id")) for revision in page["items"]]
    assert len({*ids, UUID(first["id"])}) == 4
    assert page["items"] == [
        {"content": "Three", "content_html": "<p>Three</p>", "created_at": third["updated_at"]},
        {"content": "Two", "content_html": "<p>Two</p>", "created_at": second["updated_at"]},
        {"content": "*One*", "content_html": "<p><em>One</em></p>", "created_at": first["created_at"]},
    ]
    assert reader.api.get(path).json()["edited"] is True


def test_the_newest_comes_first_over_all_pages(people: People) -> None:
    author = people.developer()
    path = f"/api/comments/{_comment(people, author, '0')['id']}"
    for number in range(1, 6):
        author.api.patch(path, json={"content": str(number)})
    pages = [author.api.get(f"{path}/revisions?limit=2&page={number}").json()["items"] for number in (1, 2, 3)]
    assert [[revision["content"] for revision in page] for page in pages] == [["4", "3"], ["2", "1"], ["0"]]
    assert author.api.get(f"{path}/revisions?sort=created_at").status_code == 422


def test_changes_at_once_keep_every_text_in_one_chain(people: People) -> None:
    author = people.developer()
    texts = ["A", "B", "C", "D"]
    with ThreadPoolExecutor(len(texts)) as threads:
        for _ in range(5):
            path = f"/api/comments/{_comment(people, author, 'First')['id']}"
            answers = list(threads.map(lambda text, path=path: author.api.patch(path, json={"content": text}), texts))
            assert [answer.json().get("content") for answer in answers] == texts
            revisions = author.api.get(f"{path}/revisions").json()["items"]
            shown = author.api.get(path).json()
            chain = [(shown["content"], shown["updated_at"])]
            chain += [(revision["content"], revision["created_at"]) for revision in revisions]
            assert chain[-1][0] == "First"
            assert sorted(text for text, _time in chain) == ["A", "B", "C", "D", "First"]
            written = {answer.json()["content"]: answer.json()["updated_at"] for answer in answers}
            assert dict(chain[:-1]) == written
