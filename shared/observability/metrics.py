"""Prometheus metrics of a process, by route template: raw paths would make a series for each id."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from shared import VERSION
from shared.observability.histogram import Histogram

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

CONTENT_TYPE = "text/plain; version=1.0.0; charset=utf-8"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds of a request's time, in seconds."""

Pool = Mapping[str, float]
Values = Mapping[Any, float]
"""The values of a family by those of its labels."""
GAUGES: Mapping[str, tuple[str, Callable[[Pool], float]]] = {
    "connections_max": ("Connections that the pool may hold.", lambda pool: pool["pool_max"]),
    "connections": ("Open connections, and those that are being opened.", lambda pool: pool["pool_size"]),
    "connections_idle": ("Open connections that nobody uses.", lambda pool: pool["pool_available"]),
    "requests_waiting": ("Requests waiting for a connection.", lambda pool: pool.get("requests_waiting", 0)),
}
COUNTERS: Mapping[str, tuple[str, Callable[[Pool], float]]] = {
    "requests": ("Requests for a connection.", lambda pool: pool.get("requests_num", 0)),
    "wait_seconds": ("Time that requests waited for one.", lambda pool: pool.get("requests_wait_ms", 0) / 1000),
    "requests_refused": ("Requests that got none in time.", lambda pool: pool.get("requests_errors", 0)),
    "connection_failures": ("Connections that could not be made.", lambda pool: pool.get("connections_errors", 0)),
    "connections_lost": (
        "Connections that broke.",
        lambda pool: pool.get("connections_lost", 0) + pool.get("returns_bad", 0),
    ),
}
"""What is told of the pool, from the figures that it keeps."""


class Limiter(Protocol):
    """What the metrics ask of the limit."""

    is_away: bool
    failures: int
    counted_locally: int


class Queue(Protocol):
    """What the metrics ask of work that takes turns."""

    name: str
    waiting: int
    refused: int
    waited_seconds: float
    seconds: Histogram


@dataclass(frozen=True, slots=True)
class Sources:
    """What keeps figures of its own."""

    pool: Callable[[], Pool]
    limiter: Limiter
    queues: Sequence[Queue]


class Metrics:
    """Plain numbers, counted by each request; prometheus_client is imported only by who asks for them.

    Each application has its own, so that tests may build several.
    """

    def __init__(self, function: str, sources: Sources) -> None:
        self._function = function
        self._sources = sources
        self._requests: defaultdict[tuple[str, str, int], float] = defaultdict(float)
        self._seconds: defaultdict[str, Histogram] = defaultdict(lambda: Histogram(BUCKETS))
        self.rate_limited = 0
        self.lockouts = 0

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests[method, route, status] += 1
        self._seconds[route].observe(seconds)

    def expose(self) -> bytes:
        """The Prometheus text format, with the figures of the process (Linux) behind our own."""
        from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

        registry = CollectorRegistry()
        registry.register(self)
        ProcessCollector(registry=registry)
        return generate_latest(registry)

    def collect(self) -> Iterator["Metric"]:
        """Every metric with its samples, as prometheus_client asks for them."""
        yield self._counter("requests", "Answered requests.", self._requests, ("method", "route", "status"))
        by_route = {(route,): seconds for route, seconds in self._seconds.items()}
        yield self._histogram("request_seconds", "Time from the first to the last byte.", by_route, ("route",))
        yield self._gauge("build_info", "What runs.", {(VERSION,): 1}, ("version",))
        yield self._counter("rate_limited", "Requests refused by a limit.", {(): self.rate_limited})
        yield self._counter("lockouts", "Accounts locked after failed logins.", {(): self.lockouts})
        limiter, pool, queues = self._sources.limiter, self._sources.pool(), self._sources.queues
        yield self._counter("limited_locally", "Requests counted here, not in Redis.", {(): limiter.counted_locally})
        yield self._gauge("redis_up", "Whether Redis answered when it was last asked.", {(): int(not limiter.is_away)})
        yield self._counter("redis_failures", "Questions that Redis did not answer.", {(): limiter.failures})
        for name, (meaning, read) in GAUGES.items():
            yield self._gauge(f"database_{name}", meaning, {(): read(pool)})
        for name, (meaning, read) in COUNTERS.items():
            yield self._counter(f"database_{name}", meaning, {(): read(pool)})
        waiting = {(queue.name,): queue.waiting for queue in queues}
        refused = {(queue.name,): queue.refused for queue in queues}
        waited = {(queue.name,): queue.waited_seconds for queue in queues}
        worked = {(queue.name,): queue.seconds for queue in queues}
        yield self._gauge("work_waiting", "Requests waiting for their turn.", waiting, ("work",))
        yield self._counter("work_refused", "Requests that got no turn.", refused, ("work",))
        yield self._counter("work_wait_seconds", "Time that requests waited for turns.", waited, ("work",))
        yield self._histogram("work_seconds", "Time that the work took.", worked, ("work",))

    def _gauge(self, name: str, meaning: str, values: Values, labels: tuple[str, ...] = ()) -> "Metric":
        from prometheus_client.metrics_core import GaugeMetricFamily

        family = GaugeMetricFamily(f"flycatcher_{name}", meaning, labels=("function", *labels))
        for key, value in values.items():
            family.add_metric((self._function, *map(str, key)), value)
        return family

    def _counter(self, name: str, meaning: str, values: Values, labels: tuple[str, ...] = ()) -> "Metric":
        from prometheus_client.metrics_core import CounterMetricFamily

        family = CounterMetricFamily(f"flycatcher_{name}", meaning, labels=("function", *labels))
        for key, value in values.items():
            family.add_metric((self._function, *map(str, key)), value)
        return family

    def _histogram(
        self, name: str, meaning: str, values: Mapping[tuple[str], Histogram], labels: tuple[str, ...]
    ) -> "Metric":
        from prometheus_client.metrics_core import HistogramMetricFamily

        family = HistogramMetricFamily(f"flycatcher_{name}", meaning, labels=("function", *labels))
        for key, value in values.items():
            family.add_metric((self._function, *key), value.buckets(), value.sum)
        return family
