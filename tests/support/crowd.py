"""Many clients at once, by as little code as can be: requests are octets, sent over connections that are kept or new.

They share the processors with what they ask, so that they must cost far less than a server does.
"""

import asyncio
import json
import socket
from collections.abc import Coroutine
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar, cast

import uvloop

from tests.support.api import JSON

ANSWER_SECONDS = 30.0
"""A client that waits longer has got no answer."""
T = TypeVar("T")
_open: set["Connection"] = set()


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one request."""

    began: float
    """On the steady clock."""
    seconds: float
    status: int
    """0 where no whole answer came."""
    head: bytes = b""
    body: bytes = b""
    error: str = ""
    """Why no whole answer came: refused, closed, reset, cut or silent."""

    def header(self, name: str) -> str | None:
        """The value of a header, or None."""
        for line in self.head.split(b"\r\n")[1:]:
            found, _, value = line.partition(b":")
            if found.lower() == name.lower().encode():
                return value.strip().decode("latin-1")
        return None

    def json(self) -> JSON:
        """The body."""
        document: JSON = json.loads(self.body)
        return document

    def told(self) -> str:
        """Status and code, or what went wrong, for a message."""
        if not self.status:
            return self.error
        return f"{self.status} {self.json()['code']}" if self.status >= 400 else str(self.status)


class Connection(asyncio.Protocol):
    """One connection, one request at a time; an answer says its length, as all of ours do."""

    def __init__(self) -> None:
        self.is_open = False
        self.received = bytearray()
        self.transport: asyncio.Transport
        self._ended = asyncio.Event()
        self._waiting: asyncio.Future[tuple[int, bytes, bytes, str]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.is_open = True
        _open.add(self)

    def data_received(self, data: bytes) -> None:
        self.received += data
        at = self.received.find(b"\r\n\r\n")
        if at < 0 or self._waiting is None or self._waiting.done():
            return
        head = bytes(self.received[:at])
        status = int(head[9:12])
        size = at + 4 + (0 if status in (204, 304) else _length(head))
        if len(self.received) >= size:
            body = bytes(self.received[at + 4 : size])
            del self.received[:size]
            self._waiting.set_result((status, head, body, ""))

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        _open.discard(self)
        self._ended.set()
        if self._waiting and not self._waiting.done():
            self._waiting.set_result((0, b"", b"", "cut" if self.received else "reset" if exc else "closed"))

    def send(self, data: bytes) -> None:
        """Send octets, a part of a request perhaps."""
        self.transport.write(data)

    async def answer(self, seconds: float = ANSWER_SECONDS) -> Reply:
        """The answer to what has been sent or is being sent."""
        began = monotonic()
        self._waiting = asyncio.get_running_loop().create_future()
        if not self.is_open:
            self._waiting.set_result((0, b"", b"", "closed"))
        elif self.received:
            self.data_received(b"")
        try:
            async with asyncio.timeout(seconds):
                status, head, body, error = await self._waiting
        except TimeoutError:
            status, head, body, error = 0, b"", b"", "silent"
        return Reply(began, monotonic() - began, status, head, body, error)

    async def ask(self, raw: bytes) -> Reply:
        """Send a request and wait for its answer."""
        self.send(raw)
        return await self.answer()

    async def end(self, seconds: float = ANSWER_SECONDS) -> None:
        """Wait until the server closes the connection.

        Raises:
            TimeoutError: it does not.
        """
        async with asyncio.timeout(seconds):
            await self._ended.wait()

    def close(self) -> None:
        """Close it."""
        self.transport.close()


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.index(b"\r\ncontent-length: ")
    return int(lower[at + 18 :].partition(b"\r\n")[0])


async def connect(port: int, *, reading: bool = True) -> Connection:
    """A connection to a server of this machine; one that is not ``reading`` takes some thousand octets, no more.

    Raises:
        OSError: nobody listens.
    """
    loop = asyncio.get_running_loop()
    way = socket.socket()
    way.setblocking(False)
    if not reading:
        way.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    try:
        await loop.sock_connect(way, ("127.0.0.1", port))
        _, connection = await loop.create_connection(Connection, sock=way)
    except BaseException:
        way.close()
        raise
    if not reading:
        connection.transport.pause_reading()
    return connection


class Client:
    """One request after the other, over a connection that is kept, or a new one for each."""

    def __init__(self, port: int, *, keep: bool = True) -> None:
        self._port = port
        self._keep = keep
        self._connection: Connection | None = None

    async def ask(self, raw: bytes) -> Reply:
        """Send a request, and wait for what comes of it."""
        began = monotonic()
        if self._connection is None or not self._connection.is_open:
            try:
                self._connection = await connect(self._port)
            except OSError:
                return Reply(began, monotonic() - began, 0, error="refused")
        reply = await self._connection.ask(raw)
        if not self._keep or reply.error or reply.header("Connection") == "close":
            self.close()
        return reply

    def close(self) -> None:
        """Close the connection."""
        if self._connection:
            self._connection.close()
            self._connection = None


def request(method: str, target: str, token: str = "", body: JSON | None = None, **headers: str) -> bytes:
    """A request as it goes over the wire; a header's name is written with ``_`` for ``-``."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {target} HTTP/1.1", "Host: flycatcher"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "\r\n"]).encode() + content


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run clients, to their end; what is open then is closed."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(work)
        finally:
            for connection in list(_open):
                connection.transport.abort()
            runner.run(asyncio.sleep(0.01))
