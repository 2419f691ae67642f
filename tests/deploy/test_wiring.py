"""That what the objects of knative/ name is there: Secrets and their keys, settings, ports, selectors, times."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from operations.__main__ import main
from operations.secrets import PLACES
from shared.settings import FUNCTION_NAMES, Settings
from tests.support.manifests import NAMESPACE, Object, Rendering, container, render, untagged

SETTINGS = {setting.name.upper(): setting for setting in fields(Settings)}
READERS: dict[str, set[str]] = {
    "signing": {"Service/auth"},
    "public": {f"Service/{name}" for name in FUNCTION_NAMES},
    "tls": {"Deployment/gateway"},
    "owner": {"Job/migrate", "Job/seed", "StatefulSet/postgres", "CronJob/backup", "CronJob/restore"},
    "redis": {"StatefulSet/redis"},
    **{name: {f"Service/{name}", "Job/migrate"} for name in FUNCTION_NAMES},
}
"""Who may mount which Secret."""
OPERATORS = {"postgres-app": {"uri"}}
"""Secrets that an operator makes: CloudNativePG, of its cluster "postgres"."""


def _secrets(spec: Object) -> Iterator[tuple[str, str | None]]:
    """Each Secret of a pod, with each key that is taken of it; None for all."""
    for volume in spec.get("volumes", ()):
        if "secret" in volume:
            keys = [item["key"] for item in volume["secret"].get("items", ())]
            yield from ((volume["secret"]["secretName"], key) for key in keys or [None])
    for source in container(spec).get("envFrom", ()):
        if "secretRef" in source:
            yield source["secretRef"]["name"], None
    for variable in container(spec).get("env", ()):
        if "secretKeyRef" in variable.get("valueFrom", {}):
            yield variable["valueFrom"]["secretKeyRef"]["name"], variable["valueFrom"]["secretKeyRef"]["key"]


def _files(spec: Object) -> Iterator[tuple[str, str | None]]:
    """The path of each file that a pod finds in its Secrets; a directory's where all of one is mounted."""
    volumes = {volume["name"]: volume["secret"] for volume in spec.get("volumes", ()) if "secret" in volume}
    for mount in container(spec).get("volumeMounts", ()):
        if mount["name"] in volumes:
            secret = volumes[mount["name"]]
            items = secret.get("items", ())
            yield from ((mount["mountPath"], item["path"]) for item in items)
            if not items:
                yield mount["mountPath"], None


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the command "secrets" has made them."""
    directory = tmp_path_factory.mktemp("secrets")
    assert main(["secrets", str(directory)]) == 0
    return directory


@pytest.fixture(scope="module")
def made(directory: Path) -> dict[str, set[str]]:
    """The keys of each Secret."""
    return {place.name: {path.name for path in place.iterdir()} for place in directory.iterdir()}


def test_each_secret_is_read_by_its_readers_alone(rendering: Rendering) -> None:
    found = defaultdict(set)
    for name, _, spec in rendering.pods():
        for secret, _ in _secrets(spec):
            found[secret].add(untagged(name))
    for secret, readers in found.items():
        assert readers <= READERS.get(secret, READERS["owner"]), secret
    assert found["signing"] == {"Service/auth"}
    assert set(found) <= set(PLACES) | set(OPERATORS)


def test_no_secret_is_in_an_environment(rendering: Rendering) -> None:
    for name, _, spec in rendering.pods():
        only = container(spec)
        assert not [source for source in only.get("envFrom", ()) if "secretRef" in source], name
        assert not [told for told in only.get("env", ()) if "secretKeyRef" in told.get("valueFrom", {})], name


def test_every_key_that_is_mounted_is_made(rendering: Rendering, made: dict[str, set[str]]) -> None:
    keys = {**made, **OPERATORS}
    for name, _, spec in rendering.pods():
        for secret, key in _secrets(spec):
            assert secret in keys, name
            assert key is None or key in keys[secret], (name, secret, key)


def test_a_vault_brings_every_secret_of_production() -> None:
    rendered = render("production", "cert-manager", "external-secrets")
    brought = {
        item["spec"].get("target", {}).get("name", name): {told["secretKey"] for told in item["spec"]["data"]}
        for name, item in rendered.of("ExternalSecret").items()
    }
    brought |= {item["spec"]["secretName"]: {"tls.crt", "tls.key"} for item in rendered.of("Certificate").values()}
    for name, _, spec in rendered.pods():
        for secret, key in _secrets(spec):
            assert secret in brought, name
            assert key is None or key in brought[secret], (name, secret, key)
        wanted = {
            variable["value"] for variable in container(spec).get("env", ()) if variable["name"].endswith("_FILE")
        }
        found = {f"{path}/{file}" for path, file in _files(spec) if file}
        found |= {f"{path}/{key}" for path, file in _files(spec) if not file for key in brought[Path(path).name]}
        assert wanted <= found, name


def test_every_file_that_is_named_is_mounted(rendering: Rendering, made: dict[str, set[str]]) -> None:
    for name, _, spec in rendering.pods():
        files = {f"{path}/{file}" for path, file in _files(spec) if file}
        files |= {f"{path}/{key}" for path, file in _files(spec) if not file for key in made[Path(path).name]}
        for variable in container(spec).get("env", ()):
            if variable["name"].endswith("_FILE"):
                assert variable["value"] in files, (name, variable["name"])


def test_every_configmap_that_is_named_is_there(rendering: Rendering) -> None:
    maps = set(rendering.of("ConfigMap"))
    named = set()
    for _, _, spec in rendering.pods():
        named |= {source["configMapRef"]["name"] for source in container(spec).get("envFrom", ())}
        named |= {volume["configMap"]["name"] for volume in spec.get("volumes", ()) if "configMap" in volume}
    assert named <= maps
    # The dashboard is found by its label.
    assert maps - named <= {"dashboard"}


@pytest.mark.parametrize("name", FUNCTION_NAMES)
def test_every_setting_is_set_or_has_a_default_and_none_is_unknown(rendering: Rendering, name: str) -> None:
    only = container(rendering.functions[name]["spec"]["template"]["spec"])
    (source,) = only["envFrom"]
    told = {variable["name"] for variable in only["env"]} | set(
        rendering.of("ConfigMap")[source["configMapRef"]["name"]]["data"]
    )
    settings = {variable.removesuffix("_FILE") for variable in told} - {"FUNCTION"}
    assert settings <= set(SETTINGS)
    assert len(settings) == len(told) - 1
    needed = {key for key, setting in SETTINGS.items() if setting.default is MISSING}
    needed -= {key for key in needed if SETTINGS[key].metadata["only"] not in (None, name)}
    assert needed <= settings
    assert ("JWT_PRIVATE_KEY" in settings) is (name == "auth")


@pytest.mark.parametrize("name", FUNCTION_NAMES)
def test_a_function_starts_with_what_it_is_given(rendering: Rendering, name: str, directory: Path) -> None:
    """The values are of the right type: the settings themselves read them."""
    only = container(rendering.functions[name]["spec"]["template"]["spec"])
    (source,) = only["envFrom"]
    environ: dict[str, str] = dict(rendering.of("ConfigMap")[source["configMapRef"]["name"]]["data"])
    environ |= {told["name"]: told["value"].replace("/secrets", str(directory), 1) for told in only["env"]}
    settings = Settings.load(environ, name)  # type: ignore[arg-type]  # one of FUNCTION_NAMES
    assert settings.jwt_public_keys
    assert [str(network) for network in settings.trusted_proxies][:1] == ["127.0.0.0/8"]


def test_the_gateway_waits_longer_than_knative_and_knative_longer_than_a_function(rendering: Rendering) -> None:
    spec = rendering.of("Deployment")["gateway"]["spec"]["template"]["spec"]
    (source,) = container(spec)["envFrom"]
    waits = int(rendering.of("ConfigMap")[source["configMapRef"]["name"]]["data"]["GATEWAY_TIMEOUT_SECONDS"])
    bounds = ("connect", "wait", "statement", "lock", "idle")
    longest = sum(float(str(SETTINGS[f"DATABASE_{name}_SECONDS".upper()].default)) for name in bounds)
    for function in rendering.functions.values():
        assert waits > function["spec"]["template"]["spec"]["timeoutSeconds"] > longest
    pause = container(spec)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert spec["terminationGracePeriodSeconds"] >= pause + waits


def test_what_selects_pods_selects_those_that_are_meant(rendering: Rendering) -> None:
    pods = {untagged(name): metadata.get("labels", {}) for name, metadata, _ in rendering.pods()}

    def chosen(selector: Object) -> set[str]:
        return {name for name, labels in pods.items() if selector.items() <= labels.items()}

    for name, service in rendering.of("Service", "").items():
        owner = f"StatefulSet/{name}" if name in {"postgres", "redis"} else f"Deployment/{name}"
        assert chosen(service["spec"]["selector"]) == {owner}
        spec = next(spec for pod, _, spec in rendering.pods() if pod == owner)
        ports = {port["name"] for port in container(spec)["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    for kind in ("Deployment", "StatefulSet"):
        for name, item in rendering.of(kind).items():
            assert chosen(item["spec"]["selector"]["matchLabels"]) == {f"{kind}/{name}"}
    (budget,) = rendering.of("PodDisruptionBudget").values()
    assert chosen(budget["spec"]["selector"]["matchLabels"]) == {"Deployment/gateway"}
    (autoscaler,) = rendering.of("HorizontalPodAutoscaler").values()
    assert autoscaler["spec"]["scaleTargetRef"]["name"] == "gateway"
    assert budget["spec"]["minAvailable"] < autoscaler["spec"]["minReplicas"] == 2
    assert "replicas" not in rendering.of("Deployment")["gateway"]["spec"]


def test_the_ingress_leads_to_the_gateway_with_one_certificate_and_one_host() -> None:
    rendered = render("production", "cert-manager")
    (ingress,) = rendered.of("Ingress").values()
    gateway = rendered.of("Deployment")["gateway"]["spec"]["template"]["spec"]
    (rule,), (tls,) = ingress["spec"]["rules"], ingress["spec"]["tls"]
    (path,) = rule["http"]["paths"]
    assert ingress["spec"]["ingressClassName"]
    assert path["backend"]["service"] == {"name": "gateway", "port": {"name": "http"}}
    assert "http" in {port["name"] for port in rendered.of("Service", "")["gateway"]["spec"]["ports"]}
    assert tls["secretName"] in {secret for secret, _ in _secrets(gateway)}
    (certificate,) = rendered.of("Certificate").values()
    assert certificate["spec"]["secretName"] == tls["secretName"]
    hosts = next(data for name, data in rendered.of("ConfigMap").items() if "GATEWAY_NAME" in data["data"])["data"]
    assert [rule["host"]] == tls["hosts"] == certificate["spec"]["dnsNames"] == [hosts["GATEWAY_NAME"]]


def test_another_host_is_said_once() -> None:
    edit = """
    configMapGenerator:
      - {name: gateway, behavior: merge, literals: [GATEWAY_NAME=bugs.corp.example]}
    """
    rendered = render("production", "cert-manager", edit=edit)
    (ingress,), (certificate,) = rendered.of("Ingress").values(), rendered.of("Certificate").values()
    assert ingress["spec"]["rules"][0]["host"] == "bugs.corp.example"
    assert ingress["spec"]["tls"][0]["hosts"] == ["bugs.corp.example"]
    assert certificate["spec"]["dnsNames"] == ["bugs.corp.example"]


def test_everything_is_in_the_namespace_and_can_be_applied_function_by_function(rendering: Rendering) -> None:
    for item in rendering.objects:
        assert item["kind"] == "Namespace" or item["metadata"]["namespace"] == NAMESPACE, item["metadata"]["name"]
        assert item["metadata"]["labels"]["app.kubernetes.io/part-of"] == "flycatcher"
    for name in FUNCTION_NAMES:
        chosen = {
            (item["kind"], item["metadata"]["name"].partition("-")[0])
            for item in rendering.objects
            if item["metadata"]["labels"].get("app.kubernetes.io/name") in {name, "functions"}
        }
        assert chosen == {("Service", name), ("ConfigMap", "functions")}
