"""What every pod of knative/ may do, which is little, and that it is the one that the images are made for."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from operations.__main__ import COMMANDS
from operations.secrets import PLACES
from shared.settings import FUNCTION_NAMES
from tests.support.manifests import OVERLAYS, ROOT, Object, Rendering, container, quantity, render, untagged

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
WITH_TOKEN = {"Job/secrets", "Deployment/prometheus"}
"""What asks Kubernetes' API. Nobody else gets a token."""
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def test_every_pod_keeps_the_restricted_standard(rendering: Rendering) -> None:
    (namespace,) = rendering.of("Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for name, _, spec in rendering.pods():
        own, pod = container(spec)["securityContext"], spec.get("securityContext", {})
        for key, wanted in {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}.items():
            assert own.get(key, pod.get(key)) == wanted, (name, key)
        assert own.get("runAsUser", pod.get("runAsUser", 0)) > 0, name
        assert own.get("runAsGroup", pod.get("runAsGroup", 0)) > 0, name
        assert own["allowPrivilegeEscalation"] is False, name
        assert own["readOnlyRootFilesystem"] is True, name
        assert own["capabilities"] == {"drop": ["ALL"]}, name
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(spec), name
        kinds = {kind for volume in spec.get("volumes", ()) for kind in volume if kind != "name"}
        assert kinds <= {"secret", "configMap", "emptyDir", "persistentVolumeClaim"}, name


def test_only_what_asks_kubernetes_has_a_token(rendering: Rendering) -> None:
    for name, _, spec in rendering.pods():
        assert spec["automountServiceAccountToken"] is (untagged(name) in WITH_TOKEN), name
        assert (spec["serviceAccountName"] == "flycatcher") is (untagged(name) not in WITH_TOKEN), name
        assert spec["enableServiceLinks"] is False, name
    for account in rendering.of("ServiceAccount").values():
        assert account["automountServiceAccountToken"] is False


def test_a_token_opens_what_its_pod_needs_and_no_more(rendering: Rendering) -> None:
    assert not rendering.of("ClusterRole")
    assert not rendering.of("ClusterRoleBinding")
    needed = {
        "secrets": [(["secrets"], ["get", "patch"], sorted(PLACES)), (["secrets"], ["create"], [])],
        "prometheus": [(["pods"], ["get", "list", "watch"], [])],
    }
    for name, role in rendering.of("Role").items():
        rules = [
            (rule["resources"], sorted(rule["verbs"]), sorted(rule.get("resourceNames", []))) for rule in role["rules"]
        ]
        assert rules == needed[name]
        binding = rendering.of("RoleBinding")[name]
        assert binding["roleRef"]["name"] == name
        assert [subject["name"] for subject in binding["subjects"]] == [name]


def test_every_pod_is_limited(rendering: Rendering) -> None:
    for name, _, spec in rendering.pods():
        resources = container(spec)["resources"]
        for key in ("cpu", "memory"):
            assert 0 < quantity(resources["requests"][key]) <= quantity(resources["limits"][key]), (name, key)
        for volume in spec.get("volumes", ()):
            if volume.get("emptyDir", {}).get("medium") == "Memory":
                # What is in memory counts as the container's.
                assert quantity(volume["emptyDir"]["sizeLimit"]) <= quantity(resources["limits"]["memory"]) / 2, name


def test_what_serves_is_probed_and_what_ends_is_bounded(rendering: Rendering) -> None:
    for name, _, spec in rendering.pods():
        kind = name.partition("/")[0]
        if kind in {"Service", "Deployment"}:
            assert {"readinessProbe", "livenessProbe"} <= set(container(spec)), name
        elif kind == "StatefulSet":
            assert "readinessProbe" in container(spec), name
        else:
            assert spec["restartPolicy"] in {"OnFailure", "Never"}, name
    for job in [
        *rendering.of("Job").values(),
        *(item["spec"]["jobTemplate"] for item in rendering.of("CronJob").values()),
    ]:
        assert job["spec"]["activeDeadlineSeconds"] <= 3600
        assert "backoffLimit" in job["spec"]


@pytest.fixture(params=FUNCTION_NAMES)
def function(request: pytest.FixtureRequest, rendering: Rendering) -> Object:
    return container(rendering.functions[request.param]["spec"]["template"]["spec"])


def test_a_function_is_what_the_image_is_made_for(function: Object) -> None:
    (user,) = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    (port,) = re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)
    security = function["securityContext"]
    assert (str(security["runAsUser"]), str(security["runAsGroup"])) == user
    assert [str(told["containerPort"]) for told in function["ports"]] == [port]
    # The image's own entry point runs what FUNCTION names.
    assert not {"command", "args"} & set(function)
    variables = {variable["name"]: variable["value"] for variable in function["env"]}
    assert variables["FUNCTION"] == function["name"]


