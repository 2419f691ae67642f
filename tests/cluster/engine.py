"""How a container engine is told what a manifest says of a container."""

import re
import time
from collections.abc import Callable, Iterator

from tests.containers.conftest import Stack
from tests.support.manifests import NAMESPACE, Object, Rendering, container, quantity

POLL_SECONDS = 0.1
OUT_OF_THE_WAY = {
    "LOGIN_LIMIT_PER_MINUTE": "1000",
    "RATE_LIMIT_PER_MINUTE": "100000",
    "GATEWAY_REQUESTS_PER_SECOND": "10000",
}
"""The tests ask for more than a client does."""


def variables(rendering: Rendering, told: Object) -> dict[str, str]:
    """Those of a container: ConfigMaps first, then its own, which may refer to those above them."""
    made: dict[str, str] = {}
    for source in told.get("envFrom", ()):
        made |= rendering.of("ConfigMap")[source["configMapRef"]["name"]]["data"]
    for variable in told.get("env", ()):
        if "valueFrom" in variable:
            assert variable["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.namespace"}}
            made[variable["name"]] = NAMESPACE
        else:
            text = variable["value"]
            made[variable["name"]] = re.sub(r"\$\((\w+)\)", lambda found: made.get(found[1], found[0]), text)
    return {name: OUT_OF_THE_WAY.get(name, value) for name, value in made.items()}


def security(spec: Object) -> Iterator[str]:
    """How an engine is told as whom a pod runs, and what it may not do."""
    told = {**spec.get("securityContext", {}), **container(spec)["securityContext"]}
    assert (told["runAsNonRoot"], told["allowPrivilegeEscalation"]) == (True, False)
    assert (told["readOnlyRootFilesystem"], told["capabilities"]) == (True, {"drop": ["ALL"]})
    yield f"--user={told['runAsUser']}:{told['runAsGroup']}"
    yield from ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")
    if "fsGroup" in told:
        yield f"--group-add={told['fsGroup']}"
    yield f"--memory={quantity(container(spec)['resources']['limits']['memory']):.0f}"


def in_memory(volume: Object, path: str) -> str:
    """How an engine is told of an emptyDir in memory."""
    return f"--tmpfs={path}:size={quantity(volume['emptyDir']['sizeLimit']):.0f},mode=1777"


def remove(stack: Stack, name: str) -> None:
    """Take a container away, at once."""
    stack.command("kill", name, check=False)
    stack.command("rm", "--force", "--volumes", name, check=False)


def wait_until(is_so: Callable[[], bool], seconds: float, told: Callable[[], str]) -> None:
    """Ask until it is so; fail with what ``told`` says when it is not in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, told()
        time.sleep(POLL_SECONDS)  # polled; the deadline is above
