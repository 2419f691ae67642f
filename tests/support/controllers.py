"""What Kubernetes' and Knative's controllers make of objects, for the stand-in of a cluster; and what goes wrong."""

from dataclasses import dataclass
from typing import Any

REVISION = "deployment.kubernetes.io/revision"

Object = dict[str, Any]


@dataclass
class Wrong:
    """What goes wrong."""

    revision: str = ""
    """Why the newest revision of ``issues`` fails; "never" where it is never ready and never says why."""
    migration: str = ""
    """Why the Job fails."""
    smoke_from: int | None = None
    """The percentage from which on the candidate of ``issues`` answers 503."""
    revision_from: int | None = None
    """The percentage from which on it is not ready."""
    gateway: bool = False
    """Whether the gateway's new pods are never there."""
    gone_from: int | None = None
    """The percentage from which on the API's server is away."""


def end_job(job: Object, wrong: Wrong) -> None:
    """A Job is done."""
    told = {"type": "Failed", "message": wrong.migration} if wrong.migration else {"type": "Complete"}
    job["status"] = {"conditions": [{"status": "True", **told}]}


def roll_out(deployment: Object, number: int, wrong: Wrong) -> Object:
    """A Deployment has pods; the ReplicaSet of its newest ones."""
    told = deployment["metadata"]
    told.setdefault("annotations", {})[REVISION] = str(number)
    counts = dict.fromkeys(("replicas", "availableReplicas", "readyReplicas"), 1)
    updated = 0 if wrong.gateway and number == 2 else 1
    deployment["status"] = {"observedGeneration": told["generation"], "updatedReplicas": updated, **counts}
    owner = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": told["name"],
        "uid": told["uid"],
        "controller": True,
    }
    metadata = {
        "name": f"gateway-{number}",
        "namespace": told["namespace"],
        "uid": str(number),
        "labels": deployment["spec"]["template"]["metadata"]["labels"],
        "annotations": {REVISION: str(number)},
        "ownerReferences": [owner],
    }
    spec = {**deployment["spec"], "replicas": 1}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec}


def reconcile(service: Object, wrong: Wrong) -> None:
    """Go a step further with a Knative Service: its Configuration hears of a new template, then there is a revision."""
    name, status, template = service["metadata"]["name"], service["status"], service["spec"]["template"]
    status["observedGeneration"] = service["metadata"]["generation"]
    if status.get("template") != template:
        status.update(template=template, made=status.get("made", 0) + 1)
        status["conditions"] = [_condition("ConfigurationsReady", "Unknown", "OutOfDate")]
        return
    newest = f"{name}-{status['made']:05}"
    status["latestCreatedRevisionName"] = newest
    status["traffic"] = [
        {"revisionName": newest, **{key: part[key] for key in part if key != "latestRevision"}}
        for part in service["spec"]["traffic"]
    ]
    failure = ""
    if status["made"] > 1 and name == "issues":
        given = sum(part["percent"] for part in status["traffic"] if part.get("tag") == "candidate")
        is_dead = wrong.revision_from is not None and given >= wrong.revision_from
        failure = "the container ended with exit code 137" if is_dead else wrong.revision
    state = {"": "True", "never": "Unknown"}.get(failure, "False")
    message = f"Revision {newest!r} failed with message: {failure}." if state == "False" else ""
    status["conditions"] = [
        _condition("ConfigurationsReady", state, message=message),
        _condition("RoutesReady", "True"),
        _condition("Ready", state, message=message),
    ]


def _condition(kind: str, status: str, reason: str = "", message: str = "") -> Object:
    return {"type": kind, "status": status, "reason": reason, "message": message}
