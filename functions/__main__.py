"""Start the function that ``FUNCTION`` names, as a container does: ``python -m functions``."""

import importlib
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from shared.http.server import Server, server_config
from shared.settings import Settings, SettingsError, read_function, read_port
from shared.usage import take_no_arguments

PORT = 8080
KEEP_ALIVE_SECONDS = 620
"""Longer than any proxy keeps an idle connection, so that none is closed under a request."""


def main() -> int:
    """Serve until SIGTERM; 2 for a setting that is wrong, said in one line.

    What only its use can tell, such as a broken key, is one line of the log, and uvicorn's exit code for it.
    """
    # While uvicorn serves it takes both signals over, and passes them on when the requests in flight are done.
    _on_signals(lambda _number, _frame: _exit())
    try:
        name = read_function(os.environ)
        Settings.load(os.environ, name)
        port = read_port(os.environ, PORT)
    except SettingsError as error:
        print(f"flycatcher: {error}", file=sys.stderr)
        return 2
    application = importlib.import_module(f"functions.{name}.app").app
    server = Server(
        server_config(
            application,
            host="0.0.0.0",  # noqa: S104  # a container is reached through its network
            port=port,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
    )
    server.run()
    return 0


def _exit() -> None:
    """End with 0, whatever is signalled from now on: Python would take its handlers down before it has ended."""
    _on_signals(signal.SIG_IGN)
    sys.exit(0)


def _on_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


if __name__ == "__main__":
    take_no_arguments("python -m functions", "Start the function that FUNCTION names, on PORT (8080), until SIGTERM.")
    sys.exit(main())
