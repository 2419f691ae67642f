"""Who reaches whom: the policies of knative/ as a table, worked out as Kubernetes works them out."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.manifests import NAMESPACE, Object, Rendering, container, render, untagged


@dataclass(frozen=True)
class Peer:
    """One end of a connection: a pod of some namespace, or an address outside of the cluster."""

    namespace: str | None
    labels: tuple[tuple[str, str], ...] = ()
    ports: tuple[tuple[str, int], ...] = ()
    address: str | None = None


def _pod(rendering: Rendering, wanted: str) -> Peer:
    for name, metadata, spec in rendering.pods():
        if untagged(name) == wanted:
            ports = ((port.get("name", ""), port["containerPort"]) for port in container(spec).get("ports", ()))
            return Peer(NAMESPACE, tuple(metadata["labels"].items()), tuple(ports))
    raise LookupError(wanted)


def _selects(selector: Object, labels: dict[str, str]) -> bool:
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    rules = selector.get("matchExpressions", ())
    assert all(rule["operator"] == "In" for rule in rules)
    return all(labels.get(rule["key"]) in rule["values"] for rule in rules)


def _is(peer: Peer, described: Object) -> bool:
    if "ipBlock" in described:
        return bool(described["ipBlock"]["cidr"] == peer.address)
    if peer.namespace is None:
        return False
    namespaces = described.get("namespaceSelector")
    if namespaces is None:
        here = peer.namespace == NAMESPACE
    else:
        here = _selects(namespaces, {"kubernetes.io/metadata.name": peer.namespace})
    return here and _selects(described.get("podSelector", {}), dict(peer.labels))


def _let(policies: list[Object], side: str, own: Peer, other: Peer, port: int, target: Peer) -> bool:
    """Whether the policies that choose ``own`` let a connection through; all is open where none chooses it."""
    if own.namespace != NAMESPACE:
        return True
    names = {name: number for name, number in target.ports if name}
    key, peers = ("ingress", "from") if side == "Ingress" else ("egress", "to")
    chosen = [
        item["spec"]
        for item in policies
        if side in item["spec"]["policyTypes"] and _selects(item["spec"]["podSelector"], dict(own.labels))
    ]
    return not chosen or any(
        (peers not in rule or any(_is(other, peer) for peer in rule[peers]))
        and ("ports" not in rule or port in {names.get(told["port"], told["port"]) for told in rule["ports"]})
        for spec in chosen
        for rule in spec.get(key, ())
    )


def _reaches(rendering: Rendering, source: Peer, target: Peer, port: int) -> bool:
    policies = list(rendering.of("NetworkPolicy").values())
    out = _let(policies, "Egress", source, target, port, target)
    return out and _let(policies, "Ingress", target, source, port, target)


KOURIER, SERVING, DNS = Peer("kourier-system"), Peer("knative-serving"), Peer("kube-system")
INTERNET, API = Peer(None, address="203.0.113.0/24"), Peer(None, address="10.96.0.1/32")
FUNCTIONS = [f"Service/{name}" for name in ("auth", "projects", "issues", "comments")]
OUTSIDE = {"postgres": Peer(None, address="10.20.0.0/24"), "redis": Peer(None, address="10.20.1.0/24")}
POSTGRES, REDIS, QUEUE_PROXY, FUNCTION = 5432, 6379, 8012, 8080
EVERYWHERE = (53, 80, 443, POSTGRES, REDIS, 6443, QUEUE_PROXY, FUNCTION, 8081, 8443, 9090)


@pytest.fixture
def trial() -> Rendering:
    return render("trial", "monitoring", "backup")


def _table(rendering: Rendering) -> Iterator[tuple[str, str, int]]:
    """Every way that is open between two ends."""
    pods = {untagged(name): _pod(rendering, untagged(name)) for name, _, _ in rendering.pods()}
    ends = {**pods, "Kourier": KOURIER, "Knative": SERVING, "DNS": DNS, "Internet": INTERNET}
    for source, one in ends.items():
        for target, other in ends.items():
            if source != target and NAMESPACE in (one.namespace, other.namespace):
                for port in EVERYWHERE:
                    if _reaches(rendering, one, other, port):
                        yield source, target, port


def test_these_ways_are_open_and_no_others(trial: Rendering) -> None:
    makers = ["Job/migrate", "Job/seed", "CronJob/backup", "CronJob/restore"]
    everybody = {untagged(name) for name, _, _ in trial.pods()}
    asks_kubernetes = {"Job/secrets", "Deployment/prometheus"}
    expected = {
        *((name, "DNS", 53) for name in everybody),
        ("Deployment/gateway", "Kourier", 8081),
        *((name, "StatefulSet/postgres", POSTGRES) for name in [*FUNCTIONS, *makers]),
        *((name, "StatefulSet/redis", REDIS) for name in FUNCTIONS),
        *((name, function, QUEUE_PROXY) for name in ("Kourier", "Knative") for function in FUNCTIONS),
        *(("Knative", function, 9090) for function in FUNCTIONS),
        *(("Deployment/prometheus", function, FUNCTION) for function in FUNCTIONS),
        *(
            (name, "Deployment/gateway", port)
            for name in ("Kourier", "Knative", "DNS", "Internet")
            for port in (8080, 8443)
        ),
        # Kubernetes' API has no labels: whoever asks it may ask any address on its ports.
        *(
            (name, end, port)
            for name in asks_kubernetes
            for end in ("Kourier", "Knative", "DNS", "Internet")
            for port in (443, 6443)
        ),
    }
    assert set(_table(trial)) == expected


def test_the_data_outside_is_reached_by_those_who_need_it() -> None:
    rendered = render("production")
    for name, port, readers in (("postgres", POSTGRES, [*FUNCTIONS, "Job/migrate"]), ("redis", REDIS, FUNCTIONS)):
        for pod, _, _ in rendered.pods():
            reaches = _reaches(rendered, _pod(rendered, untagged(pod)), OUTSIDE[name], port)
            assert reaches is (untagged(pod) in readers), (pod, name)
    for pod, _, _ in rendered.pods():
        assert not _reaches(rendered, _pod(rendered, untagged(pod)), INTERNET, 443), pod


def test_the_cluster_of_cloudnative_pg_is_reached_as_the_one_of_a_trial() -> None:
    rendered = render("production", "cloudnative-pg")
    member = Peer(NAMESPACE, (("cnpg.io/cluster", "postgres"),))
    for pod, _, _ in rendered.pods():
        reaches = _reaches(rendered, _pod(rendered, untagged(pod)), member, POSTGRES)
        assert reaches is (untagged(pod) in [*FUNCTIONS, "Job/migrate"]), pod
    assert _reaches(rendered, member, member, POSTGRES)
    assert _reaches(rendered, Peer("cnpg-system"), member, 8000)
    assert not _reaches(rendered, INTERNET, member, POSTGRES)
