"""Login attempts and lockouts, counted in PostgreSQL: the same with Redis or without it, and across instances."""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql import Executable

from shared.data.database import Connection
from shared.data.statements import bindparams, statement
from shared.data.tables import login_throttles
from shared.http.problems import Problem
from shared.settings import Settings

WINDOW = timedelta(minutes=1)
IDLE = timedelta(days=1)
SWEPT_AT_ONCE = 10
ACCOUNT = "account:"
_throttle = login_throttles.c


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


@statement
def _ensure() -> Executable:
    return insert(login_throttles).values(key=bindparam("key"), attempts=[]).on_conflict_do_nothing()


_COLUMNS = (_throttle.key, _throttle.attempts, _throttle.failures, _throttle.locked_until, func.clock_timestamp())


@statement
def _peek() -> Executable:
    return select(*_COLUMNS).where(_throttle.key.in_([bindparam("account"), bindparam("address")]))


@statement
def _lock() -> Executable:
    return select(*_COLUMNS).where(_throttle.key == bindparam("key")).with_for_update()


@statement
def _save() -> Executable:
    changed = update(login_throttles).where(_throttle.key == bindparam("throttle_key"))
    return changed.values(bindparams("attempts", "failures", "locked_until") | {"updated_at": func.now()})


@statement
def _sweep() -> Executable:
    """Names that nobody has, and addresses, idle for a day; a few at a time, and none that is in use."""
    idle = (
        _throttle.updated_at < func.now() - literal(IDLE),
        ~_throttle.key.startswith(ACCOUNT),
        or_(_throttle.locked_until.is_(None), _throttle.locked_until < func.now()),
    )
    some = select(_throttle.key).where(*idle).order_by(_throttle.updated_at).limit(SWEPT_AT_ONCE)
    return delete(login_throttles).where(_throttle.key.in_(some.with_for_update(skip_locked=True)))


@statement
def _unlock() -> Executable:
    locked = _throttle.locked_until > func.now()
    changed = update(login_throttles).where(_throttle.key == bindparam("throttle_key"), locked)
    return changed.values(locked_until=None, failures=0)


async def admit(db: Connection, account: str, address: str, limit: int) -> Problem | None:
    """Count an attempt for an account and an address, or say why it is refused. Both rows stay locked until commit.

    Most of a flood is refused at a first look, which locks nothing, writes nothing and keeps no new names.
    The account is locked first, everywhere: no two logins can wait for each other.
    """
    seen = [Throttle._make(row) for row in await db.all(_peek(), account=account, address=address)]
    if refusal := _too_many(seen, limit):
        return refusal
    throttles = [await state(db, key) for key in (account, address)]
    if refusal := _too_many(throttles, limit):
        return refusal
    await db.run(_sweep())
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
    return await db.run(_unlock(), throttle_key=account) > 0


async def state(db: Connection, key: str) -> Throttle:
    """What is known of an account or an address, locked until commit."""
    await db.run(_ensure(), key=key)
    throttle = await db.record(Throttle._make, _lock(), key=key)
    assert throttle is not None  # noqa: S101  # it was inserted by the line above, and rows in use are not deleted
    return throttle


async def _store(db: Connection, throttle: Throttle) -> None:
    await db.run(
        _save(),
        throttle_key=throttle.key,
        attempts=throttle.attempts,
        failures=throttle.failures,
        locked_until=throttle.locked_until,
    )
