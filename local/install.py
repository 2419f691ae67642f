"""What pip says while it installs, as a bar: ``pip install … | python -m local.install REQUIREMENTS``.

It runs before any package is there.
"""

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from local.progress import say
from operations.progress import Bar

_PIN = re.compile(r"^[A-Za-z0-9][^ ]*==", re.MULTILINE)
_TAKEN = ("Collecting ", "Processing ", "Requirement already satisfied: ", "Ignoring ")
"""What pip begins a package with; what it ignores is for other machines."""


def show(lines: Iterable[str], total: int) -> None:
    """Show how many of ``total`` packages pip has taken up, and when it unpacks them."""
    done = 0
    with Bar() as bar:
        for line in lines:
            if line.startswith(_TAKEN):
                done += 1
                bar("fetching packages", done, max(done, total))
            elif line.startswith("Installing "):
                if done < total:  # pip has other words for some
                    bar("fetching packages", total, total)
                say("  unpacking")


def main() -> int:
    """Read what pip says until it ends; 0, or 2 where the requirements cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m local.install", description="Show as a bar what pip says here.")
    parser.add_argument("requirements", type=Path, help="the file that pip installs; its pins are counted")
    requirements: Path = parser.parse_args().requirements
    try:
        total = len(_PIN.findall(requirements.read_text(encoding="utf-8")))
    except OSError as error:
        print(f"install: cannot read {requirements}: {error.strerror}", file=sys.stderr)
        return 2
    show(sys.stdin, total)
    return 0


if __name__ == "__main__":
    sys.exit(main())
