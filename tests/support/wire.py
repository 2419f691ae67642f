"""HTTP as it goes over the wire: requests that no well-behaved client would send."""

import json
import re
import socket
import ssl
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
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
    tls: ssl.SSLContext | None = None,
) -> Answer:
    """Send a request whose path goes out as it is, with these chunks as they are; ``finished`` sends the last one."""
    with closing(_connection(url, tls)) as connection:
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


def talk(url: str, pieces: Iterable[bytes], *, tls: ssl.SSLContext | None = None) -> list[Answer]:
    """Send these octets as they are, until the server hears no more; every answer until it closes the connection.

    Fails with a time-out where the server leaves the connection open.
    """
    return list(_answers(hear(url, pieces, tls=tls)))


def first_answer(url: str, octets: bytes, *, tls: ssl.SSLContext | None = None) -> Answer:
    """The first answer to these octets, also where the server leaves the connection open; it may be an interim one."""
    received = b""
    with connect(url, tls) as connection:
        with suppress(ConnectionError):
            connection.sendall(octets)
        while not _is_whole(received):
            data = connection.recv(65_536)
            assert data, f"the connection ended after {received!r}"
            received += data
    return next(iter(_answers(received)))


def hear(url: str, pieces: Iterable[bytes], *, tls: ssl.SSLContext | None = None) -> bytes:
    """The same, and what came back as it came."""
    received = bytearray()
    with connect(url, tls) as connection:
        with suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
        with suppress(ConnectionError):
            while data := connection.recv(65_536):
                received += data
    return bytes(received)


def connect(url: str, tls: ssl.SSLContext | None = None) -> socket.socket:
    """A connection that waits five seconds for anything, by TLS where a context is given."""
    made = socket.create_connection(_address(url), timeout=5)
    return tls.wrap_socket(made, server_hostname=urlsplit(url).hostname) if tls else made


def _connection(url: str, tls: ssl.SSLContext | None) -> HTTPConnection:
    netloc = urlsplit(url).netloc
    return HTTPSConnection(netloc, timeout=10, context=tls) if tls else HTTPConnection(netloc, timeout=10)


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80


def _is_whole(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


def _answers(received: bytes) -> Iterable[Answer]:
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        version, status, _ = line.split(" ", 2)
        assert version == "HTTP/1.1"
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        length = int(headers.get("content-length", 0))
        assert len(received) >= length
        yield Answer(int(status), headers, received[:length])
        received = received[length:]
