"""PostgreSQL: the pool, a connection for one statement, a transaction for several."""

import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from shared.data.statements import Statement, guarded, statement
from shared.http.problems import Problem

log = logging.getLogger(__name__)
RowT = TypeVar("RowT")

CONNECT_SECONDS = 2
POOL_WAIT_SECONDS = 2.0
SERVER_SETTINGS = (
    "-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000 -c timezone=UTC "
    "-c plan_cache_mode=force_generic_plan -c max_parallel_workers_per_gather=0"
)
"""A statement's shape decides its plan, not its values (decision 0014), and a request's work stays in one process."""

_SESSION = guarded("SELECT {session_ended}")
_PING = statement("SELECT 1")
UNAVAILABLE = (psycopg.OperationalError, psycopg.InterfaceError)
"""What a fault of PostgreSQL, of the way to it, or of a crowded moment raises; all of it is worth a retry."""


class _RawJson(Loader):
    """JSON made by PostgreSQL goes out as it is."""

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


class Guard(Protocol):
    """The request that a connection works for."""

    session_checked: bool

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
    """The pool of a process. It opens without waiting, so that a process starts while PostgreSQL is away."""

    def __init__(
        self, url: str, pool_size: int, connection_class: type[AsyncConnection[TupleRow]] = AsyncConnection
    ) -> None:
        self._pool = AsyncConnectionPool(
            url,
            connection_class=connection_class,
            min_size=1,
            max_size=pool_size,
            timeout=POOL_WAIT_SECONDS,
            max_waiting=pool_size * 20,
            open=False,
            configure=_configure,
            kwargs={"autocommit": True, "connect_timeout": CONNECT_SECONDS, "options": SERVER_SETTINGS},
        )

    async def open(self) -> None:
        """Start to connect, in the background."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()

    @asynccontextmanager
    async def connection(self, guard: Guard | None = None) -> AsyncIterator[Connection]:
        """A connection in autocommit, where each statement stands alone."""
        async with self._pool.connection() as connection:
            yield Connection(connection, guard)

    @asynccontextmanager
    async def transaction(self, guard: Guard | None = None) -> AsyncIterator[Connection]:
        """A connection in a transaction: committed at the end, rolled back by an exception."""
        async with self._pool.connection() as connection, connection.transaction():
            yield Connection(connection, guard)

    def stats(self) -> dict[str, int]:
        """The pool's figures, for the metrics."""
        return self._pool.get_stats()

    async def ping(self) -> None:
        """Ask PostgreSQL for an answer.

        Raises:
            UNAVAILABLE: there is none.
        """
        async with self.connection() as connection:
            await connection.one(_PING)


async def _configure(connection: AsyncConnection[TupleRow]) -> None:
    connection.adapters.register_loader("json", _RawJson)
