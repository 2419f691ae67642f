"""The servers' processes: started apart from the terminal, stopped in order, found again after a killed run."""

import os
import pwd
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from local.errors import StartError

STOP_SECONDS = 60
SOCKET_PATH_BYTES = 100
"""A little less than the shortest limit in use: 104 on macOS, 108 on Linux."""


def package_directory(package: str) -> Path:
    """Where an installed package lies. It is not imported: of these packages only the programs are used.

    Raises:
        StartError: it is not installed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise StartError(f"the package {package} is not installed: make install-local")
    return Path(spec.origin).parent


def socket_directory(directory: Path, name: str, *, before: Path | None = None) -> Path:
    """Where a server puts its socket: into its own ``directory``, or a new private one where that path is too long.

    It stays where it was ``before``.
    """
    if before:
        before.mkdir(mode=0o700, exist_ok=True)
        return before
    if len(os.fsencode(directory / name)) <= SOCKET_PATH_BYTES:
        return directory
    return Path(tempfile.mkdtemp(prefix="flycatcher-"))


def as_user(uid: int | None) -> dict[str, Any]:
    """What ``subprocess`` needs to know to run a program as that user; None stands for our own."""
    return {} if uid is None else {"user": uid, "group": pwd.getpwuid(uid).pw_gid, "extra_groups": []}


def start(command: Sequence[str | Path], directory: Path, log: Path, uid: int | None = None) -> psutil.Popen:
    """Start a server in a session of its own, so that Ctrl-C in the terminal reaches us alone, who stop it last.

    Raises:
        StartError: the program or the log cannot be opened.
    """
    try:
        with log.open("wb") as output:
            return psutil.Popen(
                command,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **as_user(uid),
            )
    except OSError as error:
        raise StartError(f"cannot start {command[0]}: {error.strerror}") from error


def stop(process: psutil.Process, *signals: signal.Signals) -> None:
    """Send each signal in its turn, and wait a minute after each, until the process has ended."""
    for number in signals:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            if _has_ended(process):
                return
            time.sleep(0.02)


def _has_ended(process: psutil.Process) -> bool:
    if isinstance(process, psutil.Popen):
        return process.poll() is not None
    # A left-over is not our child: it has ended already where its parent has yet to notice.
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def end_left_over(pid_file: Path, program: str, *signals: signal.Signals) -> None:
    """Stop the server that a killed run left on this directory, if the process of ``pid_file`` is that server.

    The number may be another program's by now. Then the file is removed: PostgreSQL would take that one for itself.
    """
    try:
        process = psutil.Process(int(pid_file.read_text(encoding="utf-8").split()[0]))
        if process.name() == program and Path(process.cwd()) == pid_file.parent:
            stop(process, *signals)
            return
    except (psutil.ZombieProcess, psutil.AccessDenied):
        pass
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return
    pid_file.unlink(missing_ok=True)
