"""How latency holds: at half of the highest load, and while others flood the login."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from secrets import token_hex

from benchmarks.client import Request, Result, closed_loop, open_loop
from benchmarks.work import Work, requests

CONNECTIONS = 16
FLOODERS = 20
FLOOD_SHARE = 0.25
"""Of the highest load: what goes on beside the flood and, for comparison, without it."""


@dataclass(frozen=True)
class Round:
    """What the clients saw, once."""

    half: Result
    calm: Result
    flooded: Result
    guesses: int
    """Logins that were answered during the flood."""

    @property
    def at_half(self) -> float:
        """How many times the median the 99th percentile is, at half of the highest load."""
        return self.half.percentile(0.99) / self.half.percentile(0.50)

    @property
    def in_flood(self) -> float:
        """How many times the calm 99th percentile the one beside the flood is."""
        return self.flooded.percentile(0.99) / self.calm.percentile(0.99)


def measure(
    ports: Mapping[str, int], work: Work, *, rounds: int, total: int, seconds: float
) -> tuple[float, list[Round]]:
    """The highest rate of the mix, in a closed loop of ``total`` requests, and what shares of it see in an open one.

    Raises:
        Unexpected: an answer was wrong.
    """
    return asyncio.run(_measure(dict(ports), work, rounds, total, seconds))


async def _measure(
    ports: dict[str, int], work: Work, rounds: int, total: int, seconds: float
) -> tuple[float, list[Round]]:
    highest = (await closed_loop(ports, requests(work, Work.mix, total), CONNECTIONS)).rate
    return highest, [await _round(ports, work, highest, seconds) for _ in range(rounds)]


async def _round(ports: dict[str, int], work: Work, highest: float, seconds: float) -> Round:
    half = await open_loop(ports, work.mix, highest / 2, seconds)
    calm = await open_loop(ports, work.mix, highest * FLOOD_SHARE, seconds)
    over = asyncio.Event()
    flood = asyncio.create_task(_flood(ports, over))
    flooded = await open_loop(ports, work.mix, highest * FLOOD_SHARE, seconds)
    over.set()
    return Round(half, calm, flooded, await flood)


async def _flood(ports: dict[str, int], over: asyncio.Event) -> int:
    """Guess passwords until it is over; how often it was answered."""
    result = await closed_loop(ports, _guesses(over), FLOODERS)
    return len(result.latencies)


def _guesses(over: asyncio.Event) -> Iterator[Request]:
    """Each for another name that nobody has: one and the same would soon be locked, and cost no hash."""
    head = b"POST /api/auth/login HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    while not over.is_set():
        body = json.dumps({"username": f"nobody-{token_hex(4)}", "password": "a wrong guess 1A!"}).encode()
        yield Request("auth", head + b"Content-Length: %d\r\n\r\n" % len(body) + body, 401)
