"""The request limit and the deny list: both asked of Redis in one round trip, neither able to stop the service."""

import logging
import math
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from shared.data.redis import Redis, RedisError
from shared.settings import SettingsError

log = logging.getLogger(__name__)

WINDOW_SECONDS = 60
PAUSE_SECONDS = 1.0
"""How long Redis is left alone after a failure, so that not every request waits for the time-out."""
LOCAL_ADDRESSES = 10_000
"""Addresses remembered in the process while Redis is away."""

# A list of the times of accepted requests, newest first: exact over any 60 seconds, with no window edge to wait for,
# and refused requests cost nothing. One clock for all functions: Redis's own.
_CHECK = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000000
local oldest = redis.call('LINDEX', KEYS[1], -1)
while oldest and tonumber(oldest) <= now - window do
  redis.call('RPOP', KEYS[1])
  oldest = redis.call('LINDEX', KEYS[1], -1)
end
local used = redis.call('LLEN', KEYS[1])
local allowed = used < limit
if allowed then
  redis.call('LPUSH', KEYS[1], string.format('%.0f', now))
  redis.call('EXPIRE', KEYS[1], ARGV[2])
  used = used + 1
  oldest = oldest or now
end
local denied = KEYS[2] and redis.call('EXISTS', KEYS[2]) or 0
return {allowed and 1 or 0, math.max(0, limit - used), string.format('%.0f', tonumber(oldest) + window - now), denied}
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the limiter says of one request."""

    allowed: bool
    remaining: int
    """Requests left in the window."""
    reset_seconds: int
    """Until the oldest counted request leaves the window."""
    denied: bool
    """Whether the session is on the deny list. False proves nothing: PostgreSQL is asked as well."""


class Gate:
    """The limit for each client address and the deny list of ended sessions."""

    def __init__(self, url: str, limit: int, redis_class: type[Redis] = Redis) -> None:
        """Connect to nothing yet.

        Raises:
            SettingsError: the URL has an option that is wrong.
        """
        try:
            self._redis = redis_class(url)
        except ValueError as error:
            raise SettingsError(f"REDIS_URL is not usable: {error}") from None
        self.is_away = False
        """Whether Redis failed when it was last asked."""
        self.failures = 0
        self.counted_locally = 0
        self._local = LocalLimit(limit)
        self._limit = limit
        self._resume_at = 0.0

    async def check(self, address: str, session_id: UUID | None) -> Verdict:
        """Count a request and look the session up. Without Redis the process counts by itself."""
        if self._may_ask():
            keys = (f"rate:{address}", _denied(session_id)) if session_id else (f"rate:{address}",)
            try:
                ((allowed, remaining, reset, denied),) = await self._redis.send(
                    ("EVAL", _CHECK, len(keys), *keys, self._limit, WINDOW_SECONDS)
                )
                self.is_away = False
                return Verdict(bool(allowed), remaining, _seconds(int(reset) / 1_000_000), bool(denied))
            except (RedisError, OSError) as error:
                self._pause(error)
        return self.check_here(address)

    def check_here(self, address: str) -> Verdict:
        """Count a request in the process alone, where there is no Redis, or no time to ask it."""
        self.counted_locally += 1
        return self._local.check(address, time.monotonic())

    async def deny(self, session_ids: Iterable[UUID], seconds: int) -> None:
        """Refuse these sessions' tokens for ``seconds``, their longest remaining life. PostgreSQL knows already.

        So nobody waits for a Redis that is known to be away.
        """
        if self.is_away:
            return
        try:
            await self._redis.send(*(("SET", _denied(session_id), 1, "EX", seconds) for session_id in session_ids))
        except (RedisError, OSError) as error:
            self._pause(error)

    async def ping(self) -> bool:
        """Whether Redis answers."""
        try:
            return await self._redis.send(("PING",)) == [b"PONG"]
        except (RedisError, OSError):
            return False

    async def close(self) -> None:
        """Close the connection."""
        await self._redis.close()

    def _may_ask(self) -> bool:
        """While Redis is away, one request after each pause finds out whether it is back; the others do not wait."""
        now = time.monotonic()
        if self.is_away and now < self._resume_at:
            return False
        self._resume_at = now + PAUSE_SECONDS
        return True

    def _pause(self, error: Exception) -> None:
        self.is_away = True
        self.failures += 1
        self._resume_at = time.monotonic() + PAUSE_SECONDS
        log.warning("redis is away", extra={"error": type(error).__name__})


class LocalLimit:
    """The same limit in the memory of one process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._times: dict[str, deque[float]] = {}

    def check(self, address: str, now: float) -> Verdict:
        """Count a request of ``address`` at ``now`` (seconds of any steady clock)."""
        times = self._times.pop(address, None) or deque()
        self._times[address] = times
        if len(self._times) > LOCAL_ADDRESSES:
            del self._times[next(iter(self._times))]
        while times and times[0] <= now - WINDOW_SECONDS:
            times.popleft()
        allowed = len(times) < self._limit
        if allowed:
            times.append(now)
        return Verdict(allowed, self._limit - len(times), _seconds(times[0] + WINDOW_SECONDS - now), denied=False)


def _denied(session_id: UUID) -> str:
    return f"denied:{session_id}"


def _seconds(duration: float) -> int:
    return max(1, math.ceil(duration))
