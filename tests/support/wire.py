"""HTTP as it goes over the wire: requests that no well-behaved client would send."""

import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import urlsplit

from shared.http.problems import PROBLEMS
from tests.support.api import JSON, Headers


@dataclass(frozen=True)
class Answer:
    """What came back; the names of the headers are in lower case."""

    status: int
    headers: Headers
    body: bytes

    def problem(self) -> JSON:
        """A problem, whose shape is checked."""
        assert self.headers["content-type"] == "application/problem+json"
        problem: JSON = json.loads(self.body)
        assert problem["request_id"] == self.headers["x-request-id"]
        assert problem["status"] == self.status == PROBLEMS[problem["code"]].status
        return problem

    def code(self) -> str:
        """The code of a problem."""
        return str(self.problem()["code"])


def exchange(
    url: str,
    method: str,
    path: str,
    *,
    headers: Headers | None = None,
    chunks: Iterable[bytes] = (),
    finished: bool = True,
) -> Answer:
    """Send a request whose path goes out as it is, with these chunks as they are; ``finished`` sends the last one."""
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=10)) as connection:
        connection.putrequest(method, path)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if chunks:
            connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        for chunk in chunks:
            connection.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if chunks and finished:
            connection.send(b"0\r\n\r\n")
        response = connection.getresponse()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())
