"""What Knative's webhook refuses, and what it takes in silence though it does nothing: no schema holds either."""

import re
from collections.abc import Iterator
from itertools import combinations

import pytest
import yaml

from operations.connections import MAX_SCALE, OPERATIONS
from shared.settings import FUNCTION_NAMES
from tests.support.manifests import NAMESPACE, Object, Rendering, container, in_overlay, quantity, render

DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
RESERVED_PORTS = {8008, 8012, 8013, 8022, 8112, 9090, 9091}
DRAIN_SECONDS = 30
"""How long queue-proxy holds the function's SIGTERM back, out of the grace period, which is timeoutSeconds."""
STOP_SECONDS = 10
"""What a function takes at most to stop (docs/operations.md)."""
CONNECTIONS = 97
"""Of PostgreSQL's default of 100; three are the superuser's."""

AUTOSCALING = {
    "class", "metric", "target", "target-utilization-percentage", "target-burst-capacity", "min-scale", "max-scale",
    "initial-scale", "activation-scale", "scale-down-delay", "scale-to-zero-pod-retention-period", "window",
    "panic-window-percentage", "panic-threshold-percentage",
}  # fmt: skip
"""Every annotation of autoscaling.knative.dev that Knative 1.23 reads; a misspelt one is taken in silence."""
ELSEWHERE = {"rollout-duration"}
"""Annotations of serving.knative.dev that belong on the Service itself."""


def seconds(text: str) -> int:
    """A duration of Go's, in seconds."""
    match = DURATION.fullmatch(text)
    assert match, text
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest


@pytest.fixture(params=FUNCTION_NAMES)
def service(request: pytest.FixtureRequest, rendering: Rendering) -> Object:
    found: Object = rendering.functions[request.param]
    return found


def _numbers(service: Object) -> dict[str, str]:
    annotations: dict[str, str] = service["spec"]["template"]["metadata"]["annotations"]
    return {key.removeprefix("autoscaling.knative.dev/"): value for key, value in annotations.items()}


def test_there_are_the_four_functions_and_no_other(rendering: Rendering) -> None:
    assert set(rendering.functions) == set(FUNCTION_NAMES)


def test_they_differ_in_their_names_and_numbers_alone(rendering: Rendering) -> None:
    def shape(name: str) -> str:
        text = yaml.safe_dump(rendering.functions[name]).replace(f"/{name}", "/NAME")
        text = re.sub(rf"(name|secretName|value): {name}$", r"\1: NAME", text, flags=re.MULTILINE)
        return re.sub(r"(max-scale|min-scale): '\d'", r"\1: N", text)

    assert {shape(first) == shape(second) for first, second in combinations(("projects", "issues", "comments"), 2)} == {
        True
    }


def test_only_the_cluster_reaches_it(service: Object) -> None:
    assert service["metadata"]["labels"]["networking.knative.dev/visibility"] == "cluster-local"
    assert service["metadata"]["namespace"] == NAMESPACE


def test_names_are_what_dns_takes(service: Object) -> None:
    assert re.fullmatch("[a-z]([a-z0-9-]*[a-z0-9])?", service["metadata"]["name"])


def test_annotations_stand_where_knative_reads_them_and_are_spelt_as_it_reads_them(service: Object) -> None:
    own = service["metadata"]["annotations"]
    assert {key for key in own if key.startswith("autoscaling")} == set()
    assert {key.removeprefix("serving.knative.dev/") for key in own} <= ELSEWHERE
    assert 0 < seconds(own["serving.knative.dev/rollout-duration"]) <= 600
    template = service["spec"]["template"]["metadata"]["annotations"]
    assert {key.partition("/")[0] for key in template} == {"autoscaling.knative.dev"}
    assert set(_numbers(service)) <= AUTOSCALING


def test_the_autoscaling_numbers_are_ones_that_knative_takes(service: Object) -> None:
    numbers = _numbers(service)
    low, high, first = (int(numbers[name]) for name in ("min-scale", "max-scale", "initial-scale"))
    assert 0 <= low <= high
    assert 1 <= first <= high
    assert float(numbers["target"]) >= 0.01
    assert 0 <= seconds(numbers["scale-down-delay"]) <= 3600
    assert 0 <= seconds(numbers["scale-to-zero-pod-retention-period"]) <= 3600
    assert 6 <= seconds(numbers.get("window", "60s")) <= 3600
    assert all(isinstance(number, str) for number in numbers.values())


