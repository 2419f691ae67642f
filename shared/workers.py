"""Threads for work that takes a processor long, such as a password hash, so that the event loop goes on."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from time import monotonic
from typing import Protocol, TypeVar, runtime_checkable

from shared.http.problems import Problem
from shared.observability.histogram import Histogram

T = TypeVar("T")

WAITING = 32
"""Who may wait for a turn before further ones are refused."""
WAIT_SECONDS = 2.0
"""The longest wait for a turn: what comes behind has to be done before the request's deadline, too."""
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
"""Upper bounds in seconds: a sentence takes some microseconds, a password hash some 50 milliseconds."""
NICENESS = 10
"""How much less a worker's time counts than the event loop's, where both want the same processor."""


class Workers:
    """A few threads, a turn for each, a bounded queue for the turns, and the figures that tell how crowded it is."""

    def __init__(self, name: str, at_once: int) -> None:
        self.name = name
        self.waiting = 0
        self.refused = 0
        self.waited_seconds = 0.0
        self.seconds = Histogram(BUCKETS)
        """How long the work took, without the wait for it."""
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=name, initializer=_step_back)
        self._turns = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def turn(self, deadline: float) -> AsyncIterator[None]:
        """Wait for a turn, until ``deadline`` on the steady clock, and keep it for a while; first come, first served.

        Raises:
            Problem: service_unavailable, when too many wait already, or for too long.
        """
        if self.waiting >= WAITING:
            raise self._crowded()
        self.waiting += 1
        began = monotonic()
        try:
            async with asyncio.timeout(min(WAIT_SECONDS, deadline - began)):
                await self._turns.acquire()
        except TimeoutError:
            raise self._crowded() from None
        finally:
            self.waiting -= 1
            self.waited_seconds += monotonic() - began
        try:
            yield
        finally:
            self._turns.release()

    async def run(self, work: Callable[[], T], deadline: float) -> T:
        """The result of ``work``, done in a thread; for who has a turn.

        Raises:
            Problem: service_unavailable, when it is not done by ``deadline``: where others take the processor, a thread
                that steps back may get hardly any of it.
        """
        try:
            async with asyncio.timeout(deadline - monotonic()):
                return await asyncio.get_running_loop().run_in_executor(self._threads, self.run_here, work)
        except TimeoutError:
            raise self._crowded() from None

    def run_here(self, work: Callable[[], T]) -> T:
        """The result of ``work``, which is too short for a thread."""
        began = monotonic()
        try:
            return work()
        finally:
            self.seconds.observe(monotonic() - began)

    def _crowded(self) -> Problem:
        self.refused += 1
        return Problem("service_unavailable", "Too many ask for the same at this moment.")


@runtime_checkable
class Working(Protocol):
    """What has threads of its own."""

    workers: Workers


def _step_back() -> None:
    """Linux alone has a niceness for each thread; elsewhere it would be the whole process's."""
    if sys.platform == "linux":
        os.nice(NICENESS)
