"""``python -m local`` in processes of its own, each with a data directory that is cleaned up after it."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60
OTHER_VARIABLES = {"PORT", "DATABASE_OWNER_URL", "LOCAL_DATA_DIR", "SEED_PASSWORD"}
VARIABLES = OTHER_VARIABLES | {field.name.upper() for field in fields(Settings)}


@contextmanager
def temporary_directory() -> Iterator[Path]:
    """A directory in which servers may run; those that a failed test leaves are ended with it."""
    # pytest closes its own directories to other users at each start: PostgreSQL's user could not get in.
    with tempfile.TemporaryDirectory(prefix="flycatcher-tests-", ignore_cleanup_errors=True) as name:
        directory = Path(name).resolve()
        try:
            yield directory
        finally:
            for process in working_in(directory):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            wait_until_idle(directory)


def working_in(directory: Path) -> list[psutil.Process]:
    """The processes whose working directory is in here."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if Path(process.cwd()).is_relative_to(directory):
                found.append(process)
    return found


def wait_until_idle(directory: Path) -> None:
    """Nothing runs in this directory, or not for long any more."""
    deadline = time.monotonic() + SECONDS
    while left := working_in(directory):
        assert time.monotonic() < deadline, left
        time.sleep(0.02)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def environment(directory: Path, variables: dict[str, str]) -> dict[str, str]:
    """Our own environment, but of the program's variables these alone."""
    inherited = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in VARIABLES}
    return {**inherited, "LOCAL_DATA_DIR": str(directory), **variables}


CHEAP_HASHES = """
from argon2 import PasswordHasher
from functions.auth import passwords
passwords.HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""
"""The demo's fifty hashes are four seconds of a processor at their real cost, which one test of a first start pays."""


class Run:
    """A run that stays up until it is stopped; its output is in files beside its data directory.

    ``before`` is Python that is run first.
    """

    def __init__(self, directory: Path, /, *, before: str = "", **variables: str) -> None:
        port = free_port()
        self.directory = directory
        self.url = f"http://127.0.0.1:{port}"
        self._output = directory.with_name(f"output-{port}")
        self._errors = directory.with_name(f"errors-{port}")
        start = ["-c", f"{before}\nfrom local.__main__ import main\nraise SystemExit(main())"]
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self.process = subprocess.Popen(  # noqa: S603  # our own program
                [sys.executable, *(start if before else ["-m", "local"])],
                cwd=ROOT,
                env=environment(directory, {"PORT": str(port), **variables}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def output(self) -> str:
        """What it has said so far."""
        return self._output.read_text(encoding="utf-8")

    @property
    def errors(self) -> str:
        """What it has complained of so far."""
        return self._errors.read_text(encoding="utf-8")

    def wait_for(self, text: str) -> None:
        """Wait until it has said this."""
        deadline = time.monotonic() + SECONDS
        while text not in self.output:
            assert self.process.poll() is None, self.output + self.errors
            assert time.monotonic() < deadline, self.output + self.errors
            time.sleep(0.01)

    def wait_until_up(self) -> None:
        """Wait for the greeting."""
        self.wait_for("stop     Ctrl-C\n")

    def stop(self, number: signal.Signals) -> int:
        """Send the signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def kill(self) -> None:
        """End it without a chance to clean up."""
        self.process.kill()
        self.process.wait(SECONDS)


@dataclass(frozen=True)
class Outcome:
    """A run that ended by itself."""

    code: int
    output: str
    errors: str


def run(directory: Path, *command: str, **variables: str) -> Outcome:
    """Run until it ends by itself; another command of Python's may be given in place of ``-m local``."""
    ended = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, *(command or ("-m", "local"))],
        cwd=ROOT,
        env=environment(directory, {"PORT": str(free_port()), **variables}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return Outcome(ended.returncode, ended.stdout, ended.stderr)