def test_the_target_lies_below_what_a_pod_takes_at_once(service: Object) -> None:
    spec = service["spec"]["template"]["spec"]
    assert 0 < float(_numbers(service)["target"]) <= spec["containerConcurrency"] <= 1000


def test_there_is_time_to_stop(service: Object) -> None:
    spec = service["spec"]["template"]["spec"]
    assert DRAIN_SECONDS + STOP_SECONDS < spec["timeoutSeconds"] <= 600


def test_the_pod_holds_what_the_webhook_takes(service: Object) -> None:
    spec = service["spec"]["template"]["spec"]
    only = container(spec)
    (port,) = only["ports"]
    assert port.get("name", "http1") in {"http1", "h2c"}
    assert port["containerPort"] not in RESERVED_PORTS
    assert set(port) <= {"containerPort", "name"}
    assert only["name"] != "queue-proxy"
    names = [variable["name"] for variable in only["env"]]
    assert len(set(names)) == len(names)
    assert not {"PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION"} & set(names)
    assert not {mount["mountPath"] for mount in only["volumeMounts"]} & {"/", "/dev"}
    assert "lifecycle" not in only
    never = {"terminationGracePeriodSeconds", "restartPolicy", "hostNetwork", "initContainers", "securityContext"}
    assert not never & set(spec)
    assert spec.get("automountServiceAccountToken") is False


def test_no_request_is_above_its_limit(service: Object) -> None:
    resources = container(service["spec"]["template"]["spec"])["resources"]
    for name, limit in resources["limits"].items():
        assert 0 < quantity(resources["requests"][name]) <= quantity(limit)


def test_its_service_account_is_applied_before_it(rendering: Rendering, service: Object) -> None:
    account = service["spec"]["template"]["spec"]["serviceAccountName"]
    order = [(item["kind"], item["metadata"]["name"]) for item in rendering.objects]
    assert order[0] == ("Namespace", NAMESPACE)
    assert order.index(("ServiceAccount", account)) < order.index(("Service", service["metadata"]["name"]))


def test_all_traffic_goes_somewhere_and_the_newest_revision_has_a_tag(service: Object) -> None:
    traffic = service["spec"]["traffic"]
    assert sum(target.get("percent", 0) for target in traffic) == 100
    assert [target["tag"] for target in traffic if target.get("latestRevision")] == ["latest"]
    # Revisions are named by Knative: a name of ours would have to be a new one at each change.
    assert "name" not in service["spec"]["template"]["metadata"]


def _scales(rendering: Rendering) -> Iterator[tuple[str, int]]:
    for name, service in rendering.functions.items():
        yield name, int(_numbers(service)["max-scale"])


def test_all_functions_at_full_scale_have_connections_enough(rendering: Rendering) -> None:
    assert dict(_scales(rendering)) == MAX_SCALE
    settings = next(data for name, data in rendering.of("ConfigMap").items() if name.startswith("functions-"))["data"]
    pool = int(settings["DATABASE_POOL_SIZE"])
    assert sum(scale for _, scale in _scales(rendering)) * pool + OPERATIONS <= CONNECTIONS
    for cluster in rendering.of("Cluster").values():
        assert int(cluster["spec"]["postgresql"]["parameters"]["max_connections"]) - 3 >= CONNECTIONS


def test_what_people_wait_for_first_is_warm_where_that_is_asked_for() -> None:
    for overlay in ("trial", "production"):
        warm = {"auth": 1, "projects": 0, "issues": 1, "comments": 0}
        cold = dict.fromkeys(warm, 0)
        added = () if "warm-start" in in_overlay(overlay) else ("warm-start",)
        asked = render(overlay, *added).functions
        assert {name: int(_numbers(service)["min-scale"]) for name, service in asked.items()} == warm
        if added:
            alone = render(overlay).functions
            assert {name: int(_numbers(service)["min-scale"]) for name, service in alone.items()} == cold


def test_another_setting_is_another_revision() -> None:
    edit = """
    configMapGenerator:
      - {name: functions, behavior: merge, literals: [LOG_LEVEL=debug]}
    """
    before, after = render("production"), render("production", edit=edit)
    for name in FUNCTION_NAMES:
        (old,), (new,) = (
            container(found.functions[name]["spec"]["template"]["spec"])["envFrom"] for found in (before, after)
        )
        assert old["configMapRef"]["name"] != new["configMapRef"]["name"]
        assert after.of("ConfigMap")[new["configMapRef"]["name"]]["data"]["LOG_LEVEL"] == "debug"
