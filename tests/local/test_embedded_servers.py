"""The embedded servers: started, stopped, found again after a killed run, and not mistaken for a stranger."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
import pytest
from redis import Redis

from local import postgres, processes, valkey
from local.errors import StartError
from local.postgres import EmbeddedPostgres, start_postgres
from local.processes import end_left_over, package_directory, socket_directory, start, stop
from local.valkey import EmbeddedValkey, start_valkey
from tests.local.running import wait_until_idle, working_in


@contextmanager
def _running(server: EmbeddedPostgres | EmbeddedValkey) -> Iterator[EmbeddedPostgres | EmbeddedValkey]:
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def _stranger(directory: Path) -> Iterator[psutil.Popen]:
    """Another program at work in this directory."""
    with psutil.Popen([sys.executable, "-c", "input()"], cwd=directory, stdin=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def _ask(server: EmbeddedPostgres, query: LiteralString) -> object:
    with psycopg.connect(server.owner_url) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def test_postgres_keeps_its_data_through_a_stop_and_through_a_kill(directory: Path) -> None:
    half_made = directory.with_suffix(".unfinished")
    half_made.mkdir()
    (half_made / "PG_VERSION").touch()
    first = start_postgres(directory, durable=False)
    with psycopg.connect(first.owner_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    assert _ask(first, "SHOW listen_addresses") == ""
    assert _ask(first, "SHOW server_encoding") == "UTF8"

    # The killed run's server is at work still; it is ended and another takes its place.
    second = start_postgres(directory)
    assert first.process.wait(10) == 0
    assert _ask(second, "SELECT number FROM kept") == 7
    assert _ask(second, "SHOW fsync") == "on"
    second.process.kill()
    assert second.process.wait(10) == -signal.SIGKILL
    wait_until_idle(directory)

    # What a crash leaves names a number that may be another program's by now.
    with _stranger(directory) as stranger:
        pid_file = directory / "postmaster.pid"
        pid_file.write_text("\n".join([str(stranger.pid), *pid_file.read_text().splitlines()[1:]]))
        third = start_postgres(directory, durable=False)
        with _running(third):
            assert stranger.is_running()
            assert _ask(third, "SELECT number FROM kept") == 7
        assert working_in(directory) == [stranger]
    assert working_in(directory) == []


def test_valkey_starts_empty_each_time_and_ends_the_one_of_a_killed_run(directory: Path) -> None:
    first = start_valkey(directory)
    with Redis.from_url(first.url) as client:
        client.set("name", "value")
    with _running(start_valkey(directory)) as second:
        assert first.process.wait(10) == 0
        assert isinstance(second, EmbeddedValkey)
        with Redis.from_url(second.url) as client:
            assert client.dbsize() == 0
            assert client.config_get("port") == {"port": "0"}
    assert working_in(directory) == []


def test_a_path_too_long_for_a_socket_gets_a_directory_elsewhere_that_goes_with_the_server(directory: Path) -> None:
    long = directory / ("long" * 25)
    with _running(start_valkey(long)) as server:
        elsewhere = server.sockets
        assert not elsewhere.is_relative_to(long)
        assert isinstance(server, EmbeddedValkey)
        with Redis.from_url(server.url) as client:
            assert client.ping()
    assert not elsewhere.exists()
    assert socket_directory(directory, "socket") == directory
    server = EmbeddedPostgres("", server.process, socket_directory(long, "socket"), long)
    server.stop()
    assert not server.sockets.exists()


def _ended() -> int:
    """The number of a process that is no more."""
    ended = psutil.Popen([sys.executable, "-c", ""])
    ended.wait()
    return int(ended.pid)


@pytest.mark.parametrize(
    ("content", "kept"),
    [(os.getpid, False), (_ended, True), (None, True), ("", True), ("no number", True)],
    ids=["another program's", "nobody's", "no file", "empty", "not a number"],
)
def test_the_file_of_a_left_over_is_removed_only_where_it_names_a_stranger(
    tmp_path: Path, content: Callable[[], int] | str | None, kept: bool
) -> None:
    file = tmp_path / "server.pid"
    if content is not None:
        file.write_text(content if isinstance(content, str) else f"{content()}\n")
    end_left_over(file, "postgres", signal.SIGTERM)
    assert file.exists() == (kept and content is not None)


def test_a_left_over_that_has_ended_and_that_its_parent_has_not_noticed_counts_as_ended(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        (tmp_path / "server.pid").write_text(f"{child.pid}\n")
        stop(psutil.Process(child.pid), signal.SIGTERM)
        end_left_over(tmp_path / "server.pid", "postgres", signal.SIGTERM)
        assert not (tmp_path / "server.pid").exists()
    finally:
        child.wait()


def test_a_server_deaf_to_one_signal_gets_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.1)
    script = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
    with psutil.Popen([sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        seen_by_another = psutil.Process(process.pid)
        stop(process, signal.SIGTERM, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        for ended in (process, seen_by_another):
            stop(ended, signal.SIGTERM)


def test_a_program_that_is_missing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StartError, match=r"^the package no_such_package is not installed: make install-local$"):
        package_directory("no_such_package")
    with pytest.raises(StartError, match=r"^cannot start /no/program: No such file or directory$"):
        start(["/no/program"], tmp_path, tmp_path / "log")
    monkeypatch.setattr(valkey, "package_directory", lambda _: tmp_path)
    with pytest.raises(StartError, match="no program for this platform"):
        start_valkey(tmp_path / "valkey")


def _programs(directory: Path, **scripts: str) -> Path:
    """A directory that looks like PostgreSQL's, with these scripts as its programs."""
    programs = directory / "pginstall18" / "bin"
    programs.mkdir(parents=True)
    for name, script in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    return directory


@pytest.mark.parametrize(
    ("scripts", "said"),
    [
        ({"initdb": "echo first >&2; echo the reason >&2; exit 1"}, r"cannot make the database in .*: the reason$"),
        ({}, r"cannot make the database in .*: .*No such file"),
        ({"initdb": "touch PG_VERSION"}, r"^cannot start .*/postgres: No such file"),
        ({"initdb": "touch PG_VERSION", "postgres": "echo FATAL: no >&2; exit 1"}, r"did not start: FATAL: no \(.*log"),
        ({"initdb": "touch PG_VERSION", "postgres": "exit 7"}, r"^PostgreSQL did not start: exit code 7 \(.*log\)$"),
    ],
)
def test_a_postgres_that_fails_is_told_with_its_own_reason(
    directory: Path, monkeypatch: pytest.MonkeyPatch, scripts: dict[str, str], said: str
) -> None:
    programs = _programs(directory.with_name("programs"), **scripts)
    monkeypatch.setattr(postgres, "package_directory", lambda _: programs)
    with pytest.raises(StartError, match=said):
        start_postgres(directory)
    assert working_in(directory.parent) == []


def test_a_valkey_that_fails_is_told_with_its_log(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey, "_program", lambda: "/bin/false")
    with pytest.raises(StartError, match=r"^Valkey did not start: exit code 1 \(.*data\.log\)$"):
        start_valkey(directory)
