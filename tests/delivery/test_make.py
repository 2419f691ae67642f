"""The Makefile: what comes by the environment arrives as it is, an installation that fails, what help tells of."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.manifests import ROOT

HOSTILE = "$(shell touch made) `touch made` $(touch made) '\"; touch made #"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A virtual environment whose Python prints its arguments, and in which nothing is to be installed."""
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    python.chmod(0o755)
    (tmp_path / "bin" / "pip").touch()
    shutil.copy(ROOT / "requirements" / "dev.txt", tmp_path / "installed")
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "VENV": str(tmp_path)}


def make(target: str, environ: dict[str, str]) -> str:
    command = ["make", "--no-print-directory", "--makefile", "Makefile", target]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)  # noqa: S603  # ours
    assert not (ROOT / "made").exists()
    return done.stdout


def test_deploy_takes_its_variables_as_they_are(environ: dict[str, str]) -> None:
    given = {"IMAGE": HOSTILE, "FUNCTIONS": HOSTILE, "OVERLAY": HOSTILE, "PAUSE": HOSTILE}
    assert make("deploy", {**environ, **given}).splitlines() == [
        "-m",
        "delivery.deploy",
        f"--image={HOSTILE}",
        f"--overlay={HOSTILE}",
        f"--functions={HOSTILE}",
        f"--pause={HOSTILE}",
    ]


def test_deploy_has_defaults(environ: dict[str, str]) -> None:
    assert make("deploy", {**environ, "IMAGE": "i"}).splitlines()[2:] == [
        "--image=i",
        "--overlay=production",
        "--functions=",
        "--pause=60",
    ]


def test_kubeconfig_writes_where_it_is_told(environ: dict[str, str], tmp_path: Path) -> None:
    target = tmp_path / HOSTILE.replace("/", "")
    given = {"CLUSTER_SERVER": HOSTILE, "CLUSTER_CA": HOSTILE, "AUDIENCE": HOSTILE, "KUBECONFIG": str(target)}
    assert make("kubeconfig", {**environ, **given}) == ""
    assert target.read_text().splitlines()[1:] == [
        "delivery.deploy.kubeconfig",
        f"--server={HOSTILE}",
        f"--ca={HOSTILE}",
        f"--audience={HOSTILE}",
    ]


PIP = """#!/bin/sh
case $2 in
pip)
    echo "Collecting a==1"
    {then} ;;
*) exec {python} "$@" ;;
esac
"""


def install(environ: dict[str, str], tmp_path: Path, then: str) -> "subprocess.CompletedProcess[str]":
    """Install, by a pip that collects one package and then does this."""
    (tmp_path / "installed").unlink()
    (tmp_path / "bin" / "python").write_text(PIP.format(then=then, python=sys.executable))
    command = ["make", "--no-print-directory", "install-local"]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)  # noqa: S603  # ours


def test_an_installation_tells_what_is_done(environ: dict[str, str], tmp_path: Path) -> None:
    done = install(environ, tmp_path, "echo 'Installing collected packages: a'")
    pins = len(re.findall(r"^[^ #]+==", (ROOT / "requirements" / "local.txt").read_text(), re.MULTILINE))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == [f"  fetching packages: {pins} of {pins}", "  unpacking"]
    assert (tmp_path / "installed").read_bytes() == (ROOT / "requirements" / "local.txt").read_bytes()


def test_a_pip_that_fails_is_heard_and_fails_the_installation(environ: dict[str, str], tmp_path: Path) -> None:
    done = install(environ, tmp_path, "printf 'ERROR: no a\\nnowhere\\n' >&2; exit 1")
    assert done.returncode == 2
    assert done.stderr.startswith("ERROR: no a\nnowhere\nmake: *** ")
    assert not (tmp_path / "installed").exists()


def test_help_tells_of_every_target_but_those_that_only_install() -> None:
    command = ["make", "--no-print-directory", "help"]
    makefile = (ROOT / "Makefile").read_text()
    there = set(re.findall(r"^([a-z-]+):(?! [A-Z]+ =)", makefile, re.MULTILINE))
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603  # ours
    lines = [re.fullmatch(r"(make ([a-z-]+) +)(\S.*)", line) for line in told.splitlines()]
    assert {line[2] for line in lines if line} == there - {"install-local", "install-dev", "install-loadtest"}
    assert len({len(line[1]) for line in lines if line}) == 1
    assert None not in lines
