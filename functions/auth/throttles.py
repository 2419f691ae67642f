"""Login attempts and lockouts, counted in PostgreSQL: the same with Redis or without it, and across instances."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from shared.data.database import Connection
from shared.data.statements import statement
from shared.http.problems import Problem
from shared.settings import Settings

WINDOW = timedelta(minutes=1)
ACCOUNT = "account:"


class Throttle(NamedTuple):
    """What is known of one account or one address, locked."""

    key: str
    attempts: list[datetime]
    failures: int
    locked_until: datetime | None
    now: datetime

    def recent(self) -> list[datetime]:
        """The attempts that still count."""
        return [attempt for attempt in self.attempts if attempt > self.now - WINDOW]

    def locked_seconds(self) -> int:
        """How long the account stays locked; 0 where it is not."""
        return seconds_until(self.locked_until, self.now) if self.locked_until else 0


def account_key(user_id: UUID | None, typed: str) -> str:
    """What counts as one account: a user, under whichever name; else the folded name that nobody has.

    Of that a hash: people type their password into the wrong field.
    """
    return f"{ACCOUNT}{user_id}" if user_id else f"name:{sha256(typed.encode()).hexdigest()}"


def address_key(address: str) -> str:
    """What counts as one client address."""
    return f"address:{address}"


def seconds_until(moment: datetime, now: datetime) -> int:
    """Whole seconds from ``now`` until ``moment``, rounded up; 0 for the past."""
    return max(0, -int((now - moment).total_seconds() // 1))


_COLUMNS = "key, attempts, failures, locked_until, clock_timestamp()"
_ENSURE = statement("INSERT INTO login_throttles (key, attempts) VALUES (%(key)s, '{{}}') ON CONFLICT DO NOTHING")
_PEEK = statement("SELECT {columns} FROM login_throttles WHERE key IN (%(account)s, %(address)s)", columns=_COLUMNS)
_LOCK = statement("SELECT {columns} FROM login_throttles WHERE key = %(key)s FOR UPDATE", columns=_COLUMNS)
_SAVE = statement("""
    UPDATE login_throttles SET attempts = %(attempts)s::timestamptz[], failures = %(failures)s,
        locked_until = %(locked_until)s, updated_at = now()
    WHERE key = %(key)s
""")
_SWEEP = statement("""
    DELETE FROM login_throttles WHERE key IN (
        SELECT key FROM login_throttles
        WHERE updated_at < now() - interval '1 day' AND key NOT LIKE 'account:%%'
            AND (locked_until IS NULL OR locked_until < now())
        ORDER BY updated_at LIMIT 10
        FOR UPDATE SKIP LOCKED
    )
""")
"""Names that nobody has, and addresses, idle for a day; a few at a time, and none that is in use."""
_UNLOCK = statement("""
    UPDATE login_throttles SET locked_until = NULL, failures = 0 WHERE key = %(key)s AND locked_until > now()
""")


async def admit(db: Connection, account: str, address: str, limit: int) -> Problem | None:
    """Count an attempt for an account and an address, or say why it is refused. Both rows stay locked until commit.

    Most of a flood is refused at a first look, which locks nothing, writes nothing and keeps no new names.
    The account is locked first, everywhere: no two logins can wait for each other.
    """
    seen = [Throttle._make(row) for row in await db.all(_PEEK, account=account, address=address)]
    if refusal := _too_many(seen, limit):
        return refusal
    throttles = [await state(db, key) for key in (account, address)]
    if refusal := _too_many(throttles, limit):
        return refusal
    await db.run(_SWEEP)
    for throttle in throttles:
        await _store(db, throttle._replace(attempts=[*throttle.recent(), throttles[-1].now]))
    return locked(throttles[0])


def _too_many(throttles: list[Throttle], limit: int) -> Problem | None:
    """429 where one of them has had its attempts."""
    waits = [
        seconds_until(throttle.recent()[0] + WINDOW, throttle.now)
        for throttle in throttles
        if len(throttle.recent()) >= limit
    ]
    return Problem("rate_limited", headers={"Retry-After": str(max(1, *waits))}) if waits else None


def locked(throttle: Throttle) -> Problem | None:
    """423 for an account that is locked."""
    seconds = throttle.locked_seconds()
    return Problem("account_locked", headers={"Retry-After": str(seconds)}) if seconds else None


async def fail(db: Connection, throttle: Throttle, settings: Settings) -> bool:
    """Count a failure; whether the account is locked by it."""
    failures = throttle.failures + 1
    if failures < settings.lockout_threshold:
        await _store(db, throttle._replace(failures=failures))
        return False
    until = throttle.now + timedelta(seconds=settings.lockout_seconds)
    await _store(db, throttle._replace(failures=0, locked_until=until))
    return True


async def succeed(db: Connection, throttle: Throttle) -> None:
    """Failures count in a row only."""
    if throttle.failures:
        await _store(db, throttle._replace(failures=0))


async def unlock(db: Connection, account: str) -> bool:
    """End a lockout; whether there was one."""
    return await db.run(_UNLOCK, key=account) > 0


async def state(db: Connection, key: str) -> Throttle:
    """What is known of an account or an address, locked until commit."""
    await db.run(_ENSURE, key=key)
    throttle = await db.record(Throttle._make, _LOCK, key=key)
    assert throttle is not None  # noqa: S101  # it was inserted by the line above, and rows in use are not deleted
    return throttle


async def _store(db: Connection, throttle: Throttle) -> None:
    await db.run(
        _SAVE,
        key=throttle.key,
        attempts=throttle.attempts,
        failures=throttle.failures,
        locked_until=throttle.locked_until,
    )
