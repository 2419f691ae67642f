"""Prometheus metrics of a process, by route template: raw paths would make a series for each id."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

CONTENT_TYPE = "text/plain; version=1.0.0; charset=utf-8"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds of the histogram, in seconds; beyond the last there is one more, without end."""
POOL = {
    "pool_size": "Open connections.",
    "pool_available": "Open connections that nobody uses.",
    "requests_waiting": "Requests waiting for one.",
}


class Metrics:
    """Plain numbers, counted by each request; prometheus_client is imported only by who asks for them.

    Each application has its own, so that tests may build several.
    """

    def __init__(self, pool: Callable[[], Mapping[str, int]]) -> None:
        self._pool = pool
        self._requests: defaultdict[tuple[str, str, int], int] = defaultdict(int)
        self._buckets: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self.rate_limited = 0
        self.lockouts = 0

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests[method, route, status] += 1
        self._buckets[route][bisect_left(BUCKETS, seconds)] += 1
        self._seconds[route] += seconds

    def expose(self) -> bytes:
        """The Prometheus text format."""
        from prometheus_client import CollectorRegistry, generate_latest

        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator["Metric"]:
        """Every metric with its samples, as prometheus_client asks for them."""
        from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        requests = CounterMetricFamily(
            "flycatcher_requests", "Answered requests.", labels=("method", "route", "status")
        )
        for (method, route, status), count in self._requests.items():
            requests.add_metric((method, route, str(status)), count)
        yield requests
        durations = HistogramMetricFamily(
            "flycatcher_request_seconds", "Time from the first to the last byte.", labels=("route",)
        )
        for route, counts in self._buckets.items():
            sums = accumulate(counts)
            bounds = [*map(str, BUCKETS), "+Inf"]
            durations.add_metric((route,), list(zip(bounds, sums, strict=True)), self._seconds[route])
        yield durations
        yield CounterMetricFamily("flycatcher_rate_limited", "Requests refused by a limit.", self.rate_limited)
        yield CounterMetricFamily("flycatcher_lockouts", "Accounts locked after failed logins.", self.lockouts)
        pool = self._pool()
        for name, meaning in POOL.items():
            yield GaugeMetricFamily(f"flycatcher_database_{name}", meaning, pool.get(name, 0))
