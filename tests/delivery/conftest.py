"""A cluster that the real kubectl talks to, and releases that are brought to it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from delivery.deploy import kubectl
from delivery.deploy.__main__ import main
from delivery.deploy.errors import KubectlError
from delivery.deploy.release import Image, divide, render
from tests.support.cluster import Cluster, Object, served
from tests.support.manifests import KUBECTL, NAMESPACE, ROOT

WRAPPER = f"""#!/bin/sh
# kubectl exec streams, which the stand-in does not: what curl is asked there goes to it as one question.
case " $* " in
*" exec "*)
    for word; do case $word in http://*) asked="$asked+$word" ;; esac; done
    exec {KUBECTL} get --raw "/exec?$asked" ;;
*) exec {KUBECTL} "$@" ;;
esac
"""
TIMES = ("--pause", "0", "--poll", "0.01", "--watch", "0.01", "--within", "5", "--smoke", "0.2")


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
    with served(NAMESPACE) as cluster:
        config = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{cluster.port}"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c"}}],
            "current-context": "c",
        }
        (tmp_path / "config").write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **config}))
        environ = {"KUBECONFIG": tmp_path / "config", "KUBECTL": home / "kubectl", "HOME": home}
        # A short life needs neither threads nor a garbage collection.
        for name, value in {**environ, "GOMAXPROCS": 1, "GOGC": "off"}.items():
            monkeypatch.setenv(name, str(value))
        yield cluster


@pytest.fixture
def deploy(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> Deployer:
    """Deploy to the cluster."""
    return Deployer(cluster, capsys)


@pytest.fixture
def near(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a process for each of kubectl's calls, which others try: what it would have made of them."""

    real = kubectl._run  # what is taken over

    def run(words: list[str], *, told: str = "", **_: object) -> str:
        if "kustomize" in words:
            return real(words)
        if cluster.is_gone:
            raise KubectlError("kubectl: the server is currently unable to handle the request")
        if "exec" in words:
            return cluster.smoke([word for word in words if word.startswith("http://")])
        if "apply" in words:
            found = [cluster.write(json.loads(line)) for line in told.splitlines()]
        else:
            found = [cluster.look(name) for name in words if name in cluster.kept]
        return json.dumps({"kind": "List", "items": found})

    monkeypatch.setattr("delivery.deploy.kubectl._run", run)


@pytest.fixture
def installed(cluster: Cluster, first_release: list[Object]) -> Cluster:
    """A cluster in which release 1.0.0 serves."""
    cluster.install(first_release)
    return cluster


@pytest.fixture(scope="session")
def rendered() -> Callable[[str, Image], str]:
    """The rendering, made once of each image."""
    return cache(render)


@pytest.fixture(autouse=True)
def rendered_once(rendered: Callable[[str, Image], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is deployed is rendered once of each image."""
    monkeypatch.setattr("delivery.deploy.__main__.render", rendered)


@pytest.fixture(scope="session")
def first_release(rendered: Callable[[str, Image], str]) -> list[Object]:
    """The objects of release 1.0.0."""
    release = divide(rendered("production", Image.parse(image("1.0.0"))), "1.0.0")
    return [*release.foundation, *release.functions.values(), *release.gateway]


@pytest.fixture(scope="session")
def targets() -> set[str]:
    """What ``make help`` tells of."""
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607  # the make of this machine
    return {line.split()[1] for line in told.splitlines()}
