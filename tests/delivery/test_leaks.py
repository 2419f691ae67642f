"""What of a repository is looked at; that Kingfisher finds what is planted, `make secrets` proves at each run."""

import subprocess
from pathlib import Path

import pytest

from delivery.leaks import ALLOWED, ScanError, copy_files, findings

COMMIT = ["-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "--quiet", "--allow-empty", "--message=x"]


def _git(directory: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=directory, check=True)  # noqa: S603, S607  # the git of this machine


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of two commits, with files that are committed, not yet committed, and ignored."""
    root = tmp_path / "repository"
    (root / "deep").mkdir(parents=True)
    for name in (".gitignore", "deep/committed", "taken away", "new", ".env"):
        (root / name).write_text(".env\n", encoding="utf-8")
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


def test_half_a_history_is_not_judged(repository: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    _git(tmp_path, "clone", "-q", "--depth=1", repository.as_uri(), str(shallow))
    with pytest.raises(ScanError, match="git fetch --unshallow"):
        findings(shallow, tmp_path, tmp_path)


def test_nothing_is_allowed_without_a_reason() -> None:
    assert all(fingerprint.isdigit() and ": " in reason for fingerprint, reason in ALLOWED.items())
