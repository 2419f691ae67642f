"""What docker-compose.yml promises, as far as it can be read; tests/containers sees it run."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from operations.roles import GROUPS
from operations.secrets import PLACES
from shared.settings import FUNCTION_NAMES, Settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
COMMANDS = ("secrets", "migrate", "seed", "create-admin")
SETTINGS = {field.name.upper() for field in fields(Settings)}
GROUP = "10001"


def test_every_variable_is_explained_with_the_value_that_is_taken_for_granted() -> None:
    taken = set(re.findall(r"\$\{(\w+):-([^}]*)\}", TEXT))
    explained = set(re.findall(r"^(\w+)=(.*)$", EXAMPLE, re.MULTILINE))
    assert taken == explained
    assert re.findall(r"\$\{\w+[^}:]*\}", TEXT) == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_container_is_hardened(service: str) -> None:
    told = SERVICES[service]
    assert told["read_only"] is True
    assert told["cap_drop"] == ["ALL"]
    assert told["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in told
    assert "cap_add" not in told


@pytest.mark.parametrize("service", [*FUNCTION_NAMES, "gateway", "postgres", "redis"])
def test_what_stays_is_watched_limited_and_started_again(service: str) -> None:
    told = SERVICES[service]
    assert told["restart"] == "unless-stopped"
    assert set(told["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    # The functions bring their own health check, in the image.
    assert ("healthcheck" in told) is (service not in FUNCTION_NAMES)


@pytest.mark.parametrize("service", SERVICES)
def test_everybody_waits_for_what_it_needs_to_be_done_or_healthy(service: str) -> None:
    conditions = {need: told["condition"] for need, told in SERVICES[service].get("depends_on", {}).items()}
    assert conditions == {
        need: "service_completed_successfully" if need in COMMANDS else "service_healthy" for need in conditions
    }
    assert bool(conditions) is (service != "secrets")


@pytest.mark.parametrize("service", FUNCTION_NAMES)
def test_a_function_is_given_its_settings_and_only_auth_the_signing_key(service: str) -> None:
    environment: dict[str, str] = SERVICES[service]["environment"]
    assert environment["FUNCTION"] == service
    names = {name.removesuffix("_FILE") for name in environment if name != "FUNCTION"}
    assert names <= SETTINGS
    assert {"DATABASE_URL", "REDIS_URL", "JWT_PUBLIC_KEYS"} <= names
    assert ("JWT_PRIVATE_KEY" in names) is (service == "auth")
    for name in ("DATABASE_URL", "REDIS_URL"):
        assert environment[f"{name}_FILE"] == f"/secrets/{service}/{name.lower().replace('_', '-')}"


def test_migrate_lets_in_the_login_that_each_function_is_given() -> None:
    environment: dict[str, str] = SERVICES["migrate"]["environment"]
    assert {name: environment[f"{name}_FILE"] for name in GROUPS if f"{name}_FILE" in environment} == {
        f"{name.upper()}_DATABASE_URL": SERVICES[name]["environment"]["DATABASE_URL_FILE"] for name in FUNCTION_NAMES
    }


def test_the_defaults_are_those_of_the_functions() -> None:
    defaults = {field.name.upper(): field.default for field in fields(Settings)}
    for name, given in re.findall(r"^  (\w+): \$\{\1:-([^}]*)\}$", TEXT, re.MULTILINE):
        if name not in ("TRUSTED_PROXIES", "CORS_ALLOWED_ORIGINS"):
            assert given == str(defaults[name])


def test_each_secret_is_mounted_where_its_reader_is_and_only_their_maker_writes() -> None:
    readers: dict[str, set[str]] = {name: set() for name in PLACES}
    for service, told in SERVICES.items():
        for mount in told.get("volumes", []):
            found = re.search(r":/secrets/(\w+)(:ro)?$", mount)
            if found:
                readers[found[1]].add(service)
                assert (found[2] is None) is (service == "secrets")
    owners = {"postgres", "migrate", "seed", "create-admin"}
    expected: dict[str, set[str]] = {
        "signing": {"auth"},
        "public": {*FUNCTION_NAMES},
        "tls": {"gateway"},
        "owner": owners,
        **{name: {name, "migrate"} for name in FUNCTION_NAMES},
        "redis": {"redis"},
    }
    assert readers == {name: found | {"secrets"} for name, found in expected.items()}


def test_nobody_is_on_a_network_that_it_does_not_need() -> None:
    networks = {service: set(told.get("networks", [])) for service, told in SERVICES.items()}
    assert networks == {
        "gateway": {"edge", "functions"},
        **{str(name): {"functions", "data"} for name in FUNCTION_NAMES},
        **{name: {"data"} for name in ("migrate", "seed", "create-admin", "postgres", "redis")},
        "secrets": set(),
    }
    assert SERVICES["secrets"]["network_mode"] == "none"
    internal = {name for name, told in COMPOSE["networks"].items() if told.get("internal")}
    assert internal == {"functions", "data"}


def test_only_the_gateway_is_published_and_by_itself_on_this_machine_alone() -> None:
    published = {service: told["ports"] for service, told in SERVICES.items() if "ports" in told}
    assert set(published) == {"gateway"}
    assert all(port.startswith("${BIND_ADDRESS:-127.0.0.1}:") for port in published["gateway"])


@pytest.mark.parametrize("service", ["gateway", "postgres", "redis", "secrets"])
def test_who_is_not_of_the_image_reads_the_secrets_by_their_group(service: str) -> None:
    user, group = SERVICES[service]["user"].split(":")
    assert user.isdigit()
    assert user != "0"
    assert group == GROUP
    assert f"-g {GROUP}" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_functions_and_the_commands_fit_into_postgresqls_connections() -> None:
    """With the instances that are taken for granted; more are counted by ``python -m operations connections``."""
    pool = int(re.search(r"DATABASE_POOL_SIZE=(\d+)", EXAMPLE)[1])  # type: ignore[index]
    instances = sum(int(count) for count in re.findall(r"_REPLICAS=(\d+)", EXAMPLE))
    assert instances * pool <= 97
