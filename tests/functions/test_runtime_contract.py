"""Knative's runtime contract, clause by clause, kept by the process that a container starts.

The clauses are those of https://github.com/knative/specs/blob/main/specs/serving/runtime-contract.md; here are the
tests of those that nothing else in the project shows.

| clause | test |
| --- | --- |
| SIGTERM: drained, exit 0 | functions/test_main.py::test_sigterm_lets_requests_in_flight_finish_and_exits_with_0 |
| SIGTERM: in the grace period, whoever asks | faults/test_stop.py::test_slow_clients_get_what_can_be_had_in_time |
| Port: `PORT` alone, on every address, within seconds | here::test_it_listens_on_its_port_alone_and_on_every_address |
| Port: a wrong one is said | functions/test_main.py::test_what_is_wrong_is_said_in_one_line |
| Protocol: HTTP/1.1 on connections that are kept | here::test_a_connection_is_kept_longer_than_a_proxy_keeps_it |
| Protocol: idle ones too | faults/test_slow_clients.py::test_a_connection_may_idle_longer_than_uvicorn_lets_it |
| Protocol: HTTP/1.0 | here::test_http_1_0_is_served |
| Probes: by PostgreSQL | faults/test_start.py::test_functions_start_without_postgresql_and_serve_when_it_is_there |
| Probes: ready without Redis | faults/test_start.py::test_functions_start_without_redis_and_serve |
| Probes: what the platform's say | here::test_the_platforms_probes_are_answered |
| Environment: `K_SERVICE`, `K_REVISION` | here::test_every_line_is_json_and_names_service_and_revision |
| Headers: `Host` is whatever the route is called | here::test_every_host_is_served_and_never_named |
| Headers: each hop adds to `X-Forwarded-For` | here::test_the_client_is_found_behind_every_hop |
| Filesystem: nothing is written, nothing is missed | here::test_nothing_is_written |
| Filesystem: a root that is read-only | containers/test_image.py::test_the_port_is_obeyed_and_sigterm_ends_it_with_0 |
| User: not root, owns nothing | containers/test_image.py::test_whoever_runs_it_can_write_nothing_of_it |
| Logging: JSON lines on standard output | here::test_every_line_is_json_and_names_service_and_revision |
"""

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import httpx2
import psutil
import pytest

from functions.__main__ import KEEP_ALIVE_SECONDS
from shared.settings import FUNCTION_NAMES, FunctionName
from tests.support.fixtures import crowd, nobody
from tests.support.people import PASSWORD, People
from tests.support.processes import Environ, base_environ, free_port, process, wait_until_ready
from tests.support.wire import talk

__all__ = ["crowd", "nobody"]

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
START_SECONDS = 10
"""Many times what a start takes, and a fraction of what Knative waits for one."""
POOL_SECONDS = 75
"""How long proxies keep idle connections to what is behind them, at the most: nginx 60, queue-proxy less."""
PROBES = {
    "kubelet": {"User-Agent": "kube-probe/1.36", "K-Kubelet-Probe": "queue"},
    "queue-proxy": {"K-Network-Probe": "queue", "User-Agent": "Go-http-client/1.1"},
    "activator": {"K-Network-Probe": "activator", "User-Agent": "Knative-Activator-Probe"},
    "autoscaler": {"K-Network-Probe": "autoscaler", "User-Agent": "Knative-Autoscaling-Probe"},
    "ingress": {"K-Network-Probe": "probe", "K-Network-Hash": "override", "User-Agent": "Knative-Ingress-Probe"},
}
HOSTS = (
    "issues",
    "issues.flycatcher",
    "issues.flycatcher.svc.cluster.local",
    "issues.flycatcher.svc.cluster.local:80",
    "issues-00001-private.flycatcher",
    "10.42.0.17:8080",
    "[fd00::17]:8080",
    "issues.example.com.",
)
CLIENT = "203.0.113.9"
HOPS = {
    "queue-proxy": CLIENT,
    "activator": f"{CLIENT}, 10.42.0.8",
    "envoy": f"{CLIENT}, 10.42.0.9, 10.42.0.8, 127.0.0.1",
    "several-headers": (CLIENT, "10.42.0.9", "10.42.0.8,127.0.0.1"),
    "a-client-who-lies": f"198.51.100.1, 127.0.0.1, {CLIENT}, 10.42.0.9",
}
"""What comes in, ended by the hop that is next to the function: queue-proxy speaks to it from 127.0.0.1."""
NETWORKS = "127.0.0.0/8,10.42.0.0/16"


