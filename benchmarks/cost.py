"""What one request costs: processor time of the server, and apart from it of PostgreSQL."""

import asyncio
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.client import Unexpected, closed_loop
from benchmarks.subjects import FLOOR, FUNCTIONS, Family, Server
from benchmarks.work import ALL, Operation, Work, requests
from benchmarks.world import World

CONNECTIONS = 4
WARM_UP = 200


@dataclass(frozen=True)
class Cost:
    """What a run of one operation took, each figure in milliseconds of processor time a request."""

    server: float
    postgres: float
    rate: float
    """Requests a second."""
    p50: float
    """Milliseconds until the answer."""
    p99: float


Costs = Mapping[str, list[Cost]]


class Subject:
    """One way to serve the operations: a process for all of them, or one for each function."""

    def __init__(self, world: World, servers: Sequence[Server], tokens: list[str], seed: int = 1) -> None:
        self._postgres = Family(world.postgres)
        self._servers = servers
        self._work = Work(world, tokens, seed)
        self._ports = {name: server.port for name in FUNCTIONS for server in servers if server.name in (name, FLOOR)}

    def run(self, operation: Operation, count: int) -> Cost:
        """So many requests of an operation, as fast as they are answered.

        Raises:
            Unexpected: an answer was wrong.
        """
        self._postgres.spent()
        before = self._cpu_seconds()
        result = asyncio.run(closed_loop(self._ports, requests(self._work, operation, count), CONNECTIONS))
        if result.refused:
            raise Unexpected(f"{result.refused} of {count} requests were refused")
        return Cost(
            server=1000 * (self._cpu_seconds() - before) / count,
            postgres=1000 * self._postgres.spent() / count,
            rate=result.rate,
            p50=result.percentile(0.50),
            p99=result.percentile(0.99),
        )

    def _cpu_seconds(self) -> float:
        return sum(server.cpu_seconds() for server in self._servers)


def measure(subjects: Mapping[str, Subject], rounds: int, count: int) -> dict[str, Costs]:
    """Every operation of every subject, once a round, the subjects in turn: by operation, then by subject."""
    costs: dict[str, dict[str, list[Cost]]] = {name: {subject: [] for subject in subjects} for name in ALL}
    for name in ALL:
        for warmed in subjects.values():
            warmed.run(ALL[name], WARM_UP)
    for number in range(rounds):
        for name in ALL:
            # Whoever comes second finds warmer caches and a database that has grown: they take turns.
            for subject in list(subjects)[:: 1 if number % 2 else -1]:
                costs[name][subject].append(subjects[subject].run(ALL[name], count))
    return dict(costs)


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return float(statistics.median(values))


def ratios(ours: Sequence[float], floors: Sequence[float]) -> list[float]:
    """Round by round, so that what slows the machine down slows both."""
    return [our / floor for our, floor in zip(ours, floors, strict=True)]
