"""A body has at most 1 MiB, by what it declares or as it arrives: else 413, and nothing happens."""

from collections.abc import Iterable

import pytest

from tests.support.api import Headers, Server
from tests.support.people import People, Person
from tests.support.wire import Answer, exchange

LIMIT = 1024 * 1024


def post(
    server: Server, person: Person | None, headers: Headers, chunks: Iterable[bytes] = (), *, finished: bool = True
) -> Answer:
    credentials = {"Authorization": f"Bearer {person.token}"} if person else {}
    headers = {"Content-Type": "application/json", **credentials, **headers}
    return exchange(server.url, "POST", "/api/projects", headers=headers, chunks=chunks, finished=finished)


def padded(size: int) -> bytes:
    """A project as JSON in so many octets."""
    return b'{"name": "Large"}'.ljust(size)


def parts(body: bytes) -> list[bytes]:
    return [body[start : start + 65536] for start in range(0, len(body), 65536)]


def test_exactly_one_mebibyte_is_taken(people: People) -> None:
    headers = {"Content-Type": "application/json"}
    response = people.manager().api.post("/api/projects", content=padded(LIMIT), headers=headers)
    assert response.status_code == 201


def test_exactly_one_mebibyte_in_chunks_is_taken(server: Server, people: People) -> None:
    assert post(server, people.manager(), {}, parts(padded(LIMIT))).status == 201


def test_one_octet_more_in_chunks_is_413(server: Server, people: People) -> None:
    manager = people.manager()
    assert post(server, manager, {}, parts(padded(LIMIT + 1))).code() == "payload_too_large"
    assert manager.api.get("/api/projects").json()["total"] == 0


@pytest.mark.parametrize("length", [LIMIT + 1, 10**12, 10**18])
def test_a_declared_length_is_refused_before_the_body_comes(server: Server, people: People, length: int) -> None:
    assert post(server, people.manager(), {"Content-Length": str(length)}).code() == "payload_too_large"


def test_chunks_without_end_are_refused_as_soon_as_they_are_too_many(server: Server, people: People) -> None:
    endless = parts(padded(LIMIT + 1))
    assert post(server, people.manager(), {}, endless, finished=False).code() == "payload_too_large"


def test_a_declared_length_is_refused_before_it_is_asked_who_calls(server: Server, people: People) -> None:  # noqa: ARG001  # cleans
    assert post(server, None, {"Content-Length": str(LIMIT + 1)}).code() == "payload_too_large"


def test_too_many_chunks_are_refused_before_it_is_asked_who_calls(server: Server, people: People) -> None:  # noqa: ARG001  # cleans
    assert post(server, None, {}, parts(padded(LIMIT + 1))).code() == "payload_too_large"


def test_an_endpoint_that_takes_no_body_asks_for_no_type(people: People) -> None:
    response = people.admin().api.post("/api/auth/logout-all", content=b"x", headers={"Content-Type": "text/plain"})
    assert response.status_code == 204
