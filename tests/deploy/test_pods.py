"""What every pod of knative/ may do, which is little, and that it is the one that the images are made for."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from operations.__main__ import COMMANDS
from operations.secrets import PLACES
from shared.settings import FUNCTION_NAMES
from tests.support.manifests import NAMESPACE, OVERLAYS, ROOT, Object, Rendering, container, quantity, render, untagged

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
WITH_TOKEN = {"Job/secrets", "Deployment/prometheus"}
"""What asks Kubernetes' API. Nobody else gets a token."""
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
DAY_SECONDS = 86_400


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
        if name == "deployer":  # nobody's token here: tests/deploy/test_deployer.py
            continue
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


def _mounts(only: Object) -> list[tuple[str, str]]:
    """The volume of each mount, and where it is."""
    return [(mount["name"], mount["mountPath"]) for mount in only.get("volumeMounts", ())]


def test_each_pod_can_read_its_secrets_and_where_it_can_be_helped_nobody_else(rendering: Rendering) -> None:
    """The files are root's. A pod's group may read them where it has one; a Knative Service's cannot (fsGroup)."""
    for name, _, spec in rendering.pods():
        security = spec.get("securityContext", {})
        for volume in spec.get("volumes", ()):
            if "secret" in volume:
                mode = volume["secret"].get("defaultMode", 0o644)
                assert mode == (0o440 if "fsGroup" in security else 0o644), (name, volume["name"])
        if not name.startswith("Service/"):
            assert security["fsGroup"] == security["runAsGroup"], name


def test_every_volume_is_mounted_once_and_every_mount_has_one(rendering: Rendering) -> None:
    claims = {
        f"StatefulSet/{name}": [claim["metadata"]["name"] for claim in item["spec"].get("volumeClaimTemplates", ())]
        for name, item in rendering.of("StatefulSet").items()
    }
    for name, _, spec in rendering.pods():
        volumes = [volume["name"] for volume in spec.get("volumes", ())] + claims.get(name, [])
        assert sorted(volumes) == sorted(volume for volume, _ in _mounts(container(spec))), name


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
    """Ready is who has seen PostgreSQL and the schema, and an outage of a day does not take that back (decision 21)."""
    assert {probe: function[probe]["httpGet"] for probe in PROBES if probe in function} == {
        "readinessProbe": {"path": "/readyz"},
        "livenessProbe": {"path": "/healthz"},
    }
    ready = function["readinessProbe"]
    # Longer than /readyz takes while PostgreSQL hangs, and soon enough for whoever waits for a new pod.
    assert ready["timeoutSeconds"] >= 3
    assert ready["periodSeconds"] <= 2
    assert ready["periodSeconds"] * ready["failureThreshold"] >= DAY_SECONDS
    assert "initialDelaySeconds" not in ready


def test_the_commands_are_commands_of_the_image(rendering: Rendering) -> None:
    jobs = {name.partition("-")[0]: job for name, job in rendering.of("Job").items()}
    assert "migrate" in jobs
    for name, job in jobs.items():
        only = container(job["spec"]["template"]["spec"])
        variables = {variable["name"]: variable["value"] for variable in only["env"]}
        assert variables["FUNCTION"] == name
        assert name in COMMANDS
        assert "command" not in only


def test_what_needs_the_database_waits_for_it_and_is_tried_again(rendering: Rendering) -> None:
    jobs = {name.partition("-")[0]: job["spec"] for name, job in rendering.of("Job").items()}
    for name, job in jobs.items():
        assert job["backoffLimit"] > 0, name
        assert job["ttlSecondsAfterFinished"] >= DAY_SECONDS, name
        if name != "secrets":
            option, waits = container(job["template"]["spec"])["args"]
            assert option == "--wait", name
            assert 60 <= int(waits) < job["activeDeadlineSeconds"], name


def test_the_secrets_of_a_trial_are_made_for_the_names_by_which_it_is_called() -> None:
    rendered = render("trial")
    (host,) = [
        data["data"]["GATEWAY_NAME"] for data in rendered.of("ConfigMap").values() if "GATEWAY_NAME" in data["data"]
    ]
    args = container(rendered.of("Job")["secrets-trial"]["spec"]["template"]["spec"])["args"]
    names = {f"--name={name}" for name in (host, "127.0.0.1", "gateway", f"gateway.{NAMESPACE}.svc.cluster.local")}
    assert set(args[1:]) == {"--kubernetes", *names}


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_the_data_of_a_trial_is_kept_as_compose_keeps_it(name: str) -> None:
    spec, compose = render("trial").of("StatefulSet")[name]["spec"]["template"]["spec"], COMPOSE[name]
    only = container(spec)
    assert only["image"] == compose["image"]
    assert only.get("args") == compose.get("command")
    kind, *asked = compose["healthcheck"]["test"]
    command = ["/bin/sh", "-c", *asked] if kind == "CMD-SHELL" else asked
    assert {tuple(only[probe]["exec"]["command"]) for probe in PROBES if probe in only} == {tuple(command)}
    told = {variable["name"]: variable["value"] for variable in only.get("env", ())}
    if name == "postgres":
        # A volume may have a directory of its own at its root, and initdb wants an empty one.
        assert ("data", str(Path(told.pop("PGDATA")).parent)) in _mounts(only)
    assert told == compose.get("environment", {})
    assert str(spec["securityContext"]["runAsUser"]) == compose["user"].partition(":")[0]


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


def test_a_registry_may_have_a_port_and_a_path() -> None:
    edit = "images: [{name: flycatcher, newName: 'registry.corp.example:5000/bugs/flycatcher', newTag: 1.2.3}]"
    rendered = render("production", edit=edit)
    assert set(rendered.of("Job")) == {"migrate-1.2.3"}
    images = {container(function["spec"]["template"]["spec"])["image"] for function in rendered.functions.values()}
    assert images == {"registry.corp.example:5000/bugs/flycatcher:1.2.3"}


def test_the_trial_looks_for_no_registry() -> None:
    """Knative asks the registry for the digest of every image, but for a few names that stand for "in the node"."""
    (told,) = yaml.safe_load(Path(ROOT, "knative/overlays/trial/kustomization.yaml").read_text(encoding="utf-8"))[
        "images"
    ]
    assert told["newName"].partition("/")[0] in {"dev.local", "kind.local", "ko.local"}
    assert told["newTag"] != "latest"
