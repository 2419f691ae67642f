"""``make deploy`` and ``make kubeconfig``: what comes by the environment arrives as it is, whatever is in it."""

import os
import shutil
import subprocess
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
