"""Pods of the manifests, run by a container engine as a node would run them: user, root, variables, mounts, names.

What a cluster does round them is left out or played: Services are names in one network, Knative is the variable PORT.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.engine import in_memory, remove, security, variables, wait_until
from tests.containers.conftest import Stack
from tests.support import knative_stub
from tests.support.api import JSON
from tests.support.kubernetes_api import Api
from tests.support.manifests import NAMESPACE, Object, Rendering, container, untagged

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
DOMAIN = f"{NAMESPACE}.svc.cluster.local"
SUBNET = "10.213.77"
NETWORK, HOST, NAME_SERVER = f"{SUBNET}.0/24", f"{SUBNET}.1", f"{SUBNET}.2"
"""Addresses that are known beforehand: an engine's own name server can be silent for a while."""
HTTP = 80
"""The port of a Knative Service; here the function listens on it itself."""
VOLUME_MODE = 0o777
"""As a node makes an empty volume: the pod, whoever it is, may write there."""


@dataclass
class Node:
    """Where the pods of a rendering run."""

    stack: Stack
    rendering: Rendering
    directory: Path
    prefix: str
    """Of the names of network and containers."""
    published: Mapping[str, int]
    """The port of a pod that is published on 127.0.0.1, for each that is."""
    started: list[str] = field(default_factory=list)
    api: Api = field(init=False)
    """Kubernetes' own, which has the Secrets."""

    def open(self) -> None:
        """Make the network, and what tells the pods where the others are, as the name server of a cluster does."""
        # What a run that was killed has left behind.
        for left in self.stack.command("ps", "--all", "--quiet", f"--filter=name={self.prefix}-").stdout.split():
            remove(self.stack, left)
        self.stack.command("network", "rm", self.prefix, check=False)
        self.stack.command("network", "create", f"--subnet={NETWORK}", self.prefix)
        names = [f"{name}={address}" for pod, address in self._addresses().items() for name in self._names(pod)]
        self._run(
            f"{self.prefix}-names",
            f"--ip={NAME_SERVER}",
            "--user=0",  # for the port
            f"--volume={knative_stub.__file__}:/stub.py:ro",
            "--entrypoint=python",
            self.stack.image,
            "/stub.py",
            *names,
        )
        path = self.directory / "resolv.conf"
        path.write_text(f"nameserver {NAME_SERVER}\nsearch {DOMAIN}\noptions ndots:5\n", encoding="utf-8")

    def pods(self) -> Iterator[tuple[str, Object, Object]]:
        """Each pod: "kind-name", the metadata, the spec."""
        for name, metadata, spec in self.rendering.pods():
            yield untagged(name).lower().replace("/", "-"), metadata, spec

    def start(self, wanted: str) -> str:
        """Start a pod once its Secrets are there, and return its container's name."""
        spec = next(spec for name, _, spec in self.pods() if name == wanted)
        only = container(spec)
        function = wanted.partition("-")[2] if wanted.startswith("service-") else None
        told = variables(self.rendering, only)
        options = list(security(spec))
        if function:
            told |= {"PORT": str(HTTP), "K_SERVICE": function, "K_REVISION": f"{function}-00001"}
            options.append("--sysctl=net.ipv4.ip_unprivileged_port_start=0")
        if spec["automountServiceAccountToken"]:
            told |= {"KUBERNETES_SERVICE_HOST": HOST, "KUBERNETES_SERVICE_PORT": str(self.api.port)}
            options.append(f"--volume={self.api.account}:{ACCOUNT}:ro")
        if wanted in self.published:
            options.append(f"--publish=127.0.0.1::{self.published[wanted]}")
        entrypoint, *arguments = only.get("command", [""])
        if entrypoint:
            options.append(f"--entrypoint={entrypoint}")
        name = f"{self.prefix}-{wanted}-{len(self.started)}"
        self._run(
            name,
            *(self._place(wanted) if self._names(wanted) else ()),
            f"--volume={self.directory / 'resolv.conf'}:/etc/resolv.conf:ro",
            *(f"--env={key}={value}" for key, value in told.items()),
            *options,
            *self._mounts(wanted, spec),
            only["image"],
            *arguments,
            *only.get("args", ()),
        )
        return name

    def finish(self, wanted: str, *, seconds: float = 120) -> tuple[int, str]:
        """Run a pod that ends to its end: its exit code and what it said."""
        name = self.start(wanted)
        return self.ended(name, seconds), self.said(name)

    def ended(self, name: str, seconds: float = 120) -> int:
        """The exit code of a container that is ending."""
        wait_until(
            lambda: self.state(name)["Status"] == "exited", seconds, lambda: f"{name} does not end: {self.said(name)}"
        )
        return int(self.state(name)["ExitCode"])

    def state(self, name: str) -> JSON:
        """What the engine says of a container."""
        (line,) = self.stack.command("inspect", "--format={{json .State}}", name).stdout.splitlines()
        found: JSON = json.loads(line)
        return found

    def said(self, name: str) -> str:
        """A container's output."""
        told = self.stack.command("logs", name, check=False)
        return told.stdout + told.stderr

    def signal(self, name: str, signal: str = "TERM") -> None:
        """Send a signal to a container's first process, as a node does that takes a pod away."""
        self.stack.command("kill", f"--signal={signal}", name)

    def is_probed_well(self, wanted: str, name: str, probe: str) -> bool:
        """Whether a probe of a running pod that asks by HTTP or by a command says yes."""
        spec = next(spec for pod, _, spec in self.pods() if pod == wanted)
        told = container(spec)[probe]
        if "exec" in told:
            return self.stack.execute(name, *told["exec"]["command"], check=False).returncode == 0
        port = HTTP if wanted.startswith("service-") else 8081
        code = f"import urllib.request as u; u.urlopen('http://127.0.0.1:{port}{told['httpGet']['path']}', timeout=3)"
        return self.stack.python(name, code).returncode == 0

    def stop(self) -> None:
        """Take everything away."""
        for name in reversed(self.started):
            remove(self.stack, name)
        self.stack.command("network", "rm", self.prefix, check=False)

    def _run(self, name: str, *arguments: str) -> None:
        self.started.append(name)
        self.stack.command("run", "--detach", f"--name={name}", f"--network={self.prefix}", *arguments)

    def _addresses(self) -> dict[str, str]:
        """Where each pod is. What is started again is there again."""
        return {name: f"{SUBNET}.{number}" for number, (name, _, _) in enumerate(self.pods(), start=10)}

    def _place(self, wanted: str) -> Iterator[str]:
        """Where others look for it, at the same hardware address, so that no neighbour keeps the old one."""
        address = self._addresses()[wanted]
        yield f"--ip={address}"
        yield f"--mac-address=02:00:00:00:77:{int(address.rpartition('.')[2]):02x}"

    def _names(self, wanted: str) -> list[str]:
        """By which names of Services a pod is found."""
        if wanted.startswith("service-"):
            return [f"{wanted.removeprefix('service-')}.{DOMAIN}"]
        labels = next(metadata["labels"] for name, metadata, _ in self.pods() if name == wanted)
        return [
            f"{name}.{DOMAIN}"
            for name, service in self.rendering.of("Service", "").items()
            if service["spec"]["selector"].items() <= labels.items()
        ]

    def _mounts(self, pod: str, spec: Object) -> Iterator[str]:
        volumes = {volume["name"]: volume for volume in spec.get("volumes", ())}
        group = spec.get("securityContext", {}).get("fsGroup")
        for mount in container(spec).get("volumeMounts", ()):
            # What is not declared is claimed, and outlives the pod.
            volume, path = volumes.get(mount["name"], {"persistentVolumeClaim": {}}), mount["mountPath"]
            if volume.get("emptyDir", {}).get("medium") == "Memory":
                yield in_memory(volume, path)
                continue
            claim = volume.get("persistentVolumeClaim", {}).get("claimName", f"{pod}-{mount['name']}")
            place = self.directory / (
                claim if "persistentVolumeClaim" in volume else f"{pod}-{len(self.started)}-{claim}"
            )
            place.mkdir(exist_ok=True)
            place.chmod(VOLUME_MODE)
            for name, content, mode in self._files(volume):
                (place / name).write_bytes(content)
                (place / name).chmod(mode)
                self._give(place / name, group)
            yield f"--volume={place}:{path}{':ro' if mount.get('readOnly') else ''}"

    def _files(self, volume: Object) -> Iterator[tuple[str, bytes, int]]:
        if "configMap" in volume:
            data = self.rendering.of("ConfigMap")[volume["configMap"]["name"]]["data"]
            yield from ((name, text.encode(), 0o644) for name, text in data.items())
        elif "secret" in volume:
            told = volume["secret"]
            name = told["secretName"]
            wait_until(lambda: name in self.api.kept, 60, lambda: f"nobody makes the Secret {name}")
            files = self.api.files(name)
            items = told.get("items") or [{"key": key, "path": key} for key in files]
            yield from ((item["path"], files[item["key"]], told.get("defaultMode", 0o644)) for item in items)

    @staticmethod
    def _give(path: Path, group: int | None) -> None:
        """To root, and to the pod's group, as a node does; who is not root here lets everybody read."""
        if os.geteuid() == 0:
            os.chown(path, 0, group or 0)
        else:
            path.chmod(0o444)
