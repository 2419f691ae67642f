"""What ``make run`` refuses: one line that says why, an exit code, and nothing left running."""

import os
import socket
from pathlib import Path

import pytest

from local.directory import hold
from operations.keys import make_keys
from tests.local.running import Outcome, run, working_in

SECRET = "Kingfisher-7-blue"
NOWHERE = f"postgresql://owner:{SECRET}@127.0.0.1:1/flycatcher"


def _check_refusal(outcome: Outcome, directory: Path, code: int, said: str) -> None:
    assert outcome.errors.startswith(f"make run: {said}"), outcome.errors
    assert outcome.errors.count("\n") == 1
    assert outcome.code == code
    assert "stopped" not in outcome.output
    assert SECRET not in outcome.errors + outcome.output
    assert working_in(directory) == []


def _program(change: str) -> str:
    """``python -m local`` with a part of it changed."""
    return f"import local.__main__, local.database\n{change}\nexit(local.__main__.main())"


@pytest.mark.parametrize(
    ("name", "value", "code", "said"),
    [
        ("PORT", "http", 2, "PORT must be a whole number from 1 to 65535"),
        ("RATE_LIMIT_PER_MINUTE", "many", 2, "RATE_LIMIT_PER_MINUTE must be a whole number"),
        ("DATABASE_URL", "mysql://127.0.0.1/x", 2, "DATABASE_URL must be a URL that starts with postgresql://"),
        ("DATABASE_OWNER_URL_FILE", "/nowhere", 2, "DATABASE_OWNER_URL_FILE: cannot read /nowhere: No such file"),
        ("SEED_PASSWORD", "manager", 2, "SEED_PASSWORD: Must have at least 8 characters; Must have an upper-case"),
        ("SEED_PASSWORD", "Manager9-demo", 2, "SEED_PASSWORD: Must not contain the user name"),
        ("SEED_PASSWORD", "Kingfisher-7-\udcff", 2, "SEED_PASSWORD must be in UTF-8"),
        ("LOCAL_DATA_DIR", "/dev/null", 2, "LOCAL_DATA_DIR: cannot use /dev/null: "),
        ("DATABASE_OWNER_URL", NOWHERE, 1, "cannot sign in to PostgreSQL: connection failed"),
        ("DATABASE_URL", NOWHERE, 1, "cannot sign in to PostgreSQL: connection failed"),
    ],
)
def test_a_wrong_variable_is_one_line(directory: Path, name: str, value: str, code: int, said: str) -> None:
    _check_refusal(run(directory, **{name: value}), directory, code, said)


def test_a_port_in_use_is_told_with_a_way_out_and_before_anything_is_written(directory: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        said = f"port {port} is in use; PORT names another: PORT={port + 1} make run"
        _check_refusal(run(directory, PORT=str(port)), directory, 2, said)
    assert not directory.exists()


def test_a_directory_that_another_process_holds_is_told_with_its_number(directory: Path) -> None:
    with hold(directory):
        held = f"the data directory {directory} is in use by process {os.getpid()}"
        said = f"{held}; stop that, or LOCAL_DATA_DIR names another\n"
        _check_refusal(run(directory), directory, 2, said)
    assert [path.name for path in directory.iterdir()] == ["lock"]


def test_keys_that_do_not_belong_together_are_told_before_any_server_starts(directory: Path) -> None:
    for name in ("one", "other"):
        make_keys(directory / name)
    keys = {
        "JWT_PRIVATE_KEY_FILE": str(directory / "one" / "private.pem"),
        "JWT_PUBLIC_KEYS_FILE": str(directory / "other" / "public.json"),
    }
    said = "JWT_PUBLIC_KEYS does not hold the public half of JWT_PRIVATE_KEY"
    outcome = run(directory, **keys)
    _check_refusal(outcome, directory, 2, said)
    assert outcome.output == ""


def test_a_file_in_the_way_is_one_line(directory: Path) -> None:
    directory.mkdir()
    (directory / "keys").touch()
    outcome = run(directory)
    _check_refusal(outcome, directory, 1, "")
    assert str(directory / "keys") in outcome.errors


def test_a_failure_stops_what_had_started(directory: Path) -> None:
    directory.mkdir()
    (directory / "valkey").touch()
    # Migrating and seeding would only take time here.
    outcome = run(directory, "-c", _program("local.database.prepare_database = lambda *_, **__: 'postgresql:'"))
    _check_refusal(outcome, directory, 1, "")
    assert "starting PostgreSQL" in outcome.output
    assert str(directory / "valkey") in outcome.errors


def test_functions_that_do_not_start_end_the_run_with_1(directory: Path) -> None:
    outcome = run(directory, "-c", _program("local.__main__.run = lambda *_: exit(3)"))
    assert (outcome.code, outcome.output, outcome.errors) == (1, "", "")
