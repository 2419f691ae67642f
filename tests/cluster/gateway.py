"""The gateway as the manifests run it, without a cluster: its own container, beside one that stands in for Knative."""

import ssl
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import httpx2 as httpx

from operations.certificate import CERTIFICATE, make_certificate
from shared.settings import FUNCTION_NAMES
from tests.cluster.engine import in_memory, remove, security, variables
from tests.containers.conftest import Stack
from tests.support import knative_stub
from tests.support.api import JSON
from tests.support.manifests import NAMESPACE, Object, Rendering, container, render

SUFFIX = f".{NAMESPACE}.svc.cluster.local"


@dataclass(frozen=True)
class Cluster:
    """A gateway, and what stands behind it."""

    stack: Stack
    gateway: str
    """The container."""
    environment: dict[str, str]
    https: str
    http: str
    knative: str
    """The addresses of both of the gateway's ports, and of what stands in for Knative."""
    tls: ssl.SSLContext

    def client(self) -> httpx.Client:
        """Of the gateway, over TLS."""
        return httpx.Client(base_url=self.https, verify=self.tls, timeout=30)

    def seen(self) -> list[JSON]:
        """Every request that has come to a function."""
        found: list[JSON] = httpx.get(self.knative + knative_stub.SEEN).json()
        return found

    def seen_of(self, request_id: str) -> list[JSON]:
        """The same of one request."""
        return [request for request in self.seen() if ["x-request-id", request_id] in request["headers"]]


@contextmanager
def cluster(stack: Stack, overlay: str, **changed: str) -> Iterator[Cluster]:
    """Run the gateway of an overlay, but for these variables."""
    manifests = render(overlay)
    deployment = manifests.of("Deployment")["gateway"]
    assert deployment["metadata"]["namespace"] == NAMESPACE
    pod = deployment["spec"]["template"]["spec"]
    environment = {**variables(manifests, container(pod)), **changed}
    with ExitStack() as closing:
        directory = Path(closing.enter_context(TemporaryDirectory(prefix="flycatcher-cluster-")))
        directory.chmod(0o755)
        resolver = directory / "resolv.conf"
        resolver.write_text("nameserver 127.0.0.1\n", encoding="utf-8")
        mounts = [f"--volume={resolver}:/etc/resolv.conf:ro"]
        beside = closing.enter_context(_stub(stack, mounts))
        mounts += _mounts(manifests, pod, directory, [environment["GATEWAY_NAME"], "localhost"])
        gateway = closing.enter_context(_started(stack, _gateway(pod, environment, beside, mounts)))
        ports = {
            port: stack.command("port", beside, f"{port}/tcp").stdout.split()[0].rpartition(":")[2]
            for port in (80, 8080, 8443)
        }
        made = Cluster(
            stack=stack,
            gateway=gateway,
            environment=environment,
            https=f"https://localhost:{ports[8443]}",
            http=f"http://localhost:{ports[8080]}",
            knative=f"http://localhost:{ports[80]}",
            tls=ssl.create_default_context(cafile=str(directory / "tls" / CERTIFICATE)),
        )
        _wait_until_it_answers(made)
        yield made


def _stub(stack: Stack, mounts: list[str]) -> AbstractContextManager[str]:
    """What stands in for Knative; the gateway comes to share its network, as containers of a pod do."""
    names = [function + SUFFIX for function in FUNCTION_NAMES]
    return _started(
        stack,
        [
            "--user=0",  # for the ports
            *(f"--publish=127.0.0.1::{port}" for port in (80, 8080, 8443)),
            *mounts,
            f"--volume={knative_stub.__file__}:/stub.py:ro",
            "--entrypoint=python",
            stack.image,
            "/stub.py",
            *names,
        ],
    )


def _gateway(pod: Object, environment: dict[str, str], beside: str, mounts: list[str]) -> list[str]:
    """How an engine is told what the manifest says."""
    told = container(pod)
    entrypoint, *arguments = told["command"]
    return [
        f"--network=container:{beside}",
        *security(pod),
        *(f"--env={name}={value}" for name, value in environment.items()),
        *mounts,
        f"--entrypoint={entrypoint}",
        told["image"],
        *arguments,
    ]


def _mounts(manifests: Rendering, pod: Object, directory: Path, names: list[str]) -> list[str]:
    """The container's volumes, as files below ``directory``."""
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    options = []
    for mount in container(pod)["volumeMounts"]:
        volume, path = volumes[mount["name"]], mount["mountPath"]
        if "emptyDir" in volume:
            options.append(in_memory(volume, path))
            continue
        place = directory / mount["name"]
        place.mkdir()
        if "secret" in volume:
            assert volume["secret"]["secretName"] == "tls"
            make_certificate(place, names)
        else:
            for name, text in manifests.of("ConfigMap")[volume["configMap"]["name"]]["data"].items():
                (place / name).write_text(text, encoding="utf-8")
        for file in place.iterdir():
            file.chmod(0o444)  # in a cluster fsGroup lets the user in
        options.append(f"--volume={place}:{path}:ro")
    return options


@contextmanager
def _started(stack: Stack, arguments: list[str]) -> Iterator[str]:
    """A container that is gone afterwards."""
    name = f"flycatcher-{uuid4().hex}"
    try:
        yield stack.command("run", "--detach", f"--name={name}", *arguments).stdout.split()[-1]
    finally:
        remove(stack, name)


def _wait_until_it_answers(made: Cluster) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            with made.client() as client:
                assert client.get("/nothing").status_code == 404
            assert httpx.get(made.knative + knative_stub.SEEN).status_code == 200
            return
        except httpx.TransportError:
            told = made.stack.command("logs", made.gateway, check=False)
            assert time.monotonic() < deadline, told.stdout + told.stderr
            time.sleep(0.1)  # polled; the deadline is above
