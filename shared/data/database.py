"""PostgreSQL: the pool, a connection for one statement, a transaction for several, and an end to every wait."""

import asyncio
import logging
import select
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any, Protocol, TypeVar
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from shared.data.statements import Statement, guarded
from shared.http.problems import Problem
from shared.settings import Settings

log = logging.getLogger(__name__)
RowT = TypeVar("RowT")

WAITING = 100
"""Requests that may wait for a connection before further ones are refused: some tenths of a second of work."""
RECONNECT_SECONDS = 2.0
"""How long a failing connection is tried again by itself. After that the next request tries, at once: the pool's own
pauses double, and after an outage of minutes they would outlast it by minutes."""
CLOSE_SECONDS = 1.0
_SESSION = guarded("SELECT {session_ended}")
CROWDED = (PoolTimeout, TooManyRequests)
"""No connection was to be had; there is no more to tell of it."""
UNAVAILABLE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.IdleInTransactionSessionTimeout,
    errors.ReadOnlySqlTransaction,
)
"""What a fault of PostgreSQL, of the way to it, of a crowded moment or of a failover raises; all is worth a retry."""


class _RawJson(Loader):
    """JSON made by PostgreSQL goes out as it is."""

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


class Guard(Protocol):
    """The request that a connection works for."""

    session_checked: bool
    deadline: float
    """When it has to be answered, on the steady clock."""

    @property
    def session_id(self) -> UUID | None:
        """The caller's session."""
        ...


class Connection:
    """A connection in the name of one caller; it refuses callers whose session has ended."""

    def __init__(self, connection: AsyncConnection[TupleRow], guard: Guard | None) -> None:
        self._connection = connection
        self._guard = guard

    async def one(self, query: Statement, **parameters: Any) -> TupleRow | None:
        """The first row, or None.

        Raises:
            Problem: token_revoked, by a guarded statement.
        """
        row = await (await self._execute(query, parameters)).fetchone()
        if row is None or not query.guarded:
            return row
        self._check(ended=row[-1])
        return row[:-1]

    async def record(self, row: Callable[[Iterable[Any]], RowT], query: Statement, **parameters: Any) -> RowT | None:
        """The first row as a named tuple (give its ``_make``), or None."""
        found = await self.one(query, **parameters)
        return None if found is None else row(found)

    async def value(self, query: Statement, **parameters: Any) -> Any:
        """The first column of the first row, or None."""
        row = await self.one(query, **parameters)
        return None if row is None else row[0]

    async def all(self, query: Statement, **parameters: Any) -> list[TupleRow]:
        """Every row of a statement that is not guarded."""
        return await (await self._execute(query, parameters)).fetchall()

    async def run(self, query: Statement, **parameters: Any) -> int:
        """Execute and count the rows that it touched."""
        return (await self._execute(query, parameters)).rowcount

    async def check_session(self) -> None:
        """Ask for the caller's session alone, where no other statement of the request does.

        Raises:
            Problem: token_revoked.
        """
        await self.one(_SESSION)

    def _check(self, *, ended: bool) -> None:
        assert self._guard is not None  # noqa: S101  # a guarded statement without a caller is a mistake of ours
        self._guard.session_checked = True
        if ended:
            raise Problem("token_revoked")

    async def _execute(self, query: Statement, parameters: dict[str, Any]) -> psycopg.AsyncCursor[TupleRow]:
        if log.isEnabledFor(logging.DEBUG):
            log.debug("sql", extra={"sql": query.text.decode()})
        if query.guarded:
            parameters["session_id"] = self._guard.session_id if self._guard else None
        return await self._connection.execute(query.text, parameters)


