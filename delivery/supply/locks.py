"""What requirements/*.txt pins, and what requirements/*.in asks for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
LAYERS = ("functions", "operations", "local", "dev")
"""Each holds what the one before it holds."""
INSTALLED = ("dev", "loadtest")
"""Between them all that is pinned: dev holds every other layer, the load test is an environment of its own."""
IMAGE: Mapping[str, str] = {
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "os_name": "posix",
    "sys_platform": "linux",
    "python_version": "3.13",
    "python_full_version": "3.13.0",
}
"""Where the image runs, by the words of markers."""
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VIA = re.compile(r"^    #(?: via|  ) (\S.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Pin:
    """One package of a lock."""

    name: str
    version: str
    marker: Marker | None
    hashes: tuple[str, ...]
    via: tuple[str, ...]
    """Who asks for it: names of packages, and ``-r FILE`` for what people ask for."""
    text: str

    def applies(self, environment: Mapping[str, str]) -> bool:
        """Whether it is installed there."""
        return self.marker is None or self.marker.evaluate(dict(environment))


def pins(layer: str, directory: Path = REQUIREMENTS) -> list[Pin]:
    """The packages that a layer is locked to, in the lock's order.

    Raises:
        ValueError: a line is no pin.
    """
    text = (directory / f"{layer}.txt").read_text(encoding="utf-8")
    return [_pin(block) for block in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]]


def _pin(block: str) -> Pin:
    line = block.partition("\\")[0].strip()
    requirement = Requirement(line)
    version = re.fullmatch(r"==([^,*]+)", str(requirement.specifier))
    if version is None:
        raise ValueError(f"{line!r} pins no version")
    return Pin(
        name=canonicalize_name(requirement.name),
        version=version[1],
        marker=requirement.marker,
        hashes=tuple(_HASH.findall(block)),
        via=tuple(_VIA.findall(block)),
        text=block,
    )


def asked(layer: str) -> list[str]:
    """The names that people ask for in a layer itself."""
    lines = (REQUIREMENTS / f"{layer}.in").read_text(encoding="utf-8").splitlines()
    stripped = [line.partition("#")[0].strip() for line in lines]
    return [canonicalize_name(Requirement(line).name) for line in stripped if line and not line.startswith("-")]
