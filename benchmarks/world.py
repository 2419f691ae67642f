"""Where the measurements happen: PostgreSQL and Valkey of their own, filled, and developers who are signed in."""

import http.client
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import psycopg

from benchmarks.data import PASSWORD, fill
from benchmarks.subjects import Server, start
from local.postgres import start_postgres
from local.valkey import start_valkey
from operations.keys import make_keys
from operations.migrate import migrate
from operations.roles import ensure_login
from operations.seed import is_empty

DEVELOPERS = 10
"""Signed in, each with a token of their own, as at a busy moment of fifty."""
SAMPLE = 1000
"""Issues that are read and commented on."""


@dataclass(frozen=True)
class World:
    """A filled database with everything around it."""

    environ: dict[str, str]
    owner_url: str
    postgres: psutil.Process
    logs: Path
    issues: list[str]
    projects: list[str]
    usernames: list[str]

    def sign_in(self, auth: Server, usernames: Sequence[str] = ()) -> list[str]:
        """Access tokens of these users; else of the developers."""
        return [_token(auth.port, username) for username in usernames or self.usernames[:DEVELOPERS]]

    def start(self, name: str) -> Server:
        """Execute the floor or a function."""
        return start(name, self.environ, self.logs / f"{name}.log")


@contextmanager
def make_world(*, issues: int, comments: int, directory: Path | None = None) -> Iterator[World]:
    """Start the servers and fill the database; ``directory`` keeps the data for the next time.

    Raises:
        StartError: PostgreSQL or Valkey does not start.
    """
    with TemporaryDirectory(prefix="flycatcher-bench-", ignore_cleanup_errors=True) as temporary:
        root = Path(temporary)
        root.chmod(0o755)
        postgres = start_postgres((directory or root) / "postgres")
        try:
            valkey = start_valkey(root / "valkey")
            try:
                migrate(postgres.owner_url)
                if is_empty(postgres.owner_url):
                    fill(postgres.owner_url, issues=issues, comments=comments)
                make_keys(root / "keys")
                environ = {
                    "DATABASE_URL": ensure_login(postgres.owner_url, name="flycatcher"),
                    "REDIS_URL": valkey.url,
                    "JWT_PRIVATE_KEY": (root / "keys" / "private.pem").read_text(encoding="utf-8"),
                    "JWT_PUBLIC_KEYS": (root / "keys" / "public.json").read_text(encoding="utf-8"),
                    "RATE_LIMIT_PER_MINUTE": "1000000",
                    "LOGIN_LIMIT_PER_MINUTE": "1000000",
                }
                yield _look(environ, postgres.owner_url, postgres.process, root)
            finally:
                valkey.stop()
        finally:
            postgres.stop()


def _look(environ: dict[str, str], owner_url: str, postgres: psutil.Process, root: Path) -> World:
    with psycopg.connect(owner_url) as owner:
        # Any, but always the same.
        some = "SELECT id FROM issues ORDER BY md5(id::text) LIMIT %s"
        issues = [str(row[0]) for row in owner.execute(some, [SAMPLE])]
        projects = [str(row[0]) for row in owner.execute("SELECT id FROM projects WHERE NOT is_archived ORDER BY id")]
        active = "SELECT username FROM users WHERE is_active AND role = 'developer' ORDER BY username"
        usernames = [str(row[0]) for row in owner.execute(active)]
    return World(environ, owner_url, postgres, root, issues, projects, usernames)


def _token(port: int, username: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = json.dumps({"username": username, "password": PASSWORD})
    connection.request("POST", "/api/auth/login", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{username} cannot sign in: {text.decode()}")
    return str(json.loads(text)["access_token"])
