"""Each function in a process of its own, as ``uvicorn functions.<name>.app:app`` runs it."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from typing import get_args

import pytest

from functions.auth.app import ENDPOINTS as AUTH
from functions.comments.app import ENDPOINTS as COMMENTS
from functions.issues.app import ENDPOINTS as ISSUES
from functions.projects.app import ENDPOINTS as PROJECTS
from shared.settings import FunctionName
from tests.support.accounts import login, outcome
from tests.support.api import Api, new_client
from tests.support.people import People
from tests.support.processes import Environ, base_environ, free_port, process, wait_until_ready

NAMES: tuple[FunctionName, ...] = get_args(FunctionName)
ID = "00000000-0000-7000-8000-000000000000"
OWNED = {"auth": AUTH, "projects": PROJECTS, "issues": ISSUES, "comments": COMMENTS}
PATHS = {name: {endpoint.path.replace("{id}", ID) for endpoint in endpoints} for name, endpoints in OWNED.items()}
DOCUMENTED = {
    "auth": ("/api/auth/", "/api/users", "/api/audit", "/.well-known/jwks.json"),
    "projects": ("/api/projects",),
    "issues": ("/api/projects/{id}/issues", "/api/issues"),
    "comments": ("/api/issues/{id}/comments", "/api/comments"),
}


@pytest.fixture(scope="module")
def functions(environ: Environ) -> Iterator[dict[str, Api]]:
    """The four of them, each in its own process, all with the same data."""
    with ExitStack() as stack:
        ports = {name: free_port() for name in NAMES}
        running = {
            name: stack.enter_context(
                process(
                    ["uvicorn", f"functions.{name}.app:app", "--no-server-header", f"--port={port}"],
                    base_environ(environ, name),
                )
            )
            for name, port in ports.items()
        }
        for name, port in ports.items():
            wait_until_ready(running[name], port)
        clients = {name: new_client(f"http://127.0.0.1:{port}") for name, port in ports.items()}
        yield {name: Api(stack.enter_context(client)) for name, client in clients.items()}


def test_the_declared_paths_are_those_of_the_contract() -> None:
    for name, endpoints in OWNED.items():
        assert all(endpoint.path.startswith(DOCUMENTED[name]) for endpoint in endpoints)
    assert {"/api/projects", f"/api/projects/{ID}"} == PATHS["projects"]


@pytest.mark.parametrize("name", NAMES)
def test_each_serves_its_own_paths_and_no_others(functions: dict[str, Api], clean: None, name: str) -> None:  # noqa: ARG001
    every = set().union(*PATHS.values())
    answers = {path: functions[name].request("OPTIONS", path).status_code for path in every}
    assert answers == {path: 405 if path in PATHS[name] else 404 for path in every}
    for path in ("/healthz", "/readyz", "/metrics"):
        assert functions[name].get(path).status_code == 200


def test_the_four_work_together(functions: dict[str, Api], people: People) -> None:
    bob = people.manager("bob")
    token = login(functions["auth"], "bob").json()["access_token"]
    one = {name: api.signed_in(token) for name, api in functions.items()}
    project = one["projects"].post("/api/projects", json={"name": "P"}).json()
    issue = one["issues"].post(f"/api/projects/{project['id']}/issues", json={"title": "T"}).json()
    assert one["comments"].post(f"/api/issues/{issue['id']}/comments", json={"content": "C"}).status_code == 201
    assert one["issues"].get(f"/api/issues/{issue['id']}").json()["reporter"] == bob.ref
    assert one["auth"].post("/api/auth/logout-all").status_code == 204
    for name, path in (("auth", "/api/users"), ("projects", "/api/projects"), ("issues", "/api/issues")):
        assert outcome(one[name].get(path)) == (401, "token_revoked")
    assert outcome(one["comments"].get(f"/api/comments/{ID}")) == (401, "token_revoked")


MISSING = {"auth": "JWT_PRIVATE_KEY", "projects": "DATABASE_URL", "issues": "REDIS_URL", "comments": "JWT_PUBLIC_KEYS"}


def test_a_missing_setting_ends_the_start_with_one_line(environ: Environ) -> None:
    with ExitStack() as stack:
        for name, missing in MISSING.items():
            given = {key: value for key, value in base_environ(environ, name).items() if not key.startswith(missing)}
            arguments = ["uvicorn", f"functions.{name}.app:app", f"--port={free_port()}"]
            stack.callback(check_refusal, stack.enter_context(process(arguments, given)), missing)


def check_refusal(running: subprocess.Popen[str], missing: str) -> None:
    out, err = running.communicate(timeout=20)
    assert running.returncode > 0
    line = f"ERROR:    {missing} is missing: set it, or {missing}_FILE to the path of a file that holds it"
    assert [told for told in (out + err).splitlines() if missing in told] == [line]
    assert "Traceback" not in out + err
