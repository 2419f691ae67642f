"""What a container of the image runs, and how it is found healthy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from operations import __main__ as operations
from operations.container import main
from shared.settings import FUNCTION_NAMES
from tests.support.api import Server

ROOT = Path(__file__).resolve().parents[2]


def test_a_command_gets_the_arguments_that_follow(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("FUNCTION", "certificate")
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"made {tmp_path}/tls.crt\n"


def test_a_function_takes_no_arguments(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FUNCTION", "issues")
    assert main(["--reload"]) == 2
    assert capsys.readouterr().err == "flycatcher: a function takes no arguments: --reload\n"


@pytest.mark.parametrize(
    ("name", "said"), [(None, "is missing"), ("  ", "is missing"), ("isues", "isues is none of ours")]
)
def test_what_there_is_not_is_one_line_that_names_what_there_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str | None, said: str
) -> None:
    monkeypatch.delenv("FUNCTION", raising=False)
    if name is not None:
        monkeypatch.setenv("FUNCTION", name)
    assert main([]) == 2
    there_is = ", ".join([*FUNCTION_NAMES, *operations.COMMANDS])
    assert capsys.readouterr().err == f"flycatcher: FUNCTION {said}; it is one of {there_is}\n"


def test_both_the_name_and_a_file_of_it_are_one_too_many(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FUNCTION", "auth")
    monkeypatch.setenv("FUNCTION_FILE", "/nowhere")
    assert main([]) == 2
    assert capsys.readouterr().err == "flycatcher: FUNCTION and FUNCTION_FILE are both set; set one of them\n"


def test_a_function_imports_no_command_and_nothing_that_only_commands_need() -> None:
    heavy = ("alembic", "sqlalchemy", "argparse", "apispec", "operations.__main__")
    code = (
        "import sys; from operations.container import main; main([]); "
        f"print(*(name for name in {heavy} if name in sys.modules))"
    )
    environ = {name: os.environ[name] for name in ("PATH",)} | {"FUNCTION": "comments"}
    ended = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    line = "DATABASE_URL is missing: set it, or DATABASE_URL_FILE to the path of a file that holds it"
    assert ended.stderr == f"flycatcher: {line}\n"
    assert ended.stdout.strip() == ""


def _check(port: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # our own program
        [sys.executable, "-m", "operations.healthcheck"],
        cwd=ROOT,
        env={**os.environ, "PORT": str(port)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_function_that_is_ready_is_healthy(server: Server) -> None:
    told = _check(int(server.url.rpartition(":")[2]))
    assert (told.returncode, told.stdout) == (0, "HTTP/1.1 200 OK\n")


def test_where_nothing_listens_nothing_is_healthy() -> None:
    told = _check(1)
    assert told.returncode == 1
    assert "refused" in told.stdout
    assert told.stderr == ""
