"""What a server of Kubernetes' API says of itself: which kinds it has, that it judges fields; and how it refuses."""

from typing import Any

KNATIVE = "serving.knative.dev"
KINDS = (
    ("", "v1", "ConfigMap", "configmaps"),
    ("", "v1", "Service", "services"),
    ("", "v1", "ServiceAccount", "serviceaccounts"),
    ("apps", "v1", "Deployment", "deployments"),
    ("apps", "v1", "ReplicaSet", "replicasets"),
    ("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    ("batch", "v1", "Job", "jobs"),
    ("networking.k8s.io", "v1", "Ingress", "ingresses"),
    ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    (KNATIVE, "v1", "Service", "services"),
)
"""Group, version, kind, plural."""
VERBS = ["create", "get", "list", "patch", "watch"]

Object = dict[str, Any]


def discovery(*, core: bool) -> Object:
    """The kinds of a group: Kubernetes' own, or all others ("aggregated discovery")."""
    groups: dict[tuple[str, str], list[Object]] = {}
    for group, version, kind, plural in KINDS:
        if core == (group == ""):
            described = {
                "resource": plural,
                "responseKind": {"group": group, "version": version, "kind": kind},
                "scope": "Namespaced",
                "singularResource": kind.lower(),
                "verbs": VERBS,
            }
            groups.setdefault((group, version), []).append(described)
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [
            {
                "metadata": {"name": group},
                "versions": [{"version": version, "resources": found, "freshness": "Current"}],
            }
            for (group, version), found in groups.items()
        ],
    }


def openapi(path: str) -> Object:
    """As much of it as tells kubectl that the server checks fields itself."""
    if path == "/openapi/v3":
        paths = {f"apis/{group}/{version}" if group else f"api/{version}" for group, version, _, _ in KINDS}
        return {"paths": {name: {"serverRelativeURL": f"/openapi/v3/{name}"} for name in paths}}
    described = {}
    for group, version, kind, plural in KINDS:
        if path.endswith(f"apis/{group}/{version}" if group else f"/api/{version}"):
            described[f"/{plural}/{{name}}"] = {
                "patch": {
                    "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind},
                    "parameters": [{"name": "fieldValidation", "in": "query"}],
                }
            }
    return {"openapi": "3.0.0", "info": {"title": "k", "version": "1"}, "paths": described}


def refusal(what: str, code: int = 404) -> Object:
    """An answer that there is no such thing, or nobody who knows."""
    reason = {404: "NotFound", 503: "ServiceUnavailable"}[code]
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code, "message": what}
