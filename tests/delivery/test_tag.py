"""What may become a release: a tag that is the code's version, of a commit that main has, with notes."""

import subprocess
from pathlib import Path

import pytest

from delivery.tag import image, main, newest
from shared import VERSION

ROOT = Path(__file__).parents[2]
NOTES = f"""# Changelog

## Unreleased

- later

## {VERSION}, 2026-12-01

- Issues can be closed.

  And opened again.

## 0.0.1, 2026-11-01

- first
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose one commit main has."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    (tmp_path / "CHANGELOG.md").write_text(NOTES)
    git("init", "--quiet", "--initial-branch", "main")
    commit()
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    return tmp_path


def git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@corp.example", *arguments], check=True)  # noqa: S603, S607  # our own


def commit() -> None:
    git("commit", "--quiet", "--allow-empty", "--message", "x")


@pytest.mark.usefixtures("repository")
def test_a_tag_that_may_be_released_gives_its_version_and_its_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "Example/Flycatcher")
    output = tmp_path / "output"
    output.write_text("before=1\n")
    assert main(["check", f"v{VERSION}", "--output", str(output)]) == 0
    said = f"version={VERSION}\nimage=ghcr.io/example/flycatcher:{VERSION}\n"
    assert output.read_text() == "before=1\n" + said
    assert capsys.readouterr().out == said


REFUSED = {
    "not a version": ("release-1", NOTES, "not of the form v1.2.3"),
    "two numbers": ("v1.0", NOTES, "not of the form v1.2.3"),
    "a leading zero": ("v0.01.0", NOTES, "not of the form v1.2.3"),
    "more behind it": (f"v{VERSION}-rc1", NOTES, "not of the form v1.2.3"),
    "another version": ("v99.0.0", NOTES, "VERSION in shared/__init__.py"),
    "no section": (f"v{VERSION}", NOTES.replace(VERSION, "9.9.9"), "has no section"),
    "no date": (f"v{VERSION}", NOTES.replace(f"{VERSION}, 2026-12-01", VERSION), "has to be"),
    "no notes": (f"v{VERSION}", f"## {VERSION}, 2026-12-01\n\n## 0.0.1, 2026-11-01\n- x\n", "is empty"),
    "a longer version": (f"v{VERSION}", NOTES.replace(VERSION, f"{VERSION}1"), "has no section"),
}


@pytest.mark.parametrize(("tag", "changelog", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_may_not_be_released_is_told(
    repository: Path, capsys: pytest.CaptureFixture[str], tag: str, changelog: str, reason: str
) -> None:
    (repository / "CHANGELOG.md").write_text(changelog)
    assert main(["check", tag]) == 1
    captured = capsys.readouterr()
    assert reason in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.mark.usefixtures("repository")
def test_a_commit_that_main_does_not_have_is_not_released(capsys: pytest.CaptureFixture[str]) -> None:
    commit()
    assert main(["check", f"v{VERSION}"]) == 1
    assert "is not on origin/main" in capsys.readouterr().err


@pytest.mark.usefixtures("repository")
def test_the_notes_are_the_section_of_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notes"]) == 0
    assert capsys.readouterr().out == "- Issues can be closed.\n\n  And opened again.\n"


@pytest.mark.usefixtures("repository")
def test_the_newest_release_is_the_highest_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["newest"]) == 0
    assert capsys.readouterr().out == ""
    for tag in ("v0.9.0", "v0.10.0", "v0.2.0", "v1", "vintage"):
        git("tag", tag)
    assert main(["newest"]) == 0
    assert capsys.readouterr().out == "image=ghcr.io/flycatcher/flycatcher:0.10.0\n"
    assert newest("v1.0.0 v0.10.0") == "1.0.0"


def test_a_registry_knows_no_upper_case() -> None:
    assert image("1.2.3", "Some/Thing") == "ghcr.io/some/thing:1.2.3"


def test_the_version_is_in_one_place() -> None:
    """Whatever else has a version is told it, or is made from this one."""
    makes = (
        "shared",
        "functions",
        "operations",
        "local",
        "knative",
        "gateway",
        "Dockerfile",
        "docker-compose.yml",
        "*.toml",
    )
    told = subprocess.run(  # noqa: S603  # our own arguments
        ["git", "grep", "--files-with-matches", "--word-regexp", "--fixed-strings", VERSION, "--", *makes],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told.split() == ["shared/__init__.py"]
