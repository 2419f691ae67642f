"""``python -m operations``: help without settings, exit codes, and one line for whatever goes wrong."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from operations.__main__ import COMMANDS, main
from operations.console import NEXT, fail, finish, owner_url
from operations.openapi import whole_api
from shared.settings import SettingsError

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ("DATABASE_", "REDIS_", "JWT_", "SEED_PASSWORD")


def _without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}


def _operations(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-m", "operations", *arguments],
        cwd=ROOT,
        env=_without_settings(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_needs_no_settings_and_no_patience(command: str) -> None:
    began = time.monotonic()
    ended = _operations(command, "--help")
    assert time.monotonic() - began < 5
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"usage: python -m operations {command} [-h]")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ((), [f"{name} {summary}" for name, summary in COMMANDS.items()]),
        (("keys",), ["make make the first", "rotate make a new", "public print the set"]),
        (("keys", "make"), ["--algorithm {RS256,ES256}"]),
        (("keys", "rotate"), ["--algorithm {RS256,ES256}", "--keep N"]),
        (("keys", "public"), ["directory where the two files are"]),
    ],
)
def test_help_names_every_command_and_option_with_what_it_does(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], shown: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert [text for text in shown if text not in said] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("nope",), "invalid choice: 'nope'"),
        (("seed", "--twice"), "unrecognized arguments: --twice"),
        (("--verbose", "seed"), "unrecognized arguments: --verbose"),
    ],
)
def test_a_command_that_is_not_there_ends_with_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err


def test_an_interrupted_command_ends_with_130_and_without_a_traceback(tmp_path: Path) -> None:
    pipe = tmp_path / "password"
    os.mkfifo(pipe)
    command = ["create-admin", "--username=chief", "--email=chief@example.com", f"--password-file={pipe}"]
    environ = {**_without_settings(), "DATABASE_OWNER_URL": "postgresql:"}
    arguments = [sys.executable, "-m", "operations", *command]
    with subprocess.Popen(arguments, cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            with pipe.open("w"):  # it waits for the password now
                process.send_signal(signal.SIGINT)
                _, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, err) == (130, "")


def test_openapi_goes_to_standard_output_or_into_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["openapi"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed) == whole_api()
    assert main(["openapi", "--output", str(tmp_path / "openapi.json")]) == 0
    assert capsys.readouterr() == ("", "")
    assert (tmp_path / "openapi.json").read_text(encoding="utf-8") == printed


def test_openapi_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["openapi", "--output", str(tmp_path)]) == 1
    assert capsys.readouterr() == ("", f"openapi: cannot write {tmp_path}: Is a directory\n")


def test_the_owners_url_may_come_from_a_file_and_must_come_from_somewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_OWNER_URL", raising=False)
    with pytest.raises(
        SettingsError, match=r"^DATABASE_OWNER_URL is missing: give the owner's URL, postgresql://[^\n]*$"
    ):
        owner_url()
    (tmp_path / "url").write_text("postgresql://owner@one/flycatcher\n")
    monkeypatch.setenv("DATABASE_OWNER_URL_FILE", str(tmp_path / "url"))
    assert owner_url() == "postgresql://owner@one/flycatcher"


class _WrappedError(Exception):
    orig = "the reason\nand more"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (SettingsError("one\ntwo"), 2, "x: one\nx: two\n"),
        (
            psycopg.errors.UndefinedTable(),
            1,
            "x: the database is not migrated; do that first: python -m operations migrate\n",
        ),
        (psycopg.OperationalError("first\nsecond"), 1, "x: first\n"),
        (
            psycopg.OperationalError("connection failed: refused"),
            1,
            f"x: connection failed: refused{NEXT['connection ']}\n",
        ),
        (_WrappedError("wrapped"), 1, "x: the reason\n"),
        (EOFError(), 1, "x: EOFError\n"),
    ],
)
def test_a_failure_that_is_expected_is_told_without_a_traceback(
    capsys: pytest.CaptureFixture[str], error: Exception, code: int, said: str
) -> None:
    def work() -> str:
        raise error

    assert finish("x", work, _WrappedError, EOFError) == code
    assert capsys.readouterr() == ("", said)


def test_a_failure_that_nobody_expects_is_not_hidden() -> None:
    def work() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        finish("x", work)


def test_a_failure_gives_the_first_line_and_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail("x", "one\ntwo", 7) == 7
    assert capsys.readouterr() == ("", "x: one\n")
