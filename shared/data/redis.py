"""Redis: one connection that all requests of a process share; hiredis speaks the protocol (decision 0015)."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from hiredis import Reader, ReplyError, pack_command

TIMEOUT_SECONDS = 0.5
"""For an answer, a new connection included."""
Command = tuple[str | bytes | int, ...]


class RedisError(Exception):
    """Redis refuses a command; what else can go wrong is an OSError."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where Redis is, and what it wants to hear first."""

    host: str
    port: int
    path: str
    """Of a Unix socket, or empty."""
    tls: bool
    greeting: tuple[Command, ...]


def parse_address(url: str) -> Address:
    """``redis://user:password@host:port/database``, ``rediss://`` for TLS, ``unix:///path?db=database``.

    Raises:
        ValueError: it has something in it that is not known here.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    is_unix = parts.scheme == "unix"
    database = options.pop("db", "") or ("" if is_unix else parts.path.strip("/")) or "0"
    if options:
        raise ValueError(f"there is no option {', '.join(options)}")
    if not (database.isascii() and database.isdigit()):
        raise ValueError("the database must be a number")
    greeting: list[Command] = []
    if parts.password:
        user = (unquote(parts.username),) if parts.username else ()
        greeting.append(("AUTH", *user, unquote(parts.password)))
    if int(database):
        greeting.append(("SELECT", int(database)))
    return Address(
        host=parts.hostname or "localhost",
        port=parts.port or 6379,
        path=unquote(parts.path) if is_unix else "",
        tls=parts.scheme == "rediss",
        greeting=tuple(greeting),
    )


class Redis:
    """A client that connects when it is first asked, and again after every fault."""

    def __init__(self, url: str) -> None:
        """Connect to nothing yet.

        Raises:
            ValueError: the URL is not usable.
        """
        self._address = parse_address(url)
        self._connection: _Connection | None = None
        self._connecting = asyncio.Lock()

    async def send(self, *commands: Command) -> list[Any]:
        """The replies to these commands, in one round trip. What others send meanwhile travels along.

        Raises:
            RedisError: one is refused.
            OSError: Redis is away, or does not answer in time.
        """
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                kept = self._connection
                connection = await self._connected()
                try:
                    return await connection.send(commands)
                except ConnectionError:
                    if connection is not kept:
                        raise
                # A connection that was kept may have been closed at the other end: that shows when it is used.
                return await (await self._connected()).send(commands)
        except TimeoutError:
            # Whoever does not answer one will not answer the next, and a late reply would be taken for another.
            if self._connection:
                self._connection.abort()
            raise

    async def close(self) -> None:
        """Close the connection."""
        if self._connection:
            self._connection.abort()
            await self._connection.lost.wait()

    async def _connected(self) -> "_Connection":
        async with self._connecting:
            if self._connection is None or self._connection.is_closed:
                self._connection = await _connect(self._address)
            return self._connection


class _Connection(asyncio.Protocol):
    """Replies come in the order of the commands, so that each goes to who has waited longest."""

    def __init__(self) -> None:
        self.is_closed = False
        self.lost = asyncio.Event()
        self._reader = Reader(notEnoughData=self)
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is no subclass of it

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not self:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        self.is_closed = True
        self.lost.set()
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(ConnectionResetError("Redis closed the connection"))

    def abort(self) -> None:
        self.is_closed = True
        if self._transport:
            self._transport.abort()

    async def send(self, commands: tuple[Command, ...]) -> list[Any]:
        if self.is_closed or self._transport is None:
            raise ConnectionResetError("the connection is closed")
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in commands]
        self._waiting.extend(futures)
        packed = [pack_command(command) for command in commands]  # type: ignore[arg-type]  # hiredis says: of one word
        self._transport.write(b"".join(packed))
        replies = [await future for future in futures]
        for reply in replies:
            if isinstance(reply, ReplyError):
                raise RedisError(str(reply))
        return replies


async def _connect(address: Address) -> _Connection:
    loop = asyncio.get_running_loop()
    if address.path:
        _, connection = await loop.create_unix_connection(_Connection, address.path)
    else:
        _, connection = await loop.create_connection(
            _Connection, address.host, address.port, ssl=True if address.tls else None
        )
    if address.greeting:
        await connection.send(address.greeting)
    return connection
