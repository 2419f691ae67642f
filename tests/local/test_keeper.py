"""Embedded servers that end unasked are started again, at the same place; ``make run`` goes on."""

import re
import signal
import time
from pathlib import Path

import httpx2
import psutil
import pytest
from redis import Redis

from local.errors import StartError
from local.keeper import Keeper
from local.valkey import EmbeddedValkey, start_valkey
from tests.local.running import CHEAP_HASHES, SECONDS, Run, wait_until_idle, working_in
from tests.support.api import PLAIN

RECOVERY = 15.0


def _server(directory: Path, name: str) -> psutil.Process:
    """The first process of a server: the one whose parent is not of the same name."""
    found = [process for process in working_in(directory) if process.name() == name]
    (first,) = [process for process in found if process.ppid() not in {other.pid for other in found}]
    return first


def _login(url: str) -> int:
    body = {"username": "admin", "password": "Flycatcher-demo-1"}
    return httpx2.post(f"{url}/api/auth/login", json=body, timeout=10, verify=PLAIN).status_code


def _redis(url: str) -> str:
    said: str = httpx2.get(f"{url}/readyz", verify=PLAIN).json().get("redis")
    return said


def test_a_run_survives_the_crash_of_its_servers(directory: Path) -> None:
    variables = {"LOGIN_LIMIT_PER_MINUTE": "1000000", "RATE_LIMIT_PER_MINUTE": "1000000"}
    with Run(directory, before=CHEAP_HASHES, **variables) as run:
        run.wait_until_up()
        assert _login(run.url) == 200
        for name in ("valkey-server", "postgres"):
            _server(directory, name).kill()
        deadline = time.monotonic() + RECOVERY
        while (statuses := (_login(run.url), _redis(run.url))) != (200, "ok"):
            assert statuses[0] in (200, 503)
            assert time.monotonic() < deadline, run.output
        assert run.stop(signal.SIGINT) == 0
        for name in ("Valkey", "PostgreSQL"):
            assert f"{name} has ended with exit code -9; starting it again" in run.output
    assert working_in(directory) == []


def test_a_server_that_cannot_start_again_is_told_and_tried_again(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tries: list[Path | None] = []

    def start(sockets: Path | None) -> EmbeddedValkey:
        tries.append(sockets)
        if len(tries) == 2:
            raise StartError("no memory")
        return start_valkey(directory / ("long" * 25), sockets=sockets)

    kept = Keeper("Valkey", start)
    url = kept.server.url
    try:
        kept.server.process.kill()
        deadline = time.monotonic() + SECONDS
        while len(tries) < 3 or kept.server.process.poll() is not None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        with Redis.from_url(url) as client:
            assert client.ping()
    finally:
        kept.stop()
    assert tries == [None, *[kept.server.sockets] * 2]
    assert re.findall(r"does not start: (.*)", capsys.readouterr().out) == ["no memory"]
    wait_until_idle(directory)
