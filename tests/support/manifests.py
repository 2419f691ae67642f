"""What kubectl makes of knative/: the objects of an overlay, and of an overlay to which components were added."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
OVERLAYS = ("trial", "production")
COMPONENTS = tuple(sorted(path.name for path in (ROOT / "knative" / "components").iterdir()))
NAMESPACE = "flycatcher"
KUBECTL = Path(sys.executable).with_name("kubectl")
"""That of this virtual environment."""

_QUANTITY = re.compile(r"(\d+)(m|Mi|Gi)?")
_UNITS = {None: 1.0, "m": 0.001, "Mi": 2.0**20, "Gi": 2.0**30}

Object = dict[str, Any]


@dataclass(frozen=True)
class Rendering:
    """Objects of one rendering."""

    objects: tuple[Object, ...]

    def of(self, kind: str, group: str | None = None) -> dict[str, Object]:
        """The objects of a kind by their names; ``group`` tells a Knative Service from Kubernetes' own."""
        found = [
            item
            for item in self.objects
            if item["kind"] == kind and (group is None or item["apiVersion"].rpartition("/")[0] == group)
        ]
        names = [item["metadata"]["name"] for item in found]
        assert len(set(names)) == len(names), f"two of one name: {sorted(names)}"
        return dict(zip(names, found, strict=True))

    @property
    def functions(self) -> dict[str, Object]:
        """The Knative Services."""
        return self.of("Service", "serving.knative.dev")

    def pods(self) -> Iterator[tuple[str, Object, Object]]:
        """Everything that makes pods: "Kind/name", the pods' metadata, the pods' spec."""
        for item in self.objects:
            outer = item.get("spec", {}).get("jobTemplate", item)
            template = outer.get("spec", {}).get("template") if isinstance(outer.get("spec"), dict) else None
            if isinstance(template, dict) and "containers" in template.get("spec", {}):
                yield f"{item['kind']}/{item['metadata']['name']}", template.get("metadata", {}), template["spec"]


@cache
def render(overlay: str, *added: str, edit: str | None = None) -> Rendering:
    """An overlay as it is, or with more components in its list, as somebody would write them there.

    ``edit`` are lines for the overlay's kustomization.yaml, in place of what it has under the same keys.
    """
    with TemporaryDirectory() as work:
        for part in ("knative", "gateway"):
            shutil.copytree(ROOT / part, Path(work, part))
        path = Path(work, "knative", "overlays", overlay, "kustomization.yaml")
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        told["components"] += [f"../../components/{name}" for name in added]
        if edit:
            told.update(yaml.safe_load(edit))
        path.write_text(yaml.safe_dump(told), encoding="utf-8")
        return Rendering(tuple(yaml.safe_load_all(kustomize(path.parent))))


def kustomize(directory: Path) -> str:
    """What ``kubectl kustomize`` prints."""
    command = [str(KUBECTL), "kustomize", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603  # our own files
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def in_overlay(overlay: str) -> set[str]:
    """The components that an overlay names."""
    told = yaml.safe_load((ROOT / "knative" / "overlays" / overlay / "kustomization.yaml").read_text(encoding="utf-8"))
    return {Path(name).name for name in told["components"]}


def combinations() -> list[tuple[str, Sequence[str]]]:
    """Each overlay alone, with each further component, and with all of them."""
    found: list[tuple[str, Sequence[str]]] = []
    for overlay in OVERLAYS:
        others = [name for name in COMPONENTS if name not in in_overlay(overlay)]
        found += [(overlay, ()), *((overlay, (name,)) for name in others), (overlay, tuple(others))]
    return found


def container(spec: Object) -> Object:
    """The one container of a pod."""
    (found,) = spec["containers"]
    assert isinstance(found, dict)
    return found


def untagged(name: str) -> str:
    """What makes a pod, without the release that is in the name of a Job."""
    return name.partition("-")[0] if name.startswith("Job/") else name


def quantity(text: object) -> float:
    """A quantity of Kubernetes, in processors or octets."""
    match = _QUANTITY.fullmatch(str(text))
    assert match, text
    return int(match[1]) * _UNITS[match[2]]


SMALLEST_AND_LARGEST = [found for found in combinations() if len(found[1]) != 1]
"""What holds of an overlay alone and of one with everything holds of those between."""


def named(rendered: tuple[str, Sequence[str]]) -> str:
    """How a rendering is called in a test's id."""
    overlay, added = rendered
    return f"{overlay} with all" if added else overlay
