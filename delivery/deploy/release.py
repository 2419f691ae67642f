"""What a release is made of: the objects of an overlay with its image, in the parts in which they are applied."""

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from delivery.deploy.errors import UsageError
from delivery.deploy.kubectl import kustomize
from shared.settings import FUNCTION_NAMES

ROOT = Path(__file__).parents[2]
OVERLAYS = ROOT / "knative" / "overlays"
NAME = "app.kubernetes.io/name"
BY_INSTALLATION = {"Namespace", "Role", "RoleBinding"}
"""What a person applies who may: who deploys makes no namespace and gives no rights."""
GATEWAY = {"Deployment", "Ingress"}
"""The gateway's, which come last: what is in front of the functions is exchanged when they are."""
SHARED = {"ConfigMap": "functions", "ServiceAccount": "flycatcher"}
"""What a function alone needs beside itself: the kind, and the beginning of the name."""

_IMAGE = re.compile(r"(?P<name>[a-z0-9][a-z0-9._:/-]*/flycatcher):(?P<tag>[^:@/]+)@(?P<digest>sha256:[0-9a-f]{64})")
_TAG = re.compile(r"[a-z0-9]([a-z0-9.-]{0,48}[a-z0-9])?")

Object = dict[str, Any]


@dataclass(frozen=True)
class Image:
    """An image of a registry, by tag and by digest."""

    name: str
    tag: str
    digest: str

    @classmethod
    def parse(cls, text: str) -> "Image":
        """Read ``REGISTRY/flycatcher:TAG@sha256:DIGEST``.

        Raises:
            UsageError: it is something else, or its tag cannot be the end of a Job's name.
        """
        match = _IMAGE.fullmatch(text)
        if match is None:
            raise UsageError(f"--image {text!r}: must be REGISTRY/flycatcher:TAG@sha256:DIGEST")
        if not _TAG.fullmatch(match["tag"]):
            raise UsageError(f"--image: the tag {match['tag']!r} ends a Job's name: a-z, 0-9, . and -, at most 50")
        return cls(**match.groupdict())


@dataclass(frozen=True)
class Release:
    """The objects of a release."""

    tag: str
    namespace: str
    foundation: list[Object]
    """What functions stand on, in the order of the rendering; with all functions the migration too."""
    functions: dict[str, Object]
    """The Knative Services."""
    gateway: list[Object]

    @property
    def migration(self) -> str | None:
        """The name of the migration Job, where there is one."""
        jobs = [item["metadata"] for item in self.foundation if item["kind"] == "Job"]
        return next((job["name"] for job in jobs if job["labels"][NAME] == "migrate"), None)


def chosen(text: str) -> tuple[str, ...]:
    """The functions of a list with commas; none where all are meant.

    Raises:
        UsageError: there is no such function.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in FUNCTION_NAMES:
            raise UsageError(f"--functions {name!r}: must be of {', '.join(FUNCTION_NAMES)}")
    return names


def render(overlay: str, image: Image) -> str:
    """What ``kubectl kustomize`` makes of the overlay with this image.

    Raises:
        UsageError: there is no such overlay.
        KubectlError: it cannot be rendered.
    """
    names = sorted(path.name for path in OVERLAYS.iterdir())
    if overlay not in names:
        raise UsageError(f"--overlay {overlay!r}: must be one of {', '.join(names)}")
    with TemporaryDirectory() as work:
        for part in ("knative", "gateway"):
            shutil.copytree(ROOT / part, Path(work, part))
        path = Path(work, "knative", "overlays", overlay, "kustomization.yaml")
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        others = [entry for entry in told.get("images", ()) if entry["name"] != "flycatcher"]
        ours = {"name": "flycatcher", "newName": image.name, "newTag": image.tag, "digest": image.digest}
        told["images"] = [*others, ours]
        path.write_text(yaml.safe_dump(told), encoding="utf-8")
        return kustomize(path.parent)


def divide(rendering: str, tag: str, functions: Iterable[str] = ()) -> Release:
    """Divide a rendering into its parts; with ``functions`` these alone and what they need."""
    objects = [item for item in yaml.safe_load_all(rendering) if item["kind"] not in BY_INSTALLATION]
    knative = [item for item in objects if item["apiVersion"].startswith("serving.knative.dev/")]
    gateway = [item for item in objects if item["kind"] in GATEWAY and item["metadata"]["name"] == "gateway"]
    rest = [item for item in objects if item not in knative and item not in gateway]
    only = set(functions)
    if only:
        knative = [item for item in knative if item["metadata"]["name"] in only]
        rest = [item for item in rest if _is_shared(item)]
    return Release(
        tag=tag,
        namespace=knative[0]["metadata"]["namespace"],
        foundation=rest,
        functions={item["metadata"]["name"]: item for item in knative},
        gateway=[] if only else gateway,
    )


def _is_shared(item: Object) -> bool:
    name: str = item["metadata"]["name"]
    beginning = SHARED.get(item["kind"])
    return beginning is not None and (name == beginning or name.startswith(f"{beginning}-"))
