"""Functions in processes of their own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from operations.roles import GROUPS
from tests.support.api import PLAIN

Environ = dict[str, str]


def base_environ(environ: Environ, function: str) -> Environ:
    """What a container of the function is given; only auth gets the private key, and each the login of its own."""
    ours = ("JWT_", "DATABASE_", "REDIS_", "OTEL_")
    inherited = {name: os.environ[name] for name in os.environ if not name.startswith(ours)}
    given = {**inherited, **environ}
    logins = {name: given.pop(name) for name in GROUPS if name in given}
    given["DATABASE_URL"] = logins.get(f"{function.upper()}_DATABASE_URL", logins["DATABASE_URL"])
    if function != "auth":
        del given["JWT_PRIVATE_KEY_FILE"]
    return given


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def process(arguments: list[str], environ: Environ, directory: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """A process that is ended afterwards, whatever happens; it runs here, or in a directory of its own."""
    running = subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, "-m", *arguments],
        env=environ,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=directory,
    )
    with running:
        try:
            yield running
        finally:
            running.kill()


def wait_until_ready(running: subprocess.Popen[str], port: int) -> None:
    """Wait until the process answers."""
    while True:
        assert running.poll() is None, running.communicate()
        try:
            httpx2.get(f"http://127.0.0.1:{port}/healthz", verify=PLAIN)
            return
        except httpx2.TransportError:
            time.sleep(0.02)
