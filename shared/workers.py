"""Threads for work that takes a processor long, such as a password hash, so that the event loop goes on."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from shared.http.problems import Problem

T = TypeVar("T")

WAITING = 32
"""Who may wait for a turn before further ones are refused."""
WAIT_SECONDS = 1.0
"""The longest wait for a turn; with the pool's own, a request that finds PostgreSQL away is answered within 3 s."""
NICENESS = 10
"""How much less a worker's time counts than the event loop's, where both want the same processor."""


class Workers:
    """A few threads, a turn for each, and a bounded queue for the turns."""

    def __init__(self, name: str, at_once: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=name, initializer=_step_back)
        self._turns = asyncio.Semaphore(at_once)
        self._waiting = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and keep it for a while, first come, first served.

        Raises:
            Problem: service_unavailable, when too many wait already, or for too long.
        """
        if self._waiting >= WAITING:
            raise _crowded()
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise _crowded() from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()

    async def run(self, work: Callable[[], T]) -> T:
        """The result of ``work``, done in a thread; for who has a turn."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _crowded() -> Problem:
    return Problem("service_unavailable", "Too many ask for the same at this moment.")


def _step_back() -> None:
    """Linux alone has a niceness for each thread; elsewhere it would be the whole process's."""
    if sys.platform == "linux":
        os.nice(NICENESS)
