"""What tests stand on: one PostgreSQL and one Valkey a run, a database for each worker, the API over real HTTP."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import httpx2
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from redis import Redis

from functions.auth.tokens import Signer
from local.postgres import start_postgres
from local.valkey import start_valkey
from operations.keys import make_keys
from operations.migrate import migrate
from operations.roles import GROUPS, ensure_login
from shared import workers
from shared.settings import FUNCTION_NAMES, Settings
from tests.support.api import Api, Server, new_client
from tests.support.entry import Entry
from tests.support.people import People

TEMPLATE = "flycatcher_template"
ROLES = {f"flycatcher_{name}": GROUPS[f"{name.upper()}_DATABASE_URL"] for name in FUNCTION_NAMES}
"""The login of each function, and its group; ``flycatcher`` has the rights of all."""
UNLIMITED = "1000000"

# In the background of a script or under nohup these are ignored, which programs inherit, but not from a handler.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda *_: None)


class Engines:
    """PostgreSQL and Redis, started once, by the process that hands the tests out.

    ``TEST_POSTGRES_URL`` (a superuser's, of a server that lets everybody in and is thrown away afterwards) and
    ``TEST_REDIS_URL`` name others than the embedded ones.
    """

    def __init__(self) -> None:
        with ExitStack() as stack:
            directory = TemporaryDirectory(prefix="flycatcher-tests-", ignore_cleanup_errors=True)
            root = Path(stack.enter_context(directory))
            root.chmod(0o755)
            postgres, redis = os.environ.get("TEST_POSTGRES_URL"), os.environ.get("TEST_REDIS_URL")
            if not postgres:
                embedded = start_postgres(root / "postgres", durable=False)
                stack.callback(embedded.stop)
                postgres = embedded.owner_url
            if not redis:
                valkey = start_valkey(root / "valkey")
                stack.callback(valkey.stop)
                redis = valkey.url
            create_database(postgres, TEMPLATE)
            migrate(database_url(postgres, TEMPLATE))
            ensure_login(postgres, name="flycatcher")
            for name, group in ROLES.items():
                ensure_login(postgres, name=name, group=group)
            make_keys(root / "keys")
            self.addresses = {"postgres": postgres, "redis": redis, "keys": str(root / "keys")}
            self.stop = stack.pop_all().close


def database_url(url: str, database: str, user: str | None = None) -> str:
    """The same server, another database, perhaps another user."""
    base, _, rest = url.partition("://")
    authority, _, path = rest.partition("/")
    query = path.partition("?")[2]
    if user:
        authority = f"{user}@{authority.rpartition('@')[2]}"
    return f"{base}://{authority}/{database}{'?' if query else ''}{query}"


def create_database(owner_url: str, name: str, template: str = "template1") -> None:
    """A database of this name."""
    with psycopg.connect(owner_url, autocommit=True) as owner:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        owner.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


def drop_database(owner_url: str, name: str) -> None:
    """No database of this name, whoever is connected."""
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def copied(owner_url: str, template: str) -> Iterator[str]:
    """The owner's URL of a copy of a database that nobody is connected to; it is gone afterwards."""
    name = f"copy_{uuid4().hex}"
    create_database(owner_url, name, template)
    try:
        yield database_url(owner_url, name)
    finally:
        drop_database(owner_url, name)


engines_key = pytest.StashKey[Engines]()
addresses_key = pytest.StashKey[dict[str, str]]()


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors, since tests also wait; each has a database of Valkey, which has sixteen."""
    return min((os.cpu_count() or 1) + 1, 16)


def pytest_configure(config: pytest.Config) -> None:
    """Start the engines in the main process; a worker is told where they are."""
    addresses = getattr(config, "workerinput", {}).get("addresses")
    if addresses is None:
        engines = Engines()
        config.stash[engines_key] = engines
        addresses = engines.addresses
    config.stash[addresses_key] = addresses


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what the main process started."""
    if engines := config.stash.get(engines_key, None):
        engines.stop()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: "pytest.WorkerController") -> None:  # type: ignore[name-defined]  # xdist's own class
    """Tell a worker where the engines are."""
    node.workerinput["addresses"] = node.config.stash[addresses_key]


@pytest.fixture(scope="session")
def addresses(pytestconfig: pytest.Config) -> dict[str, str]:
    """Where the engines are."""
    return pytestconfig.stash[addresses_key]


