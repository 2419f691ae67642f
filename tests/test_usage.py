"""What every command does when it is asked for help or asked wrongly; bars on a terminal, and no colours."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.manifests import ROOT
from tests.support.terminal import Terminal

# Without those that take long to import: benchmarks, local.drift.
MODULES = (
    "operations",
    "operations.container",
    "operations.healthcheck",
    "functions",
    "local",
    "local.install",
    "loadtest.plot",
    "delivery.tag",
    "delivery.deploy",
    "delivery.deploy.github_token",
    "delivery.deploy.kubeconfig",
    "delivery.contract.diff",
    "delivery.supply.audit",
    "delivery.supply.leaks",
    "delivery.supply.outdated",
    "delivery.supply.sbom",
)
SCRIPTS = (
    *("browser", "containers", "knative", "lint", "manifests", "monitoring"),
    *("openapi-clients", "openapi-diff", "run", "servers"),
)
TAKE_ANYTHING = {".ci/containers", ".ci/servers"}
"""What they do not know is pytest's."""
COMMANDS = {
    **{f"python -m {module}": [sys.executable, "-m", module] for module in MODULES},
    **{f".ci/{name}": [f".ci/{name}"] for name in SCRIPTS},
}
ENVIRON = {"PATH": os.environ["PATH"], "TERM": "xterm"}
"""No setting, and no wish for colours."""
PIP = "Collecting a==1\nCollecting b==2\nInstalling collected packages: a, b\n"


def _run(name: str, argument: str) -> "subprocess.CompletedProcess[str]":
    command = [*COMMANDS[name], argument]
    return subprocess.run(command, cwd=ROOT, env=ENVIRON, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603  # ours


@pytest.mark.parametrize("name", COMMANDS)
def test_help_needs_nothing_and_does_nothing(name: str) -> None:
    told = _run(name, "--help")
    assert (told.returncode, told.stderr) == (0, "")
    usage, _, what = told.stdout.partition("\n")
    assert usage.startswith("usage: ")
    assert name in usage
    assert what.strip()
    assert "\x1b" not in told.stdout


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in TAKE_ANYTHING])
def test_what_is_not_known_is_refused_with_2(name: str) -> None:
    told = _run(name, "--no-such-option")
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.strip()
    assert "Traceback" not in told.stderr
    assert "\x1b" not in told.stderr


# (command, arguments, variables, exit code, the one line)
WRONG: tuple[tuple[str, list[str], dict[str, str], int, str], ...] = (
    ("python -m loadtest.plot", ["no.csv", "x.svg"], {}, 1, "make loadtest-steps writes one"),
    (
        "python -m delivery.contract.diff",
        ["no.json", "no.json"],
        {},
        2,
        "python -m operations openapi --output no.json",
    ),
    ("python -m delivery.tag", ["check", "1.0"], {}, 1, "name it v"),
    ("python -m delivery.supply.leaks", ["/nowhere"], {}, 2, "cannot use /nowhere: No such file or directory"),
    ("python -m operations", ["certificate", "/dev/null/x"], {}, 1, "cannot use /dev/null/x: Not a directory; name"),
    ("python -m operations.healthcheck", [], {"PORT": "http"}, 1, "PORT must be a whole number from 1 to 65535"),
    (".ci/servers", [], {}, 2, "POSTGRES is missing: make test-servers POSTGRES=postgres:15 REDIS=redis:7"),
    (".ci/servers", [], {"POSTGRES": "postgres:15"}, 2, "REDIS is missing: make test-servers"),
)


@pytest.mark.parametrize(("name", "arguments", "variables", "code", "said"), WRONG)
def test_what_is_wrong_is_one_line_with_what_to_do_next(
    name: str, arguments: list[str], variables: dict[str, str], code: int, said: str
) -> None:
    told = subprocess.run(  # noqa: S603  # our own program
        [*COMMANDS[name], *arguments],
        cwd=ROOT,
        env={**ENVIRON, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert told.returncode == code
    (line,) = (told.stdout + told.stderr).splitlines()
    assert said in line


def _on_terminal(command: list[str], told: str = "") -> str:
    """What a command sends to a terminal, in an environment that wants no colours (https://no-color.org)."""
    environ = {**ENVIRON, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    with Terminal() as terminal:
        subprocess.run(  # noqa: S603  # our own program
            command,
            cwd=ROOT,
            env=environ,
            input=told,
            text=True,
            check=True,
            stdout=terminal.file,
            stderr=terminal.file,
        )
        return terminal.shown().decode()


@pytest.fixture
def install(tmp_path: Path) -> list[str]:
    """The command of an installation of two packages."""
    requirements = tmp_path / "two.txt"
    requirements.write_text("a==1 \\\n    --hash=sha256:0\nb==2\n")
    return [sys.executable, "-m", "local.install", str(requirements)]


def test_a_terminal_sees_a_bar_and_no_colour_where_none_is_wanted(install: list[str]) -> None:
    shown = _on_terminal(install, PIP)
    half, full = f"{'█' * 12}{'░' * 12}", "█" * 24
    assert shown == f"  fetching packages  [{half}]  1 of 2\r  fetching packages  [{full}]  2 of 2\r\n  unpacking\r\n"
    assert "\x1b" not in _on_terminal([*COMMANDS["python -m delivery.deploy"], "--help"])


def test_a_pipe_gets_plain_lines(install: list[str]) -> None:
    done = subprocess.run(install, cwd=ROOT, env=ENVIRON, input=PIP, capture_output=True, text=True, check=True)  # noqa: S603  # ours
    assert (done.stdout, done.stderr) == ("  fetching packages: 2 of 2\n  unpacking\n", "")
