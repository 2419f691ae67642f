"""What docker-compose.yml brought up: ``make test-containers`` builds and starts it, and takes it down again."""

import os
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from uuid import uuid4

import httpx2 as httpx
import pytest

from tests.support.story import bearer, sign_in


@dataclass(frozen=True)
class Stack:
    """A running project of compose, seen from the host."""

    engine: str
    """The command of the container engine: ``docker`` or what stands in for it."""
    project: str
    image: str
    https_port: int
    http_port: int

    @property
    def address(self) -> str:
        return f"https://localhost:{self.https_port}"

    @cached_property
    def certificate(self) -> str:
        """What the gateway shows, in PEM."""
        return self.execute(self.container("gateway"), "cat", "/secrets/tls/tls.crt").stdout

    def tls(self) -> ssl.SSLContext:
        """A context that trusts the gateway's certificate and no other."""
        return ssl.create_default_context(cadata=self.certificate)

    def containers(self, service: str) -> list[str]:
        """The ids of a service's running containers."""
        labels = {"project": self.project, "service": service}
        filters = [f"--filter=label=com.docker.compose.{name}={value}" for name, value in labels.items()]
        return self.command("ps", "--quiet", *filters).stdout.split()

    def container(self, service: str) -> str:
        """The id of a service's one container."""
        (found,) = self.containers(service)
        return found

    def execute(self, container: str, *command: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a command in a container."""
        return self.command("exec", container, *command, check=check)

    def python(self, container: str, code: str) -> "subprocess.CompletedProcess[str]":
        """Run Python in a container of the image; there is nothing else in it."""
        return self.execute(container, "python", "-c", code, check=False)

    def command(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """A command of the engine."""
        return subprocess.run([self.engine, *arguments], capture_output=True, text=True, check=check, timeout=120)  # noqa: S603  # our own engine


@pytest.fixture(scope="session")
def stack() -> Stack:
    try:
        return Stack(
            engine=os.environ["CONTAINER_ENGINE"],
            project=os.environ.get("COMPOSE_PROJECT_NAME", "flycatcher"),
            image=os.environ.get("IMAGE", "flycatcher:local"),
            https_port=int(os.environ.get("HTTPS_PORT", "8443")),
            http_port=int(os.environ.get("HTTP_PORT", "8080")),
        )
    except KeyError:
        pytest.exit("These tests need the containers: make test-containers", returncode=2)


@pytest.fixture(scope="session")
def tls(stack: Stack) -> ssl.SSLContext:
    return stack.tls()


@pytest.fixture
def client(stack: Stack, tls: ssl.SSLContext) -> Iterator[httpx.Client]:
    """Of the public entry, over HTTP/1.1."""
    with httpx.Client(base_url=stack.address, verify=tls, timeout=30) as made:
        yield made


@pytest.fixture(scope="session")
def manager(stack: Stack, tls: ssl.SSLContext) -> dict[str, str]:
    """The headers of a manager of the demo."""
    with httpx.Client(base_url=stack.address, verify=tls, timeout=30) as made:
        return bearer(sign_in(made, "manager1"))


@pytest.fixture
def project(client: httpx.Client, manager: dict[str, str]) -> str:
    """The id of a new project."""
    answer = client.post("/api/projects", headers=manager, json={"name": f"Containers {uuid4().hex}"})
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found
