"""What has changed in the API, and whether its clients would notice: ``python -m delivery.contract.diff BASE NOW``."""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delivery.contract.cases import BREAKING, COMPATIBLE
from delivery.contract.promises import without_new_promises
from delivery.contract.versions import may_break
from delivery.contract.words import in_words_of_3_0

_WARNING = 2
"""oasdiff's level of what breaks some clients; what breaks all of them is above it, what breaks none is below."""
_STATUS = re.compile(r"`[1-5]\d\d`")


class JudgeError(Exception):
    """Nothing can be said of the change; the text says why."""


@dataclass(frozen=True, order=True)
class Change:
    """One change."""

    where: str
    what: str
    breaking: bool


@dataclass(frozen=True)
class Judge:
    """oasdiff, which knows what breaks a client."""

    program: str

    def changes(self, base: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
        """What has changed, in order of path and method.

        Raises:
            JudgeError: oasdiff cannot be run or does not understand a document.
        """
        with tempfile.TemporaryDirectory() as directory:
            paths = []
            before, after = in_words_of_3_0(base), in_words_of_3_0(now)
            for name, document in (("base.json", before), ("now.json", without_new_promises(before, after))):
                paths.append(Path(directory, name))
                paths[-1].write_text(json.dumps(document), encoding="utf-8")
            options = ["--format", "json", "--flatten-allof", "--allow-external-refs=false"]
            try:
                done = subprocess.run(  # noqa: S603  # the program that we were given
                    [self.program, "changelog", *map(str, paths), *options], capture_output=True, text=True, check=False
                )
            except OSError as error:
                raise JudgeError(f"cannot run {self.program}: {error.strerror}; --oasdiff names it") from error
        if done.returncode != 0:
            raise JudgeError(f"oasdiff says: {done.stderr.strip() or done.returncode}")
        return _changes(json.loads(done.stdout or "[]"))

    def check(self, document: Mapping[str, Any]) -> None:
        """Change the document in ways whose judgement is known.

        Raises:
            JudgeError: one of them is judged wrongly.
        """
        for what, change in {**BREAKING, **COMPATIBLE}.items():
            changed = deepcopy(dict(document))
            change(changed)
            found = self.changes(document, changed)
            if not found and what in BREAKING:
                raise JudgeError(f"oasdiff does not see it when {what}")
            if any(each.breaking for each in found) != (what in BREAKING):
                raise JudgeError(f"oasdiff judges it wrongly when {what}")


def _changes(items: Sequence[Mapping[str, Any]]) -> list[Change]:
    """What oasdiff found; what it says of several statuses of one operation is one change."""
    statuses: dict[tuple[str, str, bool], set[str]] = {}
    for item in items:
        where = " ".join(filter(None, [item.get("operation"), item.get("path")])) or item["section"]
        what = where, _STATUS.sub("{}", item["text"], count=1), item["level"] >= _WARNING
        statuses.setdefault(what, set()).update(_STATUS.findall(item["text"])[:1])
    return sorted(
        Change(where, text.replace("{}", ", ".join(sorted(found)), 1) if found else text, breaking)
        for (where, text, breaking), found in statuses.items()
    )


def report(base: str, now: str, changes: Sequence[Change], *, same: bool) -> str:
    """The changes from a version to another in Markdown, what breaks first."""
    lines = [f"# The API from {base} to {now}" if base != now else f"# The API, {now}"]
    for title, breaking in (("Breaking changes", True), ("Other changes", False)):
        chosen = [f"- {change.where}: {change.what}" for change in changes if change.breaking is breaking]
        lines += ["", f"## {title}", "", *chosen] if chosen else []
    if not changes:
        lines += ["", "no change" if same else "no change that a client could notice; its words have changed"]
    if any(change.breaking for change in changes):
        allowed = may_break(base, now)
        lines += [
            "",
            f"The version announces that clients may break: {base} to {now}."
            if allowed
            else f"{now} promises that clients of {base} go on working: take nothing away, or raise the version.",
        ]
    return "\n".join(lines) + "\n"


def read(path: Path) -> Any:
    """A description of the API.

    Raises:
        JudgeError: there is none.
        ValueError: it is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        make = f"python -m operations openapi --output {path}"
        raise JudgeError(f"cannot read {path}: {error.strerror}; {make} makes it") from error


def main(arguments: Sequence[str]) -> int:
    """Print the changes; 0, or 1 where clients break and the version does not say so, or 2 where nobody can tell."""
    parser = argparse.ArgumentParser(prog="python -m delivery.contract.diff", description=__doc__.partition(": ")[0])
    parser.add_argument("base", type=Path, help="the description of the API as it was")
    parser.add_argument("now", type=Path, help="as it is")
    parser.add_argument("--oasdiff", default="oasdiff", help="the program (default: the one in the PATH)")
    parser.add_argument("--report", type=Path, help="write the changes into this file too")
    args = parser.parse_args(arguments)
    try:
        base, now = read(args.base), read(args.now)
        versions = base["info"]["version"], now["info"]["version"]
        judge = Judge(args.oasdiff)
        judge.check(now)
        changes = judge.changes(base, now)
        text = report(*versions, changes, same=base == now)
        if args.report is not None:
            args.report.write_text(text, encoding="utf-8")
    except (OSError, ValueError, JudgeError) as error:
        print(f"openapi-diff: {error}", file=sys.stderr)
        return 2
    sys.stdout.write(text)
    return int(any(change.breaking for change in changes) and not may_break(*versions))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