@dataclass(frozen=True)
class Running:
    """A function as Knative runs it."""

    process: subprocess.Popen[str]
    url: str
    port: int
    seconds: float
    """From its start until it answered."""


@dataclass(frozen=True)
class Life:
    """What is left of a function that was started, asked and stopped."""

    out: str
    err: str
    code: int
    before: dict[str, float]
    after: dict[str, float]
    """The files and the directories where it ran, and when each was changed."""


def given(environ: Environ, function: FunctionName, port: int, directory: Path) -> Environ:
    """What Knative, the manifests and the image tell a container."""
    return {
        **base_environ(environ, function),
        "FUNCTION": function,
        "PORT": str(port),
        "K_SERVICE": function,
        "K_CONFIGURATION": function,
        "K_REVISION": f"{function}-00001",
        "LOG_LEVEL": "info",
        "TRUSTED_PROXIES": NETWORKS,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(directory / "home"),
        "TMPDIR": str(directory / "tmp"),
    }


@contextmanager
def started(environ: Environ, function: FunctionName, directory: Path) -> Iterator[Running]:
    """A function in a directory of its own, which has its home and its place for temporary files, all empty."""
    for name in ("work", "home", "tmp"):
        (directory / name).mkdir()
    port = free_port()
    began = time.monotonic()
    with process(["functions"], given(environ, function, port, directory), directory / "work") as running:
        wait_until_ready(running, port)
        yield Running(running, f"http://127.0.0.1:{port}", port, time.monotonic() - began)


def listing(directory: Path) -> dict[str, float]:
    """Every file and every directory below, and when each was changed."""
    return {str(path.relative_to(directory)): path.lstat().st_mtime for path in (directory, *directory.rglob("*"))}


