"""What the gateway's template says, held against the code; tests/containers sees nginx do it."""

import re
from pathlib import Path

import pytest
import yaml

from operations.openapi import ENDPOINTS
from shared.docs import docs_endpoints
from shared.endpoint import Endpoint
from shared.http.headers import METHODS, REQUEST_ID, SECURITY_HEADERS
from shared.http.problems import PROBLEMS
from shared.settings import FUNCTION_NAMES, Settings

ROOT = Path(__file__).parents[2]
TEMPLATE = (ROOT / "gateway" / "nginx.conf.template").read_text(encoding="utf-8")
START = (ROOT / "gateway" / "start").read_text(encoding="utf-8")
SAMPLE_ID = "01a20430-4a88-7233-b2b1-68fd54c44639"


def _table(variable: str) -> dict[str, str]:
    """A map of the template: what is looked for, and what is found."""
    found = re.search(rf"map [^\n]* {re.escape(variable)} \{{\n(.*?)\n    \}}", TEMPLATE, re.DOTALL)
    assert found
    rows = re.findall(r'^\s+("[^"]*"|\S+)\s+("[^"]*"|[^;]*);$', found[1], re.MULTILINE)
    return {key.strip('"'): value.strip('"') for key, value in rows}


def _functions_of(path: str) -> set[str]:
    table = _table("$function")
    return {
        function
        for pattern, function in table.items()
        if (re.search(pattern[1:], path) if pattern.startswith("~") else pattern == path)
    }


def _owner(endpoint: Endpoint) -> str:
    module: str = endpoint.handler.__module__
    return module.split(".")[1] if module.startswith("functions.") else "projects"


ALL = [*ENDPOINTS, *docs_endpoints(bytes, bytes)]


@pytest.mark.parametrize("endpoint", ALL, ids=lambda endpoint: f"{endpoint.method} {endpoint.path}")
def test_each_endpoint_is_reached_by_one_entry_of_the_routing_table(endpoint: Endpoint) -> None:
    path = re.sub(r"\{\w+\}", SAMPLE_ID, endpoint.path)
    assert _functions_of(path) == {_owner(endpoint)}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/healthz",
        "/api/issues/",
        "/api/projects/1/2",
        "//api",
    ],
)
def test_what_is_nobodys_is_not_in_the_routing_table(path: str) -> None:
    assert _functions_of(path) == set()


def test_the_routing_table_knows_the_functions_and_no_other() -> None:
    assert set(_table("$function").values()) - {""} == set(FUNCTION_NAMES)


def test_the_gateways_problems_are_those_of_the_contract() -> None:
    codes = set(_table("$problem_code").values())
    titles = _table("$problem_title")
    assert {code: titles.get(code, titles["default"]) for code in codes} == {
        code: PROBLEMS[code].title for code in codes
    }
    for status, code in _table("$problem_code").items():
        if status != "default":
            assert PROBLEMS[code].status == int(status)


def test_the_gateways_answers_have_the_headers_of_all_others() -> None:
    block = TEMPLATE.partition("location = /problem {")[2].partition("}")[0]
    added = {name: value.strip('"') for name, value in re.findall(r'add_header (\S+) ("[^"]*"|\S+) always;', block)}
    assert {name: added.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert set(added) - set(SECURITY_HEADERS) == {"X-Request-ID", "Retry-After", "Allow"}


def test_request_ids_and_methods_are_those_of_the_functions() -> None:
    (pattern,) = [key for key in _table("$gateway_request_id") if key != "default"]
    assert pattern == f"~{REQUEST_ID.removesuffix('$')}\\z"
    assert _table("$allow")["method_not_allowed"] == METHODS


def test_the_gateway_waits_longer_than_the_functions_limits_add_up_to() -> None:
    settings = Settings.load({"DATABASE_URL": "postgresql:", "REDIS_URL": "redis:", "JWT_PUBLIC_KEYS": "{}"}, "issues")
    limits = (
        settings.database_connect_seconds,
        settings.database_wait_seconds,
        settings.database_statement_seconds,
        settings.database_lock_seconds,
        settings.database_idle_seconds,
    )
    (waits,) = re.findall(r"GATEWAY_TIMEOUT_SECONDS:-(\d+)", START)
    assert int(waits) > sum(limits) > settings.request_seconds
    # To send, to read, and to stop: a request that is waited for is not cut off.
    directives = ("proxy_send_timeout", "proxy_read_timeout", "worker_shutdown_timeout")
    assert re.findall(r"(\w+) \$\{GATEWAY_TIMEOUT_SECONDS\}s;", TEMPLATE) == sorted(directives, reverse=True)


def test_a_request_that_was_long_waited_for_is_not_repeated() -> None:
    """It may be a function at work, or a cold start that Knative waits for."""
    (repeats,) = re.findall(r"proxy_next_upstream_timeout (\d+)s;", TEMPLATE)
    (waits,) = re.findall(r"GATEWAY_TIMEOUT_SECONDS:-(\d+)", START)
    assert int(repeats) < int(waits)


def test_compose_lets_the_gateway_finish_what_it_has() -> None:
    gateway = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]["gateway"]
    (waits,) = re.findall(r":-(\d+)", gateway["environment"]["GATEWAY_TIMEOUT_SECONDS"])
    assert int(gateway["stop_grace_period"].removesuffix("s")) > int(waits)


ANSWERS = {
    "200 application/json": "",
    "204 ": "",
    "304 ": "",
    "404 application/problem+json": "",
    "503 application/problem+json": "",
    "502 ": "gone",
    "502 text/html": "gone",
    "504 text/plain": "late",
    "503 ": "lost",
    "503 text/plain; charset=utf-8": "lost",
    "404 ": "lost",
    "500 text/html": "lost",
    "503 application/problem+jsonx": "lost",
}


@pytest.mark.parametrize(("answer", "reason"), ANSWERS.items())
def test_an_error_that_is_no_problem_is_not_a_functions(answer: str, reason: str) -> None:
    table = _table("$elsewhere")
    matching = (target for pattern, target in table.items() if pattern[:1] == "~" and re.search(pattern[1:], answer))
    found = next(matching, table["default"])
    assert found.removeprefix("/problem/") == reason
    assert not reason or _table("$problem_detail")[f"503 {reason}"].endswith(".")


def test_every_variable_of_the_template_is_filled_in() -> None:
    used = set(re.findall(r"\$\{([A-Z_]+)\}", TEMPLATE))
    filled = set(re.findall(r"\$([A-Z_]+)", "".join(re.findall(r"^known=.*|^envsubst.*", START, re.MULTILINE))))
    assert used == filled


def test_a_socket_that_was_left_behind_is_taken_away() -> None:
    """A container that is killed is started again with the /tmp of its pod: nginx does not listen where a file is."""
    (socket,) = re.findall(r"listen unix:(\S+);", TEMPLATE)
    before, _, _ = START.partition("exec nginx")
    assert f"\nrm -f {socket}\n" in before
    assert f"server unix:{socket};" in TEMPLATE