@pytest.fixture(scope="session")
def cluster_url(addresses: dict[str, str]) -> str:
    """The superuser's URL of the PostgreSQL of this run."""
    return addresses["postgres"]


@pytest.fixture
def empty_database(cluster_url: str) -> Iterator[str]:
    """The owner's URL of an empty database."""
    with copied(cluster_url, "template1") as url:
        yield url


@pytest.fixture
def migrated(cluster_url: str) -> Iterator[str]:
    """The owner's URL of a database that is migrated and holds nothing; a copy is made sooner than it is migrated."""
    with copied(cluster_url, TEMPLATE) as url:
        yield url


@pytest.fixture(scope="session")
def database(cluster_url: str, worker_id: str) -> Iterator[str]:
    """The owner's URL of the migrated database of this worker."""
    name = f"flycatcher_{worker_id}"
    create_database(cluster_url, name, TEMPLATE)
    yield database_url(cluster_url, name)
    drop_database(cluster_url, name)


@pytest.fixture(scope="session")
def environ(addresses: dict[str, str], database: str, worker_id: str) -> dict[str, str]:
    """The environment of a function on this worker's database, with limits out of the way."""
    number = int(worker_id.removeprefix("gw") or 0) if worker_id != "master" else 0
    keys = Path(addresses["keys"])
    name = conninfo_to_dict(database)["dbname"]
    return {
        "DATABASE_URL": database_url(database, str(name), "flycatcher"),
        **{
            f"{role.upper()}_DATABASE_URL": database_url(database, str(name), f"flycatcher_{role}")
            for role in FUNCTION_NAMES
        },
        "REDIS_URL": f"{addresses['redis']}?db={number}",
        "JWT_PRIVATE_KEY_FILE": str(keys / "private.pem"),
        "JWT_PUBLIC_KEYS_FILE": str(keys / "public.json"),
        "RATE_LIMIT_PER_MINUTE": UNLIMITED,
        "LOGIN_LIMIT_PER_MINUTE": UNLIMITED,
        "LOCKOUT_THRESHOLD": UNLIMITED,
        "LOG_LEVEL": "warning",
    }


@pytest.fixture(scope="session", autouse=True)
def eager_workers() -> Iterator[None]:
    """Threads that step back for others get next to nothing where several processes test at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "NICENESS", 0)
        yield


@pytest.fixture(scope="session")
def server(environ: dict[str, str]) -> Iterator[Server]:
    """The whole API by one address: each function as its container runs it, with the rights of its own role alone."""
    with Server(Settings.load(environ), Entry(environ)) as running:
        yield running


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[httpx2.Client]:
    """The connections to the server that the tests of this worker share."""
    with new_client(server.url) as shared:
        yield shared


@pytest.fixture(scope="session")
def housekeeper(database: str) -> Iterator[psycopg.Connection[TupleRow]]:
    """The owner's connection that makes users and cleans up, one for all tests of this worker."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def counters(environ: dict[str, str]) -> Iterator[Redis]:
    """The Valkey of this worker, one connection for all tests."""
    with Redis.from_url(environ["REDIS_URL"]) as connection:
        yield connection


@pytest.fixture
def clean(housekeeper: psycopg.Connection[TupleRow], counters: Redis) -> Iterator[None]:
    """Leave no rows behind, and no counters."""
    yield
    # With a few rows, DELETE takes a tenth of the time of TRUNCATE, which makes every file anew.
    housekeeper.execute(
        "DELETE FROM projects; DELETE FROM sessions; DELETE FROM users; DELETE FROM login_throttles; "
        "DELETE FROM audit_events"
    )
    counters.flushdb()


@pytest.fixture
def api(client: httpx2.Client, clean: None) -> Api:  # noqa: ARG001  # the cleaning is the point
    """A caller who is not signed in; every answer is held against the declarations."""
    return Api(client)


@pytest.fixture(scope="session")
def signer(environ: dict[str, str]) -> Signer:
    """What signs access tokens; loading the key takes a while."""
    return Signer(Settings.load(environ))


@pytest.fixture
def people(api: Api, housekeeper: psycopg.Connection[TupleRow], signer: Signer) -> People:
    """Makes users who are signed in already."""
    return People(api, housekeeper, signer)