def test_a_function_is_probed_where_it_answers(function: Object) -> None:
    """The start asks for PostgreSQL and the schema, longer than /readyz takes while PostgreSQL hangs (decision 21)."""
    paths = {probe: function[probe]["httpGet"] for probe in PROBES}
    assert paths == {
        "startupProbe": {"path": "/readyz"},
        "readinessProbe": {"path": "/healthz"},
        "livenessProbe": {"path": "/healthz"},
    }
    assert function["startupProbe"]["timeoutSeconds"] >= 3
    assert function["startupProbe"]["periodSeconds"] == 1
    assert function["startupProbe"]["failureThreshold"] >= 600


def test_the_commands_are_commands_of_the_image(rendering: Rendering) -> None:
    jobs = {name.partition("-")[0]: job for name, job in rendering.of("Job").items()}
    assert "migrate" in jobs
    for name, job in jobs.items():
        only = container(job["spec"]["template"]["spec"])
        variables = {variable["name"]: variable["value"] for variable in only["env"]}
        assert variables["FUNCTION"] == name
        assert name in COMMANDS
        assert "command" not in only


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_the_data_of_a_trial_is_kept_as_compose_keeps_it(name: str) -> None:
    spec, compose = render("trial").of("StatefulSet")[name]["spec"]["template"]["spec"], COMPOSE[name]
    only = container(spec)
    assert only["image"] == compose["image"]
    assert only.get("args") == compose.get("command")
    told = {variable["name"]: variable["value"] for variable in only.get("env", ())}
    told.pop("PGDATA", None)
    assert told == compose.get("environment", {})
    assert str(spec["securityContext"]["runAsUser"]) == compose["user"].partition(":")[0]


def test_the_gateway_is_that_of_compose(rendering: Rendering) -> None:
    spec = rendering.of("Deployment")["gateway"]["spec"]["template"]["spec"]
    only, compose = container(spec), COMPOSE["gateway"]
    assert only["image"] == compose["image"]
    assert only["command"] == compose["entrypoint"]
    assert str(spec["securityContext"]["runAsUser"]) == compose["user"].partition(":")[0]
    ports = {port["name"]: port["containerPort"] for port in only["ports"]}
    listened = set(
        map(int, re.findall(r"^ *listen (\d+)", (ROOT / "gateway/nginx.conf.template").read_text(), re.MULTILINE))
    )
    assert set(ports.values()) == listened
    assert ports["health"] == 8081
    paths = {(only[probe]["httpGet"]["path"], only[probe]["httpGet"]["port"]) for probe in PROBES if probe in only}
    assert paths == {("/healthz", "health")}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_image_is_named_in_one_place_and_the_jobs_after_it(overlay: str) -> None:
    directory = ROOT / "knative" / "overlays" / overlay
    (told,) = yaml.safe_load((directory / "kustomization.yaml").read_text(encoding="utf-8"))["images"]
    digest = f"@{told['digest']}" if "digest" in told else ""
    rendered = render(overlay)
    images = {container(spec)["image"] for _, _, spec in rendered.pods()}
    assert {image for image in images if "flycatcher" in image} == {f"{told['newName']}:{told['newTag']}{digest}"}
    assert {name.partition("-")[2] for name in rendered.of("Job")} == {told["newTag"]}
    assert (overlay == "production") is bool(digest)


def test_the_trial_looks_for_no_registry() -> None:
    """Knative asks the registry for the digest of every image, but for a few names that stand for "in the node"."""
    (told,) = yaml.safe_load(Path(ROOT, "knative/overlays/trial/kustomization.yaml").read_text(encoding="utf-8"))[
        "images"
    ]
    assert told["newName"].partition("/")[0] in {"dev.local", "kind.local", "ko.local"}
    assert told["newTag"] != "latest"
