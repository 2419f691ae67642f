"""``python -m delivery.tag``: whether a tag may become a release, what it is called, and what its notes are."""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

from delivery.contract.versions import Version
from shared import VERSION

CHANGELOG = Path("CHANGELOG.md")
REGISTRY = "ghcr.io"
MAIN = "origin/main"


class ReleaseError(Exception):
    """This must not be released; the text says what to do."""


def git(*arguments: str) -> str:
    """What git says.

    Raises:
        ReleaseError: it refuses.
    """
    ended = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607  # our own arguments
    if ended.returncode != 0:
        raise ReleaseError(f"git {' '.join(arguments)}: {ended.stderr.strip() or f'exit code {ended.returncode}'}")
    return ended.stdout.strip()


def notes(changelog: str, version: str) -> str:
    """The section of a version, without its heading.

    Raises:
        ReleaseError: there is none, or it has no date, or it says nothing.
    """
    found = re.search(rf"^## {re.escape(version)}\b(.*)\n((?:(?!## ).*\n?)*)", changelog, re.MULTILINE)
    if not found:
        raise ReleaseError(f"{CHANGELOG} has no section “## {version}, YYYY-MM-DD”: write it first")
    if not re.fullmatch(r", \d{4}-\d\d-\d\d", found[1].rstrip()):
        raise ReleaseError(f"{CHANGELOG}: the heading of {version} has to be “## {version}, YYYY-MM-DD”")
    if not found[2].strip():
        raise ReleaseError(f"{CHANGELOG}: the section of {version} is empty")
    return found[2].strip() + "\n"


def version_of(tag: str) -> Version | None:
    """What a tag such as v1.2.3 says; None where it says something else."""
    try:
        return Version.parse(tag[1:]) if tag.startswith("v") else None
    except ValueError:
        return None


def check(tag: str, version: str = VERSION) -> None:
    """Nothing where this tag of this commit may be released.

    Raises:
        ReleaseError: the tag is not the code's version, main does not have the commit, or the notes are missing.
    """
    found = version_of(tag)
    if found is None:
        raise ReleaseError(f"the tag {tag!r} is not of the form v1.2.3: name it v{version}")
    if found != Version.parse(version):
        raise ReleaseError(f"the tag says {tag}, VERSION in shared/__init__.py {version}: make them the same")
    try:
        git("merge-base", "--is-ancestor", "HEAD", MAIN)
    except ReleaseError:
        raise ReleaseError(f"the commit of {tag} is not on {MAIN}: merge it there first, then tag it") from None
    notes(CHANGELOG.read_text(encoding="utf-8"), version)


def image(version: str, repository: str) -> str:
    """The name of a release's image: a registry has lower case only, GitHub has not."""
    return f"{REGISTRY}/{repository.lower()}:{version}"


def newest(tags: str) -> str | None:
    """The highest version among the lines of ``git tag``; None where nothing was released yet."""
    highest = max(filter(None, map(version_of, tags.split())), default=None)
    return highest and ".".join(map(str, highest))


def tell(values: dict[str, str], output: str) -> None:
    """Write ``name=value`` lines to a file as GitHub reads a step's outputs, or print them."""
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    if output:
        with Path(output).open("a", encoding="utf-8") as file:
            file.write(lines)
    sys.stdout.write(lines)


def main(arguments: list[str] | None = None) -> int:
    """0 when done, 1 with one line where it must not be released, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m delivery.tag", description=__doc__.partition(": ")[2])
    commands = parser.add_subparsers(dest="command", required=True)
    checked = commands.add_parser("check", help="whether a tag may be released; its version and its image's name")
    checked.add_argument("tag", help="such as v1.2.3")
    commands.add_parser("notes", help="the section of CHANGELOG.md for this version")
    commands.add_parser("newest", help="the image of the newest tag, or nothing")
    for command in ("check", "newest"):
        commands.choices[command].add_argument(
            "--output", default="", metavar="FILE", help="also add them to this file"
        )
    given = parser.parse_args(arguments)
    repository = os.environ.get("GITHUB_REPOSITORY", "flycatcher/flycatcher")
    try:
        if given.command == "check":
            check(given.tag)
            tell({"version": VERSION, "image": image(VERSION, repository)}, given.output)
        elif given.command == "newest":
            released = newest(git("tag", "--list", "v*"))
            tell({"image": image(released, repository)} if released else {}, given.output)
        else:
            sys.stdout.write(notes(CHANGELOG.read_text(encoding="utf-8"), VERSION))
    except (ReleaseError, OSError) as error:
        print(f"tag: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
