"""``make run``: the four functions in one process, on a PostgreSQL and a Valkey that come and go with it."""

import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from local.directory import hold
from local.environment import is_set, load_settings
from local.errors import StartError, UsageError
from local.greeting import DEMO_PASSWORD, greet
from local.progress import say
from local.server import listen, serve
from shared.settings import SettingsError, read_port, read_url, read_variable
from shared.usage import take_no_arguments


def main() -> int:
    """Run until Ctrl-C, SIGTERM or SIGHUP. Exit codes: 0 stopped, 1 something failed, 2 asked for wrongly."""
    # While uvicorn serves it takes SIGINT and SIGTERM over, and passes them on when the requests in flight are done.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda _number, _frame: signal.raise_signal(signal.SIGTERM))
    resources = ExitStack()
    code = 0
    try:
        run(os.environ, resources)
    except KeyboardInterrupt:
        pass
    except (SettingsError, StartError, OSError) as error:
        print(f"make run: {error}", file=sys.stderr)
        code = 2 if isinstance(error, SettingsError | UsageError) else 1
    except SystemExit:  # uvicorn has said why
        code = 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        resources.close()
    if code == 0:
        say("stopped")
    return code


def run(environ: Mapping[str, str], resources: ExitStack) -> None:
    """Start what ``environ`` does not name, and serve. What is to be stopped or closed goes into ``resources``.

    Raises:
        SettingsError, UsageError: the start was asked for in a way that cannot work.
        StartError: a server cannot be started or reached.
        OSError: a file cannot be written or read.
        SystemExit: the functions did not start.
        KeyboardInterrupt: it was stopped.
    """
    started = time.monotonic()
    directory = Path(environ.get("LOCAL_DATA_DIR") or ".local")
    port = read_port(environ, 8000)
    password = read_seed_password(environ)
    listener = resources.enter_context(listen(port))
    resources.enter_context(hold(directory))
    settings = load_settings(environ, directory)
    settings = replace(settings, database_url=start_database(environ, directory, password, resources))
    if not is_set(environ, "REDIS_URL"):
        settings = replace(settings, redis_url=start_cache(directory, resources))

    # Imported when the wrong settings are told and the servers run: this is the slowest part of a start.
    from local.app import create_app

    address = f"http://127.0.0.1:{port}"
    serve(create_app(settings), listener, lambda: greet(address, password, time.monotonic() - started))


def read_seed_password(environ: Mapping[str, str]) -> str:
    """The password of the demo's accounts.

    Raises:
        SettingsError: it is too weak.
    """
    password = read_variable(environ, "SEED_PASSWORD", str)
    if password is None:
        return DEMO_PASSWORD

    from operations.seed import check_seed_password

    check_seed_password(password)
    return password


def start_database(environ: Mapping[str, str], directory: Path, password: str, resources: ExitStack) -> str:
    """The functions' URL of the database that ``environ`` names, or else of an embedded PostgreSQL; ready for use.

    Raises:
        SettingsError: a URL is wrong.
        StartError: PostgreSQL cannot be started or reached.
    """
    functions_url, owner_url = read_url(environ, "DATABASE_URL"), read_url(environ, "DATABASE_OWNER_URL")

    from local.database import prepare_database
    from local.keeper import Keeper
    from local.postgres import start_postgres

    if owner_url:
        return prepare_database(owner_url, password, functions_url=functions_url)
    if functions_url:
        return prepare_database(functions_url, password)
    say("  starting PostgreSQL")
    kept = Keeper("PostgreSQL", lambda sockets: start_postgres(directory / "postgres", sockets=sockets))
    resources.callback(kept.stop)
    return prepare_database(kept.server.owner_url, password, login="flycatcher")


def start_cache(directory: Path, resources: ExitStack) -> str:
    """The URL of an embedded Valkey.

    Raises:
        StartError: it cannot be started.
    """
    from local.keeper import Keeper
    from local.valkey import start_valkey

    say("  starting Valkey")
    kept = Keeper("Valkey", lambda sockets: start_valkey(directory / "valkey", sockets=sockets))
    resources.callback(kept.stop)
    return kept.server.url


if __name__ == "__main__":
    take_no_arguments("python -m local", "Serve the whole API on PORT (8000), as make run does, until Ctrl-C.")
    sys.exit(main())