@pytest.fixture(scope="module")
def issues(environ: Environ, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with started(environ, "issues", tmp_path_factory.mktemp("issues")) as running:
        yield running


@pytest.fixture(scope="module", params=FUNCTION_NAMES)
def life(
    request: pytest.FixtureRequest, environ: Environ, tmp_path_factory: pytest.TempPathFactory, crowd: People
) -> Life:
    """Of each function, with work of every kind in it: it reads, writes, hashes, renders and takes large bodies."""
    directory = tmp_path_factory.mktemp(request.param)
    admin = crowd.admin()
    with started(environ, request.param, directory) as running:
        before = listing(directory)
        with httpx2.Client(base_url=running.url, headers={"Authorization": f"Bearer {admin.token}"}) as client:
            project = admin.project()
            issue = admin.issue(project)
            asked = [
                client.get("/readyz"),
                client.get("/metrics"),
                client.get("/api/nothing"),
                client.post("/api/auth/login", json={"username": admin.username, "password": PASSWORD}),
                client.post("/api/projects", json={"name": f"Written by {admin.username}"}),
                client.post(f"/api/projects/{project['id']}/issues", json={"title": "x", "description": "*x* " * 100}),
                client.post(f"/api/issues/{issue['id']}/comments", json={"content": "`x` " * 100}),
                client.post(
                    "/api/auth/register", content=b" " * 1_000_000 + b"{}", headers={"Content-Type": "application/json"}
                ),
            ]
        statuses = [answer.status_code for answer in asked]
        running.process.send_signal(signal.SIGTERM)
        out, err = running.process.communicate(timeout=20)
        assert statuses[:3] == [200, 200, 404]
        assert len({200, 201} & set(statuses[3:7])) == 1, "each function has one of these"
        return Life(out, err, running.process.returncode, before, listing(directory))


def test_every_clause_names_a_test_that_there_is() -> None:
    rows = re.findall(r"\| (\S+)::(\w+) \|$", __doc__, re.MULTILINE)
    assert len(rows) == __doc__.count("\n| ") - 2
    for path, name in rows:
        text = (Path(__file__) if path == "here" else TESTS / path).read_text(encoding="utf-8")
        assert f"def {name}(" in text, f"{path}::{name}"


def test_it_listens_on_its_port_alone_and_on_every_address(issues: Running) -> None:
    listening = {
        (address.laddr.ip, address.laddr.port)
        for address in psutil.Process(issues.process.pid).net_connections("all")
        if address.status == psutil.CONN_LISTEN
    }
    assert listening == {("0.0.0.0", issues.port)}  # noqa: S104  # as the contract has it
    # Another address of this machine, which is not the one that a server listens on by itself.
    assert httpx2.get(f"http://127.8.0.1:{issues.port}/healthz").status_code == 200
    assert issues.seconds < START_SECONDS


def test_a_connection_is_kept_longer_than_a_proxy_keeps_it(issues: Running) -> None:
    assert KEEP_ALIVE_SECONDS >= POOL_SECONDS
    with closing(HTTPConnection("127.0.0.1", issues.port, timeout=5)) as connection:
        connection.connect()
        for _ in range(3):
            opened = connection.sock
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            answer.read()
            assert (answer.status, answer.getheader("Connection"), answer.version) == (200, None, 11)
            assert connection.sock is opened


def test_http_1_0_is_served(issues: Running) -> None:
    """Without ``Host``; and the connection is closed, since nobody asked to keep it."""
    (answer,) = talk(issues.url, [b"GET /readyz HTTP/1.0\r\n\r\n"])
    assert (answer.status, answer.headers["connection"]) == (200, "close")


@pytest.mark.parametrize("headers", PROBES.values(), ids=PROBES.keys())
def test_the_platforms_probes_are_answered(issues: Running, headers: dict[str, str]) -> None:
    """Queue-proxy and the activator answer their own; whatever comes through is a request like any other."""
    with httpx2.Client(base_url=issues.url, headers=headers) as client:
        answers = {path: client.get(path) for path in ("/healthz", "/readyz", "/api/issues", "/")}
    assert {path: answer.status_code for path, answer in answers.items()} == {
        "/healthz": 200,
        "/readyz": 200,
        "/api/issues": 401,
        "/": 404,
    }


@pytest.mark.parametrize("host", HOSTS)
def test_every_host_is_served_and_never_named(issues: Running, crowd: People, host: str) -> None:
    """What a client is told to go to must not be the name that the function has inside."""
    admin = crowd.admin()
    headers = {"Host": host, "Authorization": f"Bearer {admin.token}"}
    with httpx2.Client(base_url=issues.url, headers=headers) as client:
        made = client.post(f"/api/projects/{admin.project()['id']}/issues", json={"title": "Where am I?"})
        lists = client.get("/api/issues", params={"limit": 1})
    assert (made.status_code, lists.status_code) == (201, 200)
    assert made.headers["Location"] == f"/api/issues/{made.json()['id']}"
    links = re.findall(r"<([^>]*)>", lists.headers["Link"])
    assert links
    assert all(link.startswith("/api/issues?") for link in links)
    name = host.partition(":")[0] if not host.startswith("[") else host
    for answer in (made, lists):
        named = [value for value in answer.headers.values() if name != "issues" and name in value]
        assert (named, name != "issues" and name in answer.text) == ([], False)


@pytest.mark.parametrize("hops", HOPS.values(), ids=HOPS.keys())
def test_the_client_is_found_behind_every_hop(crowd: People, auth: Running, hops: str | tuple[str, ...]) -> None:
    admin = crowd.admin()
    lines = [hops] if isinstance(hops, str) else list(hops)
    answer = httpx2.post(
        f"{auth.url}/api/auth/login",
        json={"username": admin.username, "password": PASSWORD},
        headers=[("X-Forwarded-For", line) for line in lines],
    )
    sessions = httpx2.get(
        f"{auth.url}/api/auth/sessions", headers={"Authorization": f"Bearer {answer.json()['access_token']}"}
    )
    (current,) = (session for session in sessions.json()["items"] if session["current"])
    assert current["ip"] == CLIENT


@pytest.fixture(scope="module")
def auth(environ: Environ, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with started(environ, "auth", tmp_path_factory.mktemp("auth")) as running:
        yield running


def test_every_line_is_json_and_names_service_and_revision(life: Life) -> None:
    """From the first line, before it serves, to the last."""
    lines = [json.loads(line) for line in life.out.splitlines()]
    function = lines[0]["function"]
    assert {line["message"] for line in lines} > {"request"}
    assert {(line["function"], line.get("service"), line.get("revision")) for line in lines} == {
        (function, function, f"{function}-00001")
    }
    assert (life.err, life.code) == ("", 0)


def test_elsewhere_no_line_has_them(environ: Environ) -> None:
    variables = {**base_environ(environ, "issues"), "FUNCTION": "issues", "LOG_LEVEL": "info", "PORT": str(free_port())}
    with process(["functions"], variables) as running:
        wait_until_ready(running, int(variables["PORT"]))
        running.send_signal(signal.SIGTERM)
        out, _ = running.communicate(timeout=20)
    assert out
    assert all({"service", "revision"}.isdisjoint(json.loads(line)) for line in out.splitlines())


def test_nothing_is_written(life: Life) -> None:
    """Neither where it runs, nor at home, nor where temporary files go."""
    assert life.after == life.before
    assert set(life.before) == {".", "work", "home", "tmp"}
