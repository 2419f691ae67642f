"""kubectl, as a program: what the cluster is asked and told."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delivery.deploy.errors import KubectlError

CALL_SECONDS = 60
REQUEST_SECONDS = 20
"""One question to the API's server."""

Object = dict[str, Any]


def program() -> str:
    """The kubectl of the variable KUBECTL, or the one beside this Python."""
    return os.environ.get("KUBECTL") or str(Path(sys.executable).with_name("kubectl"))


def kustomize(directory: Path) -> str:
    """What ``kubectl kustomize`` prints.

    Raises:
        KubectlError: it fails.
    """
    return _run(["kustomize", str(directory)])


@dataclass(frozen=True)
class Kubectl:
    """The cluster of the present context."""

    namespace: str

    def apply(self, objects: Sequence[Object]) -> list[Object]:
        """Apply objects in one call; they are answered as the cluster has them, with their status of before.

        Raises:
            KubectlError: the cluster refuses one, or is away.
        """
        if not objects:
            return []
        # One after another: of a List kubectl would judge the fields itself, by all schemas of the server.
        told = "\n".join(json.dumps(item) for item in objects)
        return _items(self._ask("apply", "--filename", "-", "--output", "json", told=told))

    def get(self, *names: str) -> list[Object]:
        """The objects ``kind/name`` that are there.

        Raises:
            KubectlError: the cluster refuses, or is away.
        """
        return _items(self._ask("get", *names, "--ignore-not-found", "--output", "json"))

    def run_in_gateway(self, command: Sequence[str]) -> str:
        """What a command prints in a pod of the gateway, whatever its exit code.

        Raises:
            KubectlError: it printed nothing.
        """
        return _run([*self._words(), "exec", "deployment/gateway", "--", *command], lenient=True)

    def await_gateway(self, seconds: float) -> None:
        """Wait until every pod of the gateway is of the newest kind.

        Raises:
            KubectlError: they are not after so many seconds.
        """
        words = ["rollout", "status", "deployment/gateway", f"--timeout={seconds or 1:g}s"]
        _run([*self._words(), *words], seconds=seconds + CALL_SECONDS)

    def undo_gateway(self, revision: str) -> None:
        """Take the gateway back to a revision of its Deployment; nothing happens where it is that one.

        Raises:
            KubectlError: the cluster refuses, or is away.
        """
        self._ask("rollout", "undo", "deployment/gateway", f"--to-revision={revision}")

    def _ask(self, *words: str, told: str | None = None) -> str:
        return _run([*self._words(), f"--request-timeout={REQUEST_SECONDS}s", *words], told=told)

    def _words(self) -> list[str]:
        return ["--namespace", self.namespace]


def _items(text: str) -> list[Object]:
    if not text.strip():
        return []
    found = json.loads(text)
    return list(found["items"]) if found["kind"] == "List" else [found]


def _run(words: list[str], *, told: str | None = None, seconds: float = CALL_SECONDS, lenient: bool = False) -> str:
    verb = next((word for word in words if word in {"kustomize", "apply", "get", "exec", "rollout"}), words[0])
    try:
        # In a group of its own: Ctrl-C is ours to hear, and kubectl ends when we say so.
        done = subprocess.run(  # noqa: S603  # the words are ours
            [program(), *words],
            input=told,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            process_group=0,
        )
    except subprocess.TimeoutExpired as error:
        raise KubectlError(f"kubectl {verb} did not end within {seconds:g} s") from error
    except OSError as error:
        raise KubectlError(
            f"kubectl cannot be run: {error}; make install-dev installs it, or KUBECTL names another"
        ) from error
    if done.returncode and not (lenient and done.stdout):
        raise KubectlError(f"kubectl {verb}: {_last_line(done.stderr)}")
    return done.stdout


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it failed and said nothing"])[-1]
