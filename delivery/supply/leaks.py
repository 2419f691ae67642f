"""Whether a secret is in the files or was ever committed: ``python -m delivery.supply.leaks``. It asks no network."""

import argparse
import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ALLOWED: Mapping[str, str] = {
    "17394523306724574501": "tests/security/test_redaction.py: how a private key begins, without any key",
}
"""Fingerprints of findings that are no secrets, and why. What is in a file of today is allowed there, by a comment
``kingfisher:ignore`` with the reason; this table is for what only old commits have."""

_FOUND = {0, 200, 205}
"""Kingfisher's exit codes after a scan: nothing found, something, something that was tried out."""
_GIT = ("git", "-c", "user.name=check", "-c", "user.email=check@example.org", "-c", "commit.gpgsign=false")


class ScanError(Exception):
    """Nothing can be said; the text says why."""


@dataclass(frozen=True)
class Finding:
    """Something that looks like a secret."""

    fingerprint: str
    rule: str
    path: str
    line: int
    commit: str

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" + (f" in commit {self.commit[:10]}" if self.commit else "")
        return f"{where}: {self.rule}, fingerprint {self.fingerprint}"


def scan(path: Path, rules: Path) -> list[Finding]:
    """What is in a directory, or in the whole history of a bare repository; ``rules`` keeps the compiled rules.

    Raises:
        ScanError: Kingfisher fails.
    """
    report = rules.with_suffix(".json")
    options = ["--no-validate", "--no-update-check", "--redact", "--format", "json", "--output", str(report)]
    done = subprocess.run(  # noqa: S603  # the program of our own environment
        [Path(sys.executable).with_name("kingfisher"), "scan", ".", *options],
        cwd=path,
        env={**os.environ, "KF_RULE_CACHE_DIR": str(rules)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in _FOUND:
        raise ScanError(
            f"kingfisher ends with {done.returncode}: {(done.stderr.splitlines() or ['and says nothing'])[-1]}"
        )
    return [
        Finding(
            fingerprint=item["finding"]["fingerprint"],
            rule=item["rule"]["name"],
            path=item["finding"]["path"].removeprefix("./"),
            line=item["finding"]["line"],
            commit=item["finding"].get("git_metadata", {}).get("commit", {}).get("id", ""),
        )
        for item in json.loads(report.read_text(encoding="utf-8"))["findings"]
    ]


def copy_files(root: Path, target: Path) -> None:
    """Copy the files of a repository that are committed or could be; what is ignored holds secrets by right."""
    for name in _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        source = root / name
        if name and source.is_file() and not source.is_symlink():
            copied = target / name
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_bytes(source.read_bytes())


def copy_history(root: Path, target: Path) -> None:
    """Copy all commits, and nothing that no commit has: Kingfisher reads those of a bare repository alone."""
    _git(root, "clone", "--quiet", "--mirror", "--no-local", ".", str(target))


def check(work: Path, rules: Path) -> None:
    """Plant secrets, in files and in a commit that takes them back, and look for them.

    Raises:
        ScanError: one is not found.
    """
    token = hashlib.sha256(b"flycatcher").digest()
    letters = base64.b32encode(token).decode()
    key = base64.b64encode(token * 3).decode()
    planted = {
        "key-of-aws": f"aws_access_key_id = AKIA{letters[:16]}\naws_secret_access_key = {key[:40]}\n",
        "token-of-github": f"token = ghp_{token.hex()[:36]}\n",
        "url-with-password": f"url = postgresql://app:{token.hex()[:20]}@db.flycatcher.dev/app\n",
        "private-key": f"-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n",
    }
    files, taken_back = work / "planted", work / "taken-back"
    for directory in (files, taken_back):
        directory.mkdir()
        for name, text in planted.items():
            (directory / name).write_text(text, encoding="utf-8")
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=in"], ["rm", "--quiet", "*"]):
        _git(taken_back, *command)
    _git(taken_back, "commit", "--quiet", "--message=out")
    copy_history(taken_back, work / "taken-back.git")
    for path, where in ((files, "a file"), (work / "taken-back.git", "a commit")):
        missed = planted.keys() - {Path(finding.path).name for finding in scan(path, rules)}
        if missed:
            raise ScanError(f"a planted {min(missed)} is not found in {where}: the scan cannot be trusted")


def findings(root: Path, work: Path, rules: Path) -> list[Finding]:
    """What is in the files of a repository and in all its commits, and not allowed.

    Raises:
        ScanError: Kingfisher or git fails, or commits are missing here.
    """
    if _git(root, "rev-parse", "--is-shallow-repository").strip() != "false":
        raise ScanError("this clone has not the whole history: git fetch --unshallow")
    files, history = work / "files", work / "history.git"
    copy_files(root, files)
    copy_history(root, history)
    return [each for each in [*scan(files, rules), *scan(history, rules)] if each.fingerprint not in ALLOWED]


def _git(directory: Path, *arguments: str) -> str:
    done = subprocess.run([*_GIT, *arguments], cwd=directory, capture_output=True, text=True, check=False)  # noqa: S603  # our own words
    if done.returncode != 0:
        raise ScanError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def main(arguments: Sequence[str]) -> int:
    """Print what is found and return the exit code: 0 for nothing, 1 for something, 2 where nothing can be said."""
    parser = argparse.ArgumentParser(
        prog="python -m delivery.supply.leaks", description="Look for secrets in a repository's files and commits."
    )
    parser.add_argument("root", nargs="?", type=Path, default=Path(), help="where it is (default: here)")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        try:
            root: Path = args.root.resolve(strict=True)
            check(work, work / "rules")
            found = findings(root, work, work / "rules")
        except OSError as error:
            print(
                f"secrets: cannot use {error.filename}: {error.strerror}; make secrets has what it needs",
                file=sys.stderr,
            )
            return 2
        except ScanError as error:
            print(f"secrets: {error}", file=sys.stderr)
            return 2
    for finding in found:
        print(f"secrets: {finding}", file=sys.stderr)
    if found:
        print(
            "secrets: take it back and make a new one; what is no secret is allowed in delivery/supply/leaks.py",
            file=sys.stderr,
        )
        return 1
    print("secrets: none, neither in a file nor in a commit")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
