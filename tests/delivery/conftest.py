"""A cluster that the real kubectl talks to, and releases that are brought to it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from delivery.deploy import main
from delivery.release import Image
from tests.support.cluster import Cluster, served
from tests.support.manifests import NAMESPACE

KUBECTL = Path(sys.executable).with_name("kubectl")
WRAPPER = f"""#!/bin/sh
# kubectl exec streams, which the stand-in does not: what curl is asked there goes to it as one question.
case " $* " in
*" exec "*)
    for word; do case $word in http://*) asked="$asked+$word" ;; esac; done
    exec {KUBECTL} get --raw "/exec?$asked" ;;
*) exec {KUBECTL} "$@" ;;
esac
"""
TIMES = ("--pause", "0", "--poll", "0.01", "--within", "5", "--smoke", "0.2")


def image(tag: str) -> str:
    """An image of a release."""
    return f"registry.example.com/flycatcher:{tag}@sha256:{tag.replace('.', ''):0>64}"


@dataclass
class Deployer:
    """Somebody who deploys to the cluster."""

    cluster: Cluster
    capsys: pytest.CaptureFixture[str]

    def __call__(self, tag: str, *more: str) -> tuple[int, str, str]:
        """Deploy the image of a tag: exit code, what was printed, what was said on stderr."""
        self.cluster.told.clear()
        code = main(["--image", image(tag), *TIMES, *more])
        return code, *self.capsys.readouterr()

    def started(self, tag: str, *more: str) -> "subprocess.Popen[str]":
        """The same in a process of its own."""
        self.cluster.told.clear()
        command = [sys.executable, "-m", "delivery.deploy", "--image", image(tag), *TIMES, *more]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603  # ours


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where kubectl is, as the tests have it, and keeps what it knows of the stand-in's kinds."""
    home = tmp_path_factory.mktemp("kubectl")
    wrapper = home / "kubectl"
    wrapper.write_text(WRAPPER)
    wrapper.chmod(0o755)
    return home


@pytest.fixture
def cluster(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """An empty cluster, which kubectl's present context is."""
    with ExitStack() as stack:
        cluster = stack.enter_context(served(NAMESPACE))
        config = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{cluster.port}"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c"}}],
            "current-context": "c",
        }
        (tmp_path / "config").write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **config}))
        for name, value in {"KUBECONFIG": tmp_path / "config", "KUBECTL": home / "kubectl", "HOME": home}.items():
            monkeypatch.setenv(name, str(value))
        yield cluster


@pytest.fixture
def deploy(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> Deployer:
    """Deploy to the cluster."""
    return Deployer(cluster, capsys)


__all__ = ["Deployer", "Image", "image", "os"]
