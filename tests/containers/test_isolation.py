"""Who reaches what: networks, secrets, files, rights."""

import json
from collections.abc import Iterator

import pytest

from shared.settings import FUNCTION_NAMES
from tests.containers.conftest import Stack

CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)"
RUNNING = (*FUNCTION_NAMES, "gateway", "postgres", "redis")


def _addresses(stack: Stack, container: str) -> dict[str, str]:
    """A container's address in each of its networks, by the network's short name."""
    (told,) = json.loads(stack.command("inspect", container).stdout)
    networks = told["NetworkSettings"]["Networks"]
    return {name.removeprefix(f"{stack.project}_"): network["IPAddress"] for name, network in networks.items()}


@pytest.fixture(params=["edge", "functions"])
def outsider(stack: Stack, request: pytest.FixtureRequest) -> Iterator[str]:
    """A container of ours in one network alone, such as somebody has who got into the gateway."""
    options = ["--detach", "--rm", "--network", f"{stack.project}_{request.param}", "--entrypoint", "python"]
    made = stack.command("run", *options, stack.image, "-c", "import time; time.sleep(600)").stdout.strip()
    yield made
    stack.command("rm", "--force", "--time=0" if "podman" in stack.engine else "--volumes", made)


@pytest.mark.parametrize("service", ["postgres", "redis"])
def test_the_data_is_reached_from_no_other_network(stack: Stack, outsider: str, service: str) -> None:
    port = {"postgres": "5432", "redis": "6379"}[service]
    address = _addresses(stack, stack.container(service))["data"]
    for target in (service, address):
        answer = stack.execute(outsider, "python", "-c", CONNECT, target, port, check=False)
        assert answer.returncode == 1, answer.stdout
    # The same attempt from where it is allowed, so that it is the network that refuses.
    assert stack.execute(stack.container("comments"), "python", "-c", CONNECT, address, port)


@pytest.mark.parametrize("service", FUNCTION_NAMES)
def test_a_function_has_no_way_out(stack: Stack, service: str) -> None:
    routes = stack.execute(stack.containers(service)[0], "cat", "/proc/net/route").stdout.splitlines()[1:]
    assert routes
    assert [line for line in routes if line.split()[1] == "00000000"] == []


@pytest.mark.parametrize("service", FUNCTION_NAMES)
def test_only_auth_has_the_private_key(stack: Stack, service: str) -> None:
    code = "import pathlib; print(*(p for p in pathlib.Path('/').rglob('*.pem') if 'site-packages' not in str(p)))"
    found = stack.python(stack.containers(service)[0], code).stdout.split()
    keys = [path for path in found if "private" in path]
    assert keys == (["/secrets/signing/private.pem"] if service == "auth" else [])


@pytest.mark.parametrize(
    ("service", "readable"),
    [
        ("auth", {"auth", "public", "signing"}),
        ("projects", {"projects", "public"}),
        ("issues", {"issues", "public"}),
        ("comments", {"comments", "public"}),
        ("gateway", {"tls"}),
        ("postgres", {"owner"}),
        ("redis", {"redis"}),
    ],
)
def test_a_container_has_the_secrets_that_it_needs(stack: Stack, service: str, readable: set[str]) -> None:
    found = stack.execute(stack.containers(service)[0], "sh", "-c", "cat /secrets/*/* >/dev/null && ls -d /secrets/*/*")
    assert {path.split("/")[2] for path in found.stdout.split()} == readable


@pytest.mark.parametrize("service", RUNNING)
def test_nobody_is_root_or_can_become_it(stack: Stack, service: str) -> None:
    status = stack.execute(stack.containers(service)[0], "cat", "/proc/1/status").stdout
    told = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert "0" not in told["Uid"].split()
    assert int(told["CapEff"], 16) == int(told["CapBnd"], 16) == 0
    assert told["NoNewPrivs"] == "1"


@pytest.mark.parametrize("service", RUNNING)
def test_the_root_file_system_cannot_be_written(stack: Stack, service: str) -> None:
    attempts = "for place in / /usr/ /etc/ /srv/ /opt/ /secrets/; do (: > ${place}probe) || echo refused; done"
    told = stack.execute(stack.containers(service)[0], "sh", "-c", attempts, check=False)
    assert told.stdout.split() == ["refused"] * 6
    mounts = stack.execute(stack.containers(service)[0], "cat", "/proc/mounts").stdout.splitlines()
    (root,) = [line.split()[3].split(",") for line in mounts if line.split()[1] == "/"]
    assert "ro" in root


@pytest.mark.parametrize("service", RUNNING)
def test_memory_and_processors_are_limited(stack: Stack, service: str) -> None:
    (told,) = json.loads(stack.command("inspect", stack.containers(service)[0]).stdout)
    assert 0 < told["HostConfig"]["Memory"] <= 512 * 1024**2
    assert told["HostConfig"]["NanoCpus"] or told["HostConfig"]["CpuQuota"]


@pytest.mark.parametrize("service", FUNCTION_NAMES)
def test_a_functions_role_owns_nothing_and_is_of_its_own_group_alone(stack: Stack, service: str) -> None:
    query = (
        "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole,"
        " (SELECT count(*) FROM pg_class WHERE relowner = pg_roles.oid),"
        " (SELECT string_agg(roleid::regrole::text, ' ') FROM pg_auth_members WHERE member = pg_roles.oid)"
        " FROM pg_roles WHERE rolname = "
    )
    command = ("psql", "-U", "flycatcher_owner", "-d", "flycatcher", "-Atc", f"{query}'flycatcher_{service}'")
    told = stack.execute(stack.container("postgres"), *command).stdout.strip()
    assert told == f"flycatcher_{service}|f|f|f|0|flycatcher_functions_{service}"


@pytest.mark.parametrize("service", FUNCTION_NAMES)
def test_a_function_signs_in_as_its_own_role(stack: Stack, service: str) -> None:
    query = "SELECT DISTINCT usename FROM pg_stat_activity WHERE client_addr = "
    command = ("psql", "-U", "flycatcher_owner", "-d", "flycatcher", "-Atc")
    address = _addresses(stack, stack.containers(service)[0])["data"]
    told = stack.execute(stack.container("postgres"), *command, f"{query}'{address}'").stdout.split()
    assert told == [f"flycatcher_{service}"]


def test_redis_lets_nobody_do_more_than_the_functions_do(stack: Stack) -> None:
    redis = stack.container("redis")
    assert stack.execute(redis, "redis-cli", "ping").stdout.strip() == "PONG"
    for command in (["config", "get", "*"], ["flushall"], ["keys", "*"], ["get", "x"]):
        assert "NOPERM" in stack.execute(redis, "redis-cli", *command, check=False).stdout


def test_only_the_gateway_is_published_and_on_this_machine_alone(stack: Stack) -> None:
    published = {}
    for service in RUNNING:
        (told,) = json.loads(stack.command("inspect", stack.containers(service)[0]).stdout)
        bindings = (told["HostConfig"]["PortBindings"] or {}).values()
        published[service] = {(bound["HostIp"], int(bound["HostPort"])) for found in bindings for bound in found or ()}
    expected: dict[str, set[tuple[str, int]]] = {service: set() for service in RUNNING}
    expected["gateway"] = {("127.0.0.1", stack.https_port), ("127.0.0.1", stack.http_port)}
    assert published == expected
