"""Prometheus metrics of a process, by route template: raw paths would make a series for each id."""

from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """A registry of its own for each application, so that tests may build several."""

    def __init__(self, pool: Callable[[], Mapping[str, int]]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "flycatcher_requests", "Answered requests.", ["method", "route", "status"], registry=self._registry
        )
        self._durations = Histogram(
            "flycatcher_request_seconds", "Time from the first to the last byte.", ["route"], registry=self._registry
        )
        self.rate_limited = Counter("flycatcher_rate_limited", "Requests refused by a limit.", registry=self._registry)
        self.lockouts = Counter("flycatcher_lockouts", "Accounts locked after failed logins.", registry=self._registry)
        for name, meaning in (
            ("pool_size", "Open connections."),
            ("pool_available", "Open connections that nobody uses."),
            ("requests_waiting", "Requests waiting for one."),
        ):
            gauge = Gauge(f"flycatcher_database_{name}", meaning, registry=self._registry)
            gauge.set_function(lambda name=name: pool().get(name, 0))  # type: ignore[misc]  # the default binds the name

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(method, route, str(status)).inc()
        self._durations.labels(route).observe(seconds)

    def expose(self) -> bytes:
        """The Prometheus text format."""
        return generate_latest(self._registry)
