"""Lists and documents are compressed for who asks; what has an ETag to write by, or holds a secret, never is."""

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import uuid4

import httpx2 as httpx
import pytest

from tests.containers.conftest import Stack
from tests.support.story import PASSWORD, bearer, sign_in

LONG = "Flycatcher " * 90
"""A text that makes every answer long enough to be compressed."""
ASKING = ("gzip", "gzip, deflate, br, zstd", "br;q=1.0, gzip;q=0.8, *;q=0.1")
NOT_ASKING = ("identity", "br", "gzip;q=0", "")

LISTS = (
    "/api/users?limit=100",
    "/api/audit?limit=100",
    "/api/projects?limit=100",
    "/api/issues?limit=100",
    "PROJECT/issues",
    "ISSUE/comments",
    "ISSUE/history",
    "COMMENT/revisions",
)
DOCUMENTS = ("/api/openapi.json", "/api/docs/swagger-ui.css", "/api/docs/swagger-ui-bundle.js")
SINGLE = {"PROJECT": {"name": None}, "ISSUE": {"title": None}, "COMMENT": {"content": None}}
"""What has an ETag, and the member that changes."""


@dataclass(frozen=True)
class Written:
    """Objects whose every answer is long, and who may read them."""

    headers: Mapping[str, str]
    addresses: Mapping[str, str]

    def address(self, path: str) -> str:
        """The path with the address of an object in it."""
        for name, address in self.addresses.items():
            path = path.replace(name, address)
        return path


@pytest.fixture(scope="module")
def written(stack: Stack, tls: ssl.SSLContext) -> Iterator[Written]:
    with httpx.Client(base_url=stack.address, verify=tls, timeout=30) as client:
        headers = bearer(sign_in(client, "admin"))

        def create(path: str, content: Mapping[str, str]) -> str:
            answer = client.post(path, headers={**headers, "Accept-Encoding": "gzip"}, json=content)
            assert answer.status_code == 201, answer.text
            assert "Content-Encoding" not in answer.headers
            assert answer.headers["ETag"].startswith('"')
            return str(answer.headers["Location"])

        project = create("/api/projects", {"name": f"Compressed {uuid4().hex}", "description": LONG})
        issue = create(f"{project}/issues", {"title": "Compressed", "description": LONG, "priority": "low"})
        comment = create(f"{issue}/comments", {"content": LONG})
        for number in range(8):
            assert client.patch(issue, headers=headers, json={"title": f"Compressed {number}"}).status_code == 200
        assert client.patch(comment, headers=headers, json={"content": f"{LONG}!"}).status_code == 200
        yield Written(headers, {"PROJECT": project, "ISSUE": issue, "COMMENT": comment})


@pytest.mark.parametrize("asking", ASKING)
@pytest.mark.parametrize("path", [*LISTS, *DOCUMENTS])
def test_a_list_and_a_document_come_compressed(client: httpx.Client, written: Written, path: str, asking: str) -> None:
    address = written.address(path)
    plain, packed = (
        client.get(address, headers={**written.headers, "Accept-Encoding": encoding})
        for encoding in ("identity", asking)
    )
    assert (packed.status_code, packed.headers["Content-Encoding"]) == (200, "gzip")
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert packed.num_bytes_downloaded < plain.num_bytes_downloaded / 2
    assert packed.content == plain.content  # as httpx unpacked it


@pytest.mark.parametrize("asking", NOT_ASKING)
@pytest.mark.parametrize("path", ["/api/issues?limit=100", "/api/openapi.json"])
def test_who_does_not_ask_gets_it_as_it_is(client: httpx.Client, written: Written, path: str, asking: str) -> None:
    answer = client.get(path, headers={**written.headers, "Accept-Encoding": asking})
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.num_bytes_downloaded == int(answer.headers["Content-Length"]) == len(answer.content)


@pytest.mark.parametrize("name", SINGLE)
def test_one_object_is_not_compressed_and_its_etag_is_one_to_write_by(
    client: httpx.Client, written: Written, name: str
) -> None:
    address, headers = written.address(name), {**written.headers, "Accept-Encoding": "gzip"}
    read = client.get(address, headers=headers)
    assert len(read.content) > 1000
    assert "Content-Encoding" not in read.headers
    etag = read.headers["ETag"]
    assert etag.startswith('"')
    unchanged = client.get(address, headers=headers | {"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content, unchanged.headers["ETag"]) == (304, b"", etag)
    (member,) = SINGLE[name]
    change = {member: f"{read.json()[member]} again"}
    changed = client.patch(address, headers=headers | {"If-Match": etag}, json=change)
    assert changed.status_code == 200
    assert "Content-Encoding" not in changed.headers
    assert changed.headers["ETag"] not in (etag, f"W/{etag}")
    assert client.patch(address, headers=headers | {"If-Match": etag}, json=change).status_code == 412
    assert client.get(address, headers=headers | {"If-None-Match": etag}).status_code == 200


def test_tokens_are_not_compressed(client: httpx.Client) -> None:
    """With what a client chose beside it, the length of a compressed secret tells of the secret (BREACH)."""
    headers = {"Accept-Encoding": "gzip"}
    login = client.post("/api/auth/login", headers=headers, json={"username": "dev1", "password": PASSWORD})
    refresh = {"refresh_token": login.json()["refresh_token"]}
    refreshed = client.post("/api/auth/refresh", headers=headers, json=refresh)
    for answer in (login, refreshed):
        assert answer.status_code == 200
        assert not {"Content-Encoding", "Vary"} & set(answer.headers)
        assert int(answer.headers["Content-Length"]) == len(answer.content)
