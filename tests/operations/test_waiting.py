"""``--wait``: a command that starts beside a PostgreSQL that is just starting."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from local.postgres import EmbeddedPostgres, start_postgres
from operations.__main__ import main
from operations.migrate import is_current, migrate
from shared.data.schema import REVISION
from tests.local.running import temporary_directory

WAIT = 0.4


@pytest.fixture
def stopped() -> Iterator[tuple[str, Callable[[], None]]]:
    """The owner's URL of a PostgreSQL that is stopped, and what starts it."""
    with temporary_directory() as directory:
        first = start_postgres(directory / "data", durable=False)
        first.stop()
        started: list[EmbeddedPostgres] = []
        yield first.owner_url, lambda: started.append(start_postgres(directory / "data", durable=False))
        for server in started:
            server.stop()


def test_migrating_waits_for_a_postgresql_that_comes_up(
    stopped: tuple[str, Callable[[], None]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url, start = stopped
    monkeypatch.setenv("DATABASE_OWNER_URL", url)
    assert main(["migrate"]) == 1
    assert "No such file" in capsys.readouterr().err
    timer = threading.Timer(WAIT, start)
    timer.start()
    try:
        assert main(["migrate", "--wait", "30"]) == 0
    finally:
        timer.join()
    assert is_current(url)


def test_seeding_waits_for_the_schema(
    migrated: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_OWNER_URL", migrated)
    monkeypatch.setenv("SEED_PASSWORD", "Flycatcher-demo-1")
    migrate(migrated, "0004")
    assert main(["seed", "--wait", "0.5"]) == 1
    assert capsys.readouterr().err == (
        f"seed: The schema is at 0004, and this version needs {REVISION}: migrate first "
        "(python -m operations migrate)\n"
    )
    timer = threading.Timer(WAIT, migrate, [migrated])
    timer.start()
    try:
        assert main(["seed", "--wait", "30"]) == 0
    finally:
        timer.join()
    assert capsys.readouterr().out == "the demo is written\n"


@pytest.mark.parametrize(
    ("address", "problem"),
    [("127.0.0.1:1", "refused"), ("nowhere.invalid:5432", "nowhere.invalid")],
    ids=["nobody-listens", "no-such-name"],
)
@pytest.mark.parametrize("command", ["migrate", "seed"])
def test_the_wait_ends_and_then_the_reason_is_told(
    command: str, address: str, problem: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_OWNER_URL", f"postgresql://{address}/x")
    monkeypatch.setenv("SEED_PASSWORD", "Flycatcher-demo-1")
    began = time.monotonic()
    assert main([command, "--wait", str(WAIT)]) == 1
    assert WAIT <= time.monotonic() - began < WAIT + 5
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{command}: ")
    assert problem in line


def test_what_waiting_does_not_mend_is_told_at_once(
    cluster_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_OWNER_URL", cluster_url.replace("postgres@", "nobody_of_this_name@", 1))
    began = time.monotonic()
    assert main(["migrate", "--wait", "60"]) == 1
    assert time.monotonic() - began < 10
    assert 'role "nobody_of_this_name" does not exist' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "answered"),
    [("57P03", False), ("3D000", True), ("28P01", True)],
    ids=["starting-up", "no-such-database", "wrong-password"],
)
def test_a_postgresql_that_is_starting_up_is_not_there_yet(code: str, answered: bool) -> None:
    """By the code of its refusal, whatever its language. Asked from another process: libpq keeps ours to itself."""
    refusal = f"SFATAL\0VFATAL\0C{code}\0MAusgeschlossen\0\0".encode()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"postgresql://x@127.0.0.1:{listener.getsockname()[1]}/x?sslmode=disable&gssencmode=disable"
        script = f"from operations.waiting import answers; print(answers({url!r}))"
        with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as asking:  # noqa: S603  # our own script
            client, _ = listener.accept()
            with client:
                client.recv(1024)
                client.sendall(b"E" + (len(refusal) + 4).to_bytes(4, "big") + refusal)
            assert asking.communicate(timeout=20)[0] == f"{answered}\n"


@pytest.mark.parametrize("given", ["-1", "nan", "soon", "86401"])
def test_what_is_no_time_to_wait_is_refused(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["migrate", f"--wait={given}"])
    assert ended.value.code == 2
    assert "argument --wait: must be a number of seconds from 0 to 86400" in capsys.readouterr().err
