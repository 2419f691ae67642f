"""A deployment of its own to be ill-treated: PostgreSQL, Valkey and functions in processes, as containers run them."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import psutil
import psycopg
from psycopg import sql

from functions.auth.tokens import Signer
from local.postgres import EmbeddedPostgres, start_postgres
from local.processes import stop
from local.valkey import EmbeddedValkey, start_valkey
from operations.keys import make_keys
from operations.migrate import migrate
from operations.roles import GROUPS, ensure_login
from shared.settings import FUNCTION_NAMES, FunctionName, Settings
from tests.support.api import PLAIN, Api, new_client
from tests.support.people import People
from tests.support.processes import base_environ, free_port

UNLIMITED = "1000000"


class PostgresServer:
    """A PostgreSQL that can be stopped, killed, hung and started again; what it has acknowledged it keeps."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._server: EmbeddedPostgres = start_postgres(directory)
        self.owner_url = self._server.owner_url

    def connect(self) -> psycopg.Connection:
        """The owner's connection, in autocommit."""
        return psycopg.connect(self.owner_url, autocommit=True)

    def start(self) -> None:
        """Start again on the same data, a recovery included."""
        self._server = start_postgres(self._directory)
        assert self._server.owner_url == self.owner_url

    def stop(self) -> None:
        """Stop in order; it does not answer any more."""
        self._server.stop()

    def kill(self) -> None:
        """Kill every process of it at once, as a crash of the machine would."""
        self._server.process.send_signal(signal.SIGSTOP)  # or it would make more meanwhile
        processes = self._processes()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        # None may be left that still holds the memory which they share: the next start refuses then.
        for process in processes:
            stop(process, signal.SIGKILL)

    def quit(self) -> None:
        """Stop at once: every session is told and dropped, and the next start has a recovery to do."""
        self._server.process.send_signal(signal.SIGQUIT)
        self._server.process.wait(10)

    def kill_backend(self) -> None:
        """Kill a process that works for a function; PostgreSQL then ends all others, and starts again by itself."""
        with self.connect() as owner:
            busy_first = "SELECT pid FROM pg_stat_activity WHERE usename LIKE 'flycatcher%' ORDER BY state"
            row = owner.execute(busy_first).fetchone()
        assert row is not None
        psutil.Process(row[0]).kill()

    def hold_commits(self) -> None:
        """Commit from now on, but say so to nobody, as while a standby is waited for that is away."""
        self._set_standby("away")

    def release_commits(self) -> None:
        """Say what was committed, and go on."""
        self._set_standby("")

    def _set_standby(self, name: str) -> None:
        with self.connect() as owner:
            owner.execute(sql.SQL("ALTER SYSTEM SET synchronous_standby_names = {}").format(sql.Literal(name)))
            owner.execute("SELECT pg_reload_conf()")

    def hang(self) -> None:
        """Stop every process of it where it stands: connections stay open, and nothing is answered."""
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on."""
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)

    def _processes(self) -> list[psutil.Process]:
        return [self._server.process, *self._server.process.children(recursive=True)]


class ValkeyServer:
    """A Valkey that can be stopped, killed, hung and started again, empty."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._server: EmbeddedValkey = start_valkey(directory)
        self.url = self._server.url

    def start(self) -> None:
        """Start again, with nothing in it."""
        self._server = start_valkey(self._directory)
        assert self._server.url == self.url

    def stop(self) -> None:
        """Stop in order."""
        self._server.stop()

    def kill(self) -> None:
        """Kill it."""
        self._server.process.kill()
        self._server.process.wait(10)

    def hang(self) -> None:
        """Stop it where it stands."""
        self._server.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on."""
        self._server.process.send_signal(signal.SIGCONT)


@dataclass
class Instance:
    """One process of a function, with what it logs in a file."""

    function: FunctionName
    port: int
    process: psutil.Popen
    log: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        """Whether it says that it is."""
        with suppress(httpx2.TransportError):
            return httpx2.get(f"{self.url}/readyz", timeout=5, verify=PLAIN).status_code == 200
        return False

    def terminate(self) -> None:
        """Ask it to stop, as a platform does."""
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait(10)


@dataclass
class Stack:
    """The servers, and the functions that stand on them."""

    directory: Path
    postgres: PostgresServer
    valkey: ValkeyServer
    environ: dict[str, str]
    functions: dict[FunctionName, Instance] = field(default_factory=dict)
    """The first instance of each function."""
    _running: list[Instance] = field(default_factory=list)

    def start(
        self, function: FunctionName, port: int = 0, /, *, wait: bool = True, before: str = "", **variables: str
    ) -> Instance:
        """Start one more instance of a function, with variables of its own; ``wait`` until it answers.

        On ``port``, such as that of one that has ended, or on a free one. ``before`` is Python that is run first: it
        shortens a limit that no setting reaches.
        """
        port = port or free_port()
        log = self.directory / f"{function}-{port}.log"
        environ = {**base_environ(self.environ, function), "FUNCTION": function, "PORT": str(port), **variables}
        with log.open("ab") as output:
            start = ["-c", f"{before}\nfrom functions.__main__ import main\nraise SystemExit(main())"]
            command = [sys.executable, *(start if before else ["-m", "functions"])]
            process = psutil.Popen(command, env=environ, stdout=output, stderr=subprocess.STDOUT)
        instance = Instance(function, port, process, log)
        self._running.append(instance)
        self.functions.setdefault(function, instance)
        if wait:
            wait_until_listening(instance)
        return instance

    def settings(self) -> Settings:
        """The settings of ``auth``, which are all."""
        return Settings.load(self.environ, "auth")

    def stop(self) -> None:
        """End what still runs."""
        for instance in self._running:
            with suppress(psutil.NoSuchProcess):
                instance.process.kill()
            instance.process.wait(10)


def wait_until_listening(instance: Instance, seconds: float = 20) -> None:
    """Wait until a connection is accepted."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert instance.process.poll() is None, instance.log.read_text(encoding="utf-8")
        with suppress(OSError), socket.create_connection(("127.0.0.1", instance.port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(f"{instance.function} does not listen after {seconds} s")


def wait_until_ready(instance: Instance, seconds: float = 10) -> float:
    """Wait until it says that it is ready; how many seconds that took."""
    began = time.monotonic()
    while not instance.is_ready():
        assert time.monotonic() < began + seconds, f"{instance.function} is not ready after {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - began


@contextmanager
def make_stack(**variables: str) -> Iterator[Stack]:
    """PostgreSQL, migrated, Valkey, and keys; functions are started by the test."""
    with TemporaryDirectory(prefix="fc-", ignore_cleanup_errors=True) as temporary, ExitStack() as closing:
        root = Path(temporary)
        root.chmod(0o755)
        postgres = PostgresServer(root / "postgres")
        closing.callback(postgres.stop)
        closing.callback(postgres.resume)
        valkey = ValkeyServer(root / "valkey")
        closing.callback(valkey.stop)
        closing.callback(valkey.resume)
        migrate(postgres.owner_url)
        make_keys(root / "keys")
        environ = {
            **{
                name: ensure_login(postgres.owner_url, name=group.replace("_functions", ""), group=group)
                for name, group in GROUPS.items()
            },
            "REDIS_URL": valkey.url,
            "JWT_PRIVATE_KEY_FILE": str(root / "keys" / "private.pem"),
            "JWT_PUBLIC_KEYS_FILE": str(root / "keys" / "public.json"),
            "RATE_LIMIT_PER_MINUTE": UNLIMITED,
            "LOGIN_LIMIT_PER_MINUTE": UNLIMITED,
            "LOCKOUT_THRESHOLD": UNLIMITED,
            "LOG_LEVEL": "info",
            **variables,
        }
        stack = Stack(root, postgres, valkey, environ)
        closing.callback(stack.stop)
        yield stack


def start_all(stack: Stack) -> Mapping[FunctionName, Instance]:
    """One instance of each function."""
    for name in FUNCTION_NAMES:
        stack.start(name, wait=False)
    for instance in stack.functions.values():
        wait_until_listening(instance)
        wait_until_ready(instance)
    return stack.functions


@contextmanager
def api_of(instance: Instance) -> Iterator[Api]:
    """A caller of one instance who is not signed in; every answer is held against the declarations."""
    with new_client(instance.url) as client:
        yield Api(client)


@contextmanager
def people_of(stack: Stack, api: Api) -> Iterator[People]:
    """Makes users who are signed in; their ``api`` asks the instance of ``api``."""
    with stack.postgres.connect() as owner:
        yield People(api, owner, Signer(stack.settings()))
