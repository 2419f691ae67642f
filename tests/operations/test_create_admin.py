"""create-admin: who is made, what is refused, and how the password comes in."""

import argparse
import io
import sys
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from functions.auth.passwords import HASHER
from operations import create_admin as command

PASSWORD = "Kingfisher-7-blue"


def _run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments))


def _create(username: str, email: str, path: object) -> int:
    return _run("--username", username, "--email", email, "--password-file", str(path))


@pytest.fixture
def url(migrated: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_OWNER_URL", migrated)
    return migrated


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\n")
    return path


def _users(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT id, username, email, role::text, is_active, password_hash FROM users"
        ).fetchall()


def _terminal(monkeypatch: pytest.MonkeyPatch, *typed: str) -> None:
    answers = iter(typed)
    monkeypatch.setattr(command, "getpass", lambda _prompt: next(answers))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)


def test_an_administrator_is_made_who_can_sign_in(
    url: str, password_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _create(" Chief.1 ", "Chief@Example.com", password_file) == 0
    [(identity, *shown, password_hash)] = _users(url)
    assert shown == ["Chief.1", "Chief@Example.com", "admin", True]
    assert isinstance(identity, UUID)
    assert identity.version == 7
    assert HASHER.verify(str(password_hash), PASSWORD)
    assert capsys.readouterr() == (f"made the administrator Chief.1, id {identity}\n", "")


def test_the_password_may_come_from_standard_input(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\r\nnot this\n"))
    assert _create("chief", "chief@example.com", "-") == 0
    assert HASHER.verify(str(_users(url)[0][-1]), PASSWORD)


def test_a_terminal_is_asked_twice(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _terminal(monkeypatch, PASSWORD, PASSWORD)
    assert _run("--username", "chief", "--email", "chief@example.com") == 0
    assert HASHER.verify(str(_users(url)[0][-1]), PASSWORD)


def test_two_different_answers_make_nobody(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _terminal(monkeypatch, PASSWORD, f"{PASSWORD}!")
    assert _run("--username", "chief", "--email", "chief@example.com") == 2
    assert capsys.readouterr() == ("", "create-admin: the passwords differ\n")
    assert not _users(url)


def test_without_terminal_and_file_there_is_no_password(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(PASSWORD))
    assert _run("--username", "chief", "--email", "chief@example.com") == 2
    assert "--password-file" in capsys.readouterr().err
    assert not _users(url)


@pytest.mark.parametrize(
    ("username", "email"), [("CHIEF", "other@example.com"), ("other", "CHIEF@example.com")], ids=["name", "e-mail"]
)
def test_a_name_or_address_that_is_taken_is_refused_without_regard_to_case(
    url: str, password_file: Path, capsys: pytest.CaptureFixture[str], username: str, email: str
) -> None:
    assert _create("chief", "chief@example.com", password_file) == 0
    before = _users(url)
    capsys.readouterr()
    assert _create(username, email, password_file) == 1
    said = f"create-admin: the user name {username} or the e-mail address {email} is taken\n"
    assert capsys.readouterr() == ("", said)
    assert _users(url) == before


@pytest.mark.parametrize(
    ("username", "email", "password", "problems"),
    [
        ("-chief", "chief@example.com", PASSWORD, ["--username: Must be of"]),
        ("", "chief@example.com", PASSWORD, ["--username: "]),
        ("c" * 51, "chief@example.com", PASSWORD, ["--username: "]),
        ("chief", "chief", PASSWORD, ["--email: "]),
        ("-chief", "chief", PASSWORD, ["--username: ", "--email: Must be an e-mail address"]),
        ("chief", "chief@example.com", "", ["password: Must have at least 8"] + ["password: "] * 3),
        ("chief", "chief@example.com", "kingfisher-7", ["password: Must have an upper-case letter"]),
        ("chief", "chief@example.com", "The-Chief-1", ["password: Must not contain the user name"]),
        ("chief", "chief@example.com", "P@ssw0rd", ["password: Must not be a common password"]),
    ],
)
def test_each_thing_wrong_is_a_line(
    url: str,
    password_file: Path,
    capsys: pytest.CaptureFixture[str],
    username: str,
    email: str,
    password: str,
    problems: list[str],
) -> None:
    password_file.write_text(password)
    assert _run(f"--username={username}", f"--email={email}", f"--password-file={password_file}") == 2
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert not out
    assert not password or password not in err
    for line, problem in zip(lines, problems, strict=False):
        assert line.startswith(f"create-admin: {problem}")
    assert len(lines) >= len(problems)
    assert not _users(url)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["missing", "not UTF-8"])
def test_a_file_that_cannot_be_read_is_one_line(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    assert _create("chief", "chief@example.com", path) == 2
    assert capsys.readouterr().err.startswith(f"create-admin: cannot read {path}: ")
    assert not _users(url)
