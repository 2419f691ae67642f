"""The image: what is in it, what is not, and how it starts."""

import json
import re
import time
from subprocess import CompletedProcess
from uuid import uuid4

import pytest

from shared.settings import FUNCTION_NAMES
from tests.containers.conftest import Stack

COMMANDS = ("migrate", "seed", "create-admin", "secrets", "certificate", "keys", "connections", "openapi")
BUDGET_MIB = 180
"""Over the base."""


def _run(stack: Stack, *command: str, options: tuple[str, ...] = ()) -> CompletedProcess[str]:
    return stack.command("run", "--rm", "--network=none", *options, stack.image, *command, check=False)


def _shell(stack: Stack, script: str, *options: str) -> str:
    told = _run(stack, "-c", script, options=("--entrypoint=sh", *options))
    assert told.returncode == 0, told.stderr
    return told.stdout


def test_nothing_is_in_it_that_only_builds_or_tests(stack: Stack) -> None:
    tools = _shell(stack, "for tool in pip pip3 gcc cc make curl wget git; do command -v $tool; done; true")
    assert tools == ""
    find = "from importlib.util import find_spec; print(*filter(find_spec, ('pip', 'ensurepip', 'pytest', 'tests')))"
    assert _shell(stack, f'python -c "{find}"').strip() == ""
    assert _shell(stack, "find /srv /opt /usr/local -type d \\( -name tests -o -name test -o -name .git \\)") == ""


def test_every_module_has_bytecode_that_needs_no_source(stack: Stack) -> None:
    """PEP 552: the second word is 1. What had none would be compiled at each cold start, with nowhere to keep it."""
    code = (
        "import importlib.util as u, pathlib\n"
        "for root in ('/srv/flycatcher', '/opt/flycatcher/lib', '/usr/local/lib/python3.13'):\n"
        "    for path in pathlib.Path(root).rglob('*.py'):\n"
        "        made = pathlib.Path(u.cache_from_source(str(path)))\n"
        "        if not made.exists() or made.read_bytes()[4:8] != b'\\x01\\0\\0\\0': print(path)\n"
    )
    told = _run(stack, "-c", code, options=("--entrypoint=python",))
    assert (told.returncode, told.stderr) == (0, "")
    # Templates of projects that Alembic makes are no modules.
    assert [line for line in told.stdout.split() if "/templates/" not in line] == []


def test_whoever_runs_it_can_write_nothing_of_it(stack: Stack) -> None:
    search = "find / -xdev -writable ! -path '/proc/*' ! -path '/dev/*' ! -path '/sys/*' 2>/dev/null"
    user, *paths = _shell(stack, f"id -u; {search}; true").split()
    assert user == "10001"
    assert set(paths) <= {"/tmp", "/var/tmp", "/run/lock", "/var/lock", "/etc/mtab"}  # noqa: S108  # as every image has them


def test_it_says_what_it_is(stack: Stack) -> None:
    (told,) = json.loads(stack.command("image", "inspect", stack.image).stdout)
    config = told["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["python", "-m", "operations.container"]
    assert {"title", "description", "version", "revision"} <= {
        name.removeprefix("org.opencontainers.image.") for name in config["Labels"]
    }
    assert not [name for name in ("DATABASE_URL", "JWT_PRIVATE_KEY", "SEED_PASSWORD") if name in str(config["Env"])]


def test_it_is_small(stack: Stack) -> None:
    """What is over the base: the last layers of the history, up to the base's own command."""
    layers = stack.command("history", "--no-trunc", "--format", "{{.CreatedBy}}\t{{.Size}}", stack.image).stdout
    ours, _, _ = layers.partition('CMD ["python3"]')
    sizes = re.findall(r"\t([0-9.]+) ?([kM]?)B$", ours, re.MULTILINE)
    total = sum(float(number) * {"": 1, "k": 10**3, "M": 10**6}[unit] for number, unit in sizes)
    assert len(sizes) > 8
    assert 50 * 1024**2 < total < BUDGET_MIB * 1024**2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (None, "FUNCTION is missing; it is one of auth, projects, issues, comments, migrate, seed, create-admin"),
        ("", "FUNCTION is missing; it is one of auth"),
        ("isues", "FUNCTION isues is none of ours; it is one of auth"),
        ("tests", "FUNCTION tests is none of ours; it is one of auth"),
    ],
)
def test_a_function_that_there_is_not_is_one_line_and_exit_2(stack: Stack, name: str | None, said: str) -> None:
    told = _run(stack, options=() if name is None else (f"--env=FUNCTION={name}",))
    assert told.returncode == 2
    assert told.stdout == ""
    (line,) = told.stderr.splitlines()
    assert line.startswith(f"flycatcher: {said}")


@pytest.mark.parametrize("name", FUNCTION_NAMES)
def test_a_function_without_its_settings_is_one_line_and_exit_2(stack: Stack, name: str) -> None:
    told = _run(stack, options=(f"--env=FUNCTION={name}",))
    line = "DATABASE_URL is missing: set it, or DATABASE_URL_FILE to the path of a file that holds it"
    assert (told.returncode, told.stderr) == (2, f"flycatcher: {line}\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_operations_is_there(stack: Stack, name: str) -> None:
    told = _run(stack, "--help", options=(f"--env=FUNCTION={name}",))
    assert told.returncode == 0
    assert told.stdout.startswith(f"usage: python -m operations {name}")


def test_the_port_is_obeyed_and_sigterm_ends_it_with_0(stack: Stack) -> None:
    """Alone, without PostgreSQL and Redis, on a root that is read-only, and with no tmpfs at all."""
    keys = _shell(stack, "FUNCTION=keys python -m operations.container make /tmp/k >&2 && cat /tmp/k/public.json")
    settings = {
        "FUNCTION": "comments",
        "PORT": "9123",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "REDIS_URL": "redis://127.0.0.1:1",
        "JWT_PUBLIC_KEYS": keys,
    }
    name = f"flycatcher-{uuid4().hex}"
    stack.command(
        "run",
        "--detach",
        f"--name={name}",
        "--network=none",
        "--read-only",
        *(["--read-only-tmpfs=false"] if "podman" in stack.engine else []),
        *(f"--env={key}={value}" for key, value in settings.items()),
        stack.image,
    )
    try:
        ask = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9123/healthz').status)"
        deadline = time.monotonic() + 20
        while stack.python(name, ask).stdout.strip() != "200":
            assert time.monotonic() < deadline, stack.command("logs", name).stderr
        # PORT is read by the health check too, and PostgreSQL is not there.
        check = stack.execute(name, "python", "-m", "operations.healthcheck", check=False)
        assert (check.returncode, check.stdout.strip()) == (1, "HTTP/1.1 503 Service Unavailable")
        begun = time.monotonic()
        stack.command("stop", name)
        assert time.monotonic() - begun < 10
        (told,) = json.loads(stack.command("inspect", name).stdout)
        assert told["State"]["ExitCode"] == 0
    finally:
        stack.command("rm", "--force", name)
