"""A Knative Service as the cluster tells of it, and the traffic that it is given."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from delivery.deploy.errors import DeliveryError

TAG = "candidate"
"""By which a new revision is asked before it has traffic: candidate-issues.flycatcher.svc.cluster.local."""

Target = dict[str, Any]
Traffic = Sequence[Target]


def pinned(revision: str) -> Traffic:
    """All traffic to a revision, whatever revisions are made."""
    return [{"revisionName": revision, "percent": 100}]


def split(before: str, after: str, percent: int) -> Traffic:
    """So many percent to the candidate.

    By its name: what goes to ``latestRevision``, a tag too, moves as slowly as ``rollout-duration`` says.
    """
    return [
        {"revisionName": before, "percent": 100 - percent},
        {"revisionName": after, "percent": percent, "tag": TAG},
    ]


@dataclass(frozen=True)
class Condition:
    """A condition of a Service."""

    status: str = "Unknown"
    reason: str = ""
    message: str = ""


@dataclass(frozen=True)
class Found:
    """A Service of the cluster.

    ConfigurationsReady says whether its newest revision is ready, RoutesReady whether the traffic goes where it shall.
    """

    name: str
    is_observed: bool
    conditions: dict[str, Condition]
    latest: str | None
    """The newest revision."""
    traffic: Traffic
    """Where the traffic goes, not where it shall go."""

    @classmethod
    def of(cls, service: dict[str, Any]) -> "Found":
        """Read an object of Kubernetes' API."""
        status = service.get("status", {})
        return cls(
            name=service["metadata"]["name"],
            is_observed=status.get("observedGeneration") == service["metadata"].get("generation"),
            conditions={
                told["type"]: Condition(told["status"], told.get("reason", ""), told.get("message", ""))
                for told in status.get("conditions", ())
            },
            latest=status.get("latestCreatedRevisionName"),
            traffic=status.get("traffic", ()),
        )

    def condition(self, name: str) -> Condition:
        """A condition of the Service that is there now, and not of the one before.

        Knative says OutOfDate (Unknown) of what it has handed on and not heard of yet.
        """
        return self.conditions.get(name, Condition()) if self.is_observed else Condition()

    @property
    def serving(self) -> str | None:
        """The revision with the most traffic; of two with as much, the one that is no candidate."""
        shares = sorted(self.traffic, key=lambda told: (-(told.get("percent") or 0), told.get("tag") == TAG))
        return shares[0]["revisionName"] if shares and shares[0].get("percent") else None

    def check_newest(self) -> None:
        """Raise where the newest revision has failed.

        Raises:
            DeliveryError: with Knative's words for it.
        """
        newest = self.condition("ConfigurationsReady")
        if newest.status == "False":
            raise DeliveryError(f"{self.name}: {newest.message or newest.reason or 'its newest revision failed'}")

    def is_ready(self) -> bool:
        """Whether all of it is as it was asked for."""
        return self.condition("Ready").status == "True"

    def has(self, traffic: Traffic) -> bool:
        """Whether the traffic goes like this."""
        if self.condition("RoutesReady").status != "True":
            return False
        return _shares(self.traffic) == _shares(traffic)

    def why_not(self) -> str:
        """What it waits for, in Knative's words."""
        waiting = [told for name in self.conditions if (told := self.condition(name)).status != "True"]
        return next((told.message or told.reason for told in waiting if told.message or told.reason), "no reason told")


def _shares(traffic: Traffic) -> tuple[Counter[str], set[str]]:
    percents: Counter[str] = Counter()
    for told in traffic:
        percents[told["revisionName"]] += told.get("percent") or 0
    return +percents, {told["revisionName"] for told in traffic if told.get("tag") == TAG}
