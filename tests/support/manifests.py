"""What ``kubectl kustomize`` makes of an overlay, and what a kubelet would make of a container in it."""

import re
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]

ROOT = Path(__file__).parents[2]
KUBECTL = Path(sys.executable).with_name("kubectl")


@cache
def rendered(overlay: str) -> Sequence[Manifest]:
    """Every object of an overlay; who asks must change none."""
    command = [str(KUBECTL), "kustomize", f"knative/overlays/{overlay}"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603  # our own files
    return [document for document in yaml.safe_load_all(told.stdout) if document]


def find(manifests: Sequence[Manifest], kind: str, name: str) -> Manifest:
    """The one object of this kind and name."""
    (found,) = (each for each in manifests if each["kind"] == kind and each["metadata"]["name"] == name)
    return found


def environment(manifests: Sequence[Manifest], workload: Manifest, container: Manifest) -> dict[str, str]:
    """The variables of a container: ConfigMaps first, then its own, which may refer to those above them."""
    made: dict[str, str] = {}
    for source in container.get("envFrom", []):
        made |= find(manifests, "ConfigMap", source["configMapRef"]["name"])["data"]
    for variable in container.get("env", []):
        if field := variable.get("valueFrom", {}).get("fieldRef"):
            assert field["fieldPath"] == "metadata.namespace"
            made[variable["name"]] = workload["metadata"]["namespace"]
        else:
            made[variable["name"]] = re.sub(
                r"\$\((\w+)\)", lambda found: made.get(found[1], found[0]), variable["value"]
            )
    return made