class Database:
    """The pool of a process. It opens without waiting, so that a process starts while PostgreSQL is away.

    Nothing here waits longer than the request that asks may still take, whatever PostgreSQL and the network do.
    """

    def __init__(self, settings: Settings, connection_class: type[AsyncConnection[TupleRow]] = AsyncConnection) -> None:
        self._wait_seconds = settings.database_wait_seconds
        self._request_seconds = settings.request_seconds
        self._answered = 0.0
        self._refused = 0
        self._pool = AsyncConnectionPool(
            settings.database_url,
            connection_class=connection_class,
            min_size=1,
            max_size=settings.database_pool_size,
            max_waiting=WAITING,
            reconnect_timeout=RECONNECT_SECONDS,
            open=False,
            configure=_configure,
            kwargs={
                "autocommit": True,
                "connect_timeout": settings.database_connect_seconds,
                "options": _server_settings(settings),
            },
        )

    async def open(self) -> None:
        """Start to connect, in the background."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close(CLOSE_SECONDS)

    @asynccontextmanager
    async def connection(self, guard: Guard | None = None) -> AsyncIterator[Connection]:
        """A connection in autocommit, where each statement stands alone.

        Raises:
            UNAVAILABLE: PostgreSQL is away, does not answer in time, or has no connection to spare.
        """
        async with self._pooled(guard) as connection:
            yield Connection(connection, guard)

    @asynccontextmanager
    async def transaction(self, guard: Guard | None = None) -> AsyncIterator[Connection]:
        """A connection in a transaction: committed at the end, rolled back by an exception.

        Raises:
            UNAVAILABLE: as above. Whether a commit that got no answer has happened, nobody can tell.
        """
        async with self._pooled(guard) as connection, connection.transaction():
            yield Connection(connection, guard)

    def is_crowded(self, coming: int) -> bool:
        """Whether a connection would be refused to whoever asked for one after ``coming`` others."""
        stats = self._pool.get_stats()
        free = stats["pool_max"] - stats["pool_size"] + stats["pool_available"]
        return stats["requests_waiting"] + coming >= WAITING + free

    def refusal(self) -> Problem:
        """What a request is told that is not even let to ask, which is counted."""
        self._refused += 1
        return Problem("service_unavailable", "Too many requests are waiting already.")

    def stats(self) -> dict[str, int]:
        """The pool's figures and ours, for the metrics."""
        stats = self._pool.get_stats()
        return {**stats, "requests_errors": stats.get("requests_errors", 0) + self._refused}

    async def probe(self, query: Statement) -> TupleRow | None:
        """The first row of a statement that shows whether PostgreSQL answers.

        Where every connection is taken it is enough that others have been answered meanwhile, and there is no row: a
        crowded process is not to be taken for one without a database.

        Raises:
            UNAVAILABLE: there is no answer.
        """
        try:
            async with self.connection() as connection:
                return await connection.one(query)
        except CROWDED:
            if self._answered < monotonic() - 1:
                raise
        return None

    @asynccontextmanager
    async def _pooled(self, guard: Guard | None) -> AsyncIterator[AsyncConnection[TupleRow]]:
        deadline = guard.deadline if guard else monotonic() + self._request_seconds
        connection = await self._take(min(deadline, monotonic() + self._wait_seconds))
        watch = asyncio.get_running_loop().call_later(max(0.0, deadline - monotonic()), _abort, connection)
        try:
            yield connection
            self._answered = monotonic()
        finally:
            watch.cancel()
            await self._pool.putconn(connection)

    async def _take(self, deadline: float) -> AsyncConnection[TupleRow]:
        """A connection that PostgreSQL has not closed: after a restart, every one that was kept is closed."""
        while True:
            connection = await self._pool.getconn(deadline - monotonic())
            if not _has_news(connection):
                return connection
            await connection.close()
            await self._pool.putconn(connection)


def _has_news(connection: AsyncConnection[TupleRow]) -> bool:
    """Whether something came in on a connection that nobody uses; it can only be its end."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _abort(connection: AsyncConnection[TupleRow]) -> None:
    """End a connection whose server does not answer: who waits for it is told at once.

    Cancelling the statement would ask the same server for another favour, and wait for it.
    """
    with (
        suppress(OSError, psycopg.Error),
        socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as way,
    ):
        way.shutdown(socket.SHUT_RDWR)


def _server_settings(settings: Settings) -> str:
    """What PostgreSQL is to keep to in our sessions.

    A statement's shape decides its plan, not its values (decision 0014), and a request's work stays in one process.
    """
    milliseconds = {
        "statement_timeout": settings.database_statement_seconds,
        "lock_timeout": settings.database_lock_seconds,
        "idle_in_transaction_session_timeout": settings.database_idle_seconds,
    }
    options = [f"-c {name}={max(1, round(seconds * 1000))}" for name, seconds in milliseconds.items()]
    others = ("timezone=UTC", "plan_cache_mode=force_generic_plan", "max_parallel_workers_per_gather=0")
    return " ".join([*options, *(f"-c {other}" for other in others)])


async def _configure(connection: AsyncConnection[TupleRow]) -> None:
    connection.adapters.register_loader("json", _RawJson)
