"""What of a repository is looked at; that Kingfisher finds what is planted, `make secrets` proves at each run."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from delivery.supply.leaks import ALLOWED, ScanError, copy_files, copy_history, findings

COMMIT = ["-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "--quiet", "--allow-empty", "--message=x"]


def _git(directory: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=directory, check=True)  # noqa: S603, S607  # the git of this machine


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of two commits, with files that are committed, not yet committed, and ignored."""
    root = tmp_path / "repository"
    (root / "deep").mkdir(parents=True)
    for name in (".gitignore", "deep/committed", "taken away", "new", ".env"):
        (root / name).write_text(".env\n" if name != "new" else "new\n", encoding="utf-8")
    for command in (["init", "-q"], ["add", ".gitignore", "deep", "taken away"], COMMIT, COMMIT):
        _git(root, *command)
    (root / "taken away").unlink()
    (root / "link").symlink_to("/etc/hostname")
    return root


def test_what_could_be_committed_is_looked_at_and_what_is_ignored_is_not(repository: Path, tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    copy_files(repository, copied)
    assert {str(path.relative_to(copied)) for path in copied.rglob("*") if path.is_file()} == {
        ".gitignore",
        "deep/committed",
        "new",
    }


def test_what_no_commit_has_is_not_looked_at(repository: Path, tmp_path: Path) -> None:
    """Somebody's clone may keep what was never committed, and nobody else has it."""
    subprocess.run(["git", "hash-object", "-w", "new"], cwd=repository, check=True, stdout=subprocess.DEVNULL)  # noqa: S607  # the git of this machine
    copied = tmp_path / "copied.git"
    copy_history(repository, copied)
    kept = ["git", "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)"]
    told = subprocess.run(kept, cwd=copied, check=True, capture_output=True, text=True).stdout.split()  # noqa: S603  # the git of this machine
    # Of two commits: one tree with one in it, and one file in three places.
    assert Counter(told) == {"commit": 2, "tree": 2, "blob": 1}


def test_half_a_history_is_not_judged(repository: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    _git(tmp_path, "clone", "-q", "--depth=1", repository.as_uri(), str(shallow))
    with pytest.raises(ScanError, match="git fetch --unshallow"):
        findings(shallow, tmp_path, tmp_path)


def test_nothing_is_allowed_without_a_reason() -> None:
    assert all(fingerprint.isdigit() and ": " in reason for fingerprint, reason in ALLOWED.items())
