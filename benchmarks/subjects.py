"""What is measured: the floor and the four functions, each a process of its own on one database."""

import compileall
import os
import signal
import site
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
FUNCTIONS = ("auth", "projects", "issues", "comments")
FLOOR = "floor"
START_SECONDS = 30
MEBIBYTE = 1024 * 1024

Environ = Mapping[str, str]


@dataclass(frozen=True)
class Server:
    """A running process that answers HTTP on 127.0.0.1."""

    name: str
    port: int
    process: psutil.Popen
    started: float
    """When it was executed, on the clock of ``time.perf_counter``."""

    def cpu_seconds(self) -> float:
        """What its threads have used of the processors since it was executed."""
        return cpu_seconds(self.process.pid)

    def resident_mebibytes(self) -> float:
        """What of its memory is in RAM, shared libraries included."""
        return float(self.process.memory_info().rss) / MEBIBYTE

    def stop(self) -> None:
        """End it and wait until it has gone."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except psutil.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def compile_everything() -> None:
    """A start must not compile: make the bytecode of the packages and of our code, as an image does."""
    for folder in [*map(Path, site.getsitepackages()), ROOT / "shared", ROOT / "functions", ROOT / "benchmarks"]:
        compileall.compile_dir(folder, quiet=2)


def start(name: str, environ: Environ, log: Path) -> Server:
    """Execute the floor or a function and wait until its port is open; its output goes to ``log``.

    Raises:
        RuntimeError: it did not start.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    module = "benchmarks.floor" if name == FLOOR else "functions"
    variables = {**environ, "FUNCTION": name, "PORT": str(port), "PATH": os.environ["PATH"]}
    if name != "auth":
        variables.pop("JWT_PRIVATE_KEY")
    started = time.perf_counter()
    with log.open("ab") as output:
        process = psutil.Popen(
            [sys.executable, "-m", module], cwd=ROOT, env=variables, stdout=output, stderr=subprocess.STDOUT
        )
    server = Server(name, port, process, started)
    while time.perf_counter() < started + START_SECONDS and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.002)
        else:
            return server
    server.stop()
    raise RuntimeError(f"{name} did not start: {log.read_text(encoding='utf-8')[-2000:]}")


def cpu_seconds(pid: int) -> float:
    """What a process, all its threads included, has used of the processors, to the nanosecond.

    Raises:
        OSError: there is no such process.
    """
    # The clock of another process, as Linux numbers it (clock_getcpuclockid(3), which Python does not offer).
    return time.clock_gettime((~pid << 3) | 2)


class Family:
    """A process with its children, some of which come and go, as PostgreSQL's do."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._before: dict[int, float] = {}
        self.spent()

    def spent(self) -> float:
        """Seconds of processor time since this was last asked, by those that live now."""
        now = {}
        for process in (self._process, *self._process.children(recursive=True)):
            with suppress(OSError):
                now[process.pid] = cpu_seconds(process.pid)
        before, self._before = self._before, now
        return sum(spent - before.get(pid, 0.0) for pid, spent in now.items())
