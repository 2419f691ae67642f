"""The gateway in a cluster: that of compose, told what it reads, found by its Ingress, with time for every answer."""

import re
from dataclasses import fields
from typing import Any

import yaml

from shared.settings import Settings
from tests.support.manifests import OVERLAYS, ROOT, Rendering, container, render

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
DEFAULTS = {setting.name.upper(): setting.default for setting in fields(Settings)}
PROBES = ("readinessProbe", "livenessProbe")


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
    # A pod goes only when another one is ready, and hears of it only when nobody asks it any more.
    assert rendering.of("Deployment")["gateway"]["spec"]["strategy"] == {"rollingUpdate": {"maxUnavailable": 0}}
    assert only["lifecycle"]["preStop"]["sleep"]["seconds"] >= 5
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    # A disk that is full would end the pod.
    assert volumes["tmp"]["emptyDir"]["medium"] == "Memory"
    files = rendering.of("ConfigMap")[volumes["files"]["configMap"]["name"]]["data"]
    assert files == {name: (ROOT / "gateway" / name).read_text("utf-8") for name in ("nginx.conf.template", "start")}
    paths = {(only[probe]["httpGet"]["path"], only[probe]["httpGet"]["port"]) for probe in PROBES}
    assert paths == {("/healthz", "health")}


def test_the_gateway_is_told_what_it_reads_and_nothing_else(rendering: Rendering) -> None:
    only = container(rendering.of("Deployment")["gateway"]["spec"]["template"]["spec"])
    (source,) = only["envFrom"]
    told = {variable["name"]: variable.get("value") for variable in only["env"]}
    assert told["FUNCTION_HOST_SUFFIX"] == ".$(NAMESPACE).svc.cluster.local"
    assert only["env"][0] == {"name": "NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}
    read = set(re.findall(r"\$\{([A-Z_]+):-", (ROOT / "gateway" / "start").read_text(encoding="utf-8")))
    settings = set(rendering.of("ConfigMap")[source["configMapRef"]["name"]]["data"])
    assert read - settings == {"FUNCTION_HOST_SUFFIX", "TLS_DIRECTORY"}
    assert settings <= read


def test_the_gateway_waits_longer_than_knative_and_knative_longer_than_a_function(rendering: Rendering) -> None:
    spec = rendering.of("Deployment")["gateway"]["spec"]["template"]["spec"]
    (source,) = container(spec)["envFrom"]
    waits = int(rendering.of("ConfigMap")[source["configMapRef"]["name"]]["data"]["GATEWAY_TIMEOUT_SECONDS"])
    bounds = ("connect", "wait", "statement", "lock", "idle")
    longest = sum(float(str(DEFAULTS[f"DATABASE_{name}_SECONDS".upper()])) for name in bounds)
    for function in rendering.functions.values():
        assert waits > function["spec"]["template"]["spec"]["timeoutSeconds"] > longest
    pause = container(spec)["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert spec["terminationGracePeriodSeconds"] >= pause + waits


def test_the_autoscaler_says_how_many_gateways_where_it_can_measure() -> None:
    """Each apply would set its number back; a trial has nothing that measures, and starts with two."""
    told = {name: render(name).of("Deployment")["gateway"]["spec"].get("replicas") for name in OVERLAYS}
    assert told == {"trial": 2, "production": None}


def test_the_ingress_leads_to_the_gateway_with_one_certificate_and_one_host() -> None:
    rendered = render("production", "cert-manager")
    (ingress,) = rendered.of("Ingress").values()
    gateway = rendered.of("Deployment")["gateway"]["spec"]["template"]["spec"]
    (rule,), (tls,) = ingress["spec"]["rules"], ingress["spec"]["tls"]
    (path,) = rule["http"]["paths"]
    assert ingress["spec"]["ingressClassName"]
    assert path["backend"]["service"] == {"name": "gateway", "port": {"name": "http"}}
    assert "http" in {port["name"] for port in rendered.of("Service", "")["gateway"]["spec"]["ports"]}
    assert tls["secretName"] in {volume["secret"]["secretName"] for volume in gateway["volumes"] if "secret" in volume}
    assert ingress["metadata"]["annotations"]["cert-manager.io/cluster-issuer"]
    (certificate,) = rendered.of("Certificate").values()
    # By the annotation cert-manager makes a Certificate that is called like the Secret, unless one is there already.
    # Two of one Secret would never be issued.
    assert certificate["metadata"]["name"] == certificate["spec"]["secretName"] == tls["secretName"]
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
