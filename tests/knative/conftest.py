"""The trial in a cluster that has Knative: ``make test-knative`` makes both, and takes them down again."""

import json
import os
import ssl
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2 as httpx
import pytest

from tests.support.manifests import KUBECTL, NAMESPACE


@dataclass(frozen=True)
class Cluster:
    """What kubectl reaches by KUBECONFIG, and the way to the gateway."""

    address: str

    def get(self, *arguments: str) -> dict[str, Any]:
        """``kubectl get``, as JSON."""
        command = [str(KUBECTL), "--namespace", NAMESPACE, "get", *arguments, "--output", "json"]
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout  # noqa: S603  # our own arguments
        found: dict[str, Any] = json.loads(told)
        return found

    def pods(self, function: str) -> list[str]:
        """The pods of a function that are not on their way out."""
        found = self.get("pods", "--selector", f"serving.knative.dev/service={function}")["items"]
        return [pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]]


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    try:
        return Cluster(os.environ["KNATIVE_ADDRESS"])
    except KeyError:
        pytest.exit("These tests need a cluster with Knative: make test-knative", returncode=2)


@pytest.fixture(scope="session")
def tls(cluster: Cluster) -> ssl.SSLContext:
    """A context that trusts the certificate that the trial has made, and no other."""
    return ssl.create_default_context(cadata=b64decode(cluster.get("secret", "tls")["data"]["tls.crt"]).decode())


@pytest.fixture
def client(cluster: Cluster, tls: ssl.SSLContext) -> Iterator[httpx.Client]:
    """Of the gateway. A request may wait for a function that starts, which Knative lets it for a minute."""
    with httpx.Client(base_url=cluster.address, verify=tls, timeout=65) as made:
        yield made
