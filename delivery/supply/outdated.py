"""What is pinned and has a newer release: ``python -m delivery.supply.outdated``. It asks the network.

Newer is what `make lock` would pin today, so what another package does not allow yet is not missed. A pin is stale when
one of the newer releases is older than ``DAYS``.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from packaging.version import Version

from delivery.supply.locks import INSTALLED, REQUIREMENTS, Pin, pins
from shared.usage import take_no_arguments

DAYS = 180


class UnknownError(Exception):
    """Nothing can be said; the text says why."""


@dataclass(frozen=True, order=True)
class Step:
    """A package that would be pinned to another version today."""

    name: str
    pinned: str
    newest: str


_OLD = Step("six", "1.15.0", "1.17.0")
"""Of December 2024: where this is not stale, the index does not tell when its releases were made."""


def lock_anew(directory: Path) -> Path:
    """Lock a copy of the requirements in an empty directory, and return where it is.

    Raises:
        UnknownError: the index cannot be reached.
    """
    root = REQUIREMENTS.parent
    shutil.copy(root / "pyproject.toml", directory)
    copy = Path(shutil.copytree(REQUIREMENTS, directory / "requirements"))
    done = subprocess.run(  # noqa: S603  # our own recipe
        ["make", "--silent", "--assume-old=install-dev", "lock", f"REQUIREMENTS={copy}", f"VENV={sys.prefix}"],  # noqa: S607  # the make of this machine
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.lower().startswith("error")]
        raise UnknownError((said or [f"make lock ends with {done.returncode}"])[0])
    return copy


def steps(before: Iterable[Pin], after: Iterable[Pin]) -> list[Step]:
    """What the second lock has newer than the first, by name."""
    newest = {(pin.name, str(pin.marker)): pin.version for pin in after}
    return sorted(
        {
            Step(pin.name, pin.version, found)
            for pin in before
            if (found := newest.get((pin.name, str(pin.marker)))) and Version(found) > Version(pin.version)
        }
    )


def is_stale(step: Step) -> bool:
    """Whether one of the newer releases is older than ``DAYS``."""
    day = datetime.now(UTC).date() - timedelta(days=DAYS)
    done = subprocess.run(  # noqa: S603  # the program of our own environment
        [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "compile",
            "--no-config",
            "--no-deps",
            "--exclude-newer",
            day.isoformat(),
            "-",
        ],
        input=f"{step.name}>{step.pinned},<={step.newest}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0


def main() -> int:
    """Print the table and return the exit code: 0, 1 where a pin is stale, 2 where nothing can be said."""
    with tempfile.TemporaryDirectory() as directory:
        try:
            copy = lock_anew(Path(directory))
        except UnknownError as error:
            print(f"outdated: {error}", file=sys.stderr)
            return 2
        found = sorted({step for layer in INSTALLED for step in steps(pins(layer), pins(layer, copy))})
    with ThreadPoolExecutor(4) as pool:
        known, *stale = pool.map(is_stale, [_OLD, *found])
    for step, old in zip(found, stale, strict=True):
        told = f"a newer one is older than {DAYS} days" if old else ""
        print(f"{step.name:32}{step.pinned:16}{step.newest:16}{told}".rstrip())
    judged = f"{sum(stale)} for more than {DAYS} days" if known else "and the index does not tell since when"
    print(f"outdated: {len(found)} have a newer release, {judged}")
    return int(any(stale))


if __name__ == "__main__":
    take_no_arguments("python -m delivery.supply.outdated", "List what is pinned and has a newer release.")
    sys.exit(main())
