"""Start the function that ``FUNCTION`` names, as a container does: ``python -m functions``."""

import importlib
import os
import sys

import uvicorn

from shared.settings import FUNCTION_NAMES, Settings, SettingsError, read_port

PORT = 8080
KEEP_ALIVE_SECONDS = 620
"""Longer than any proxy keeps an idle connection, so that none is closed under a request."""
GRACE_SECONDS = 20


def main() -> int:
    """Serve until SIGTERM; 2 for a configuration that is wrong, said in one line."""
    name = os.environ.get("FUNCTION", "")
    try:
        if name not in FUNCTION_NAMES:
            raise SettingsError(f"FUNCTION must be one of {', '.join(FUNCTION_NAMES)}")
        Settings.load(os.environ, name)
        port = read_port(os.environ, PORT)
    except SettingsError as error:
        print(f"flycatcher: {error}", file=sys.stderr)
        return 2
    application = importlib.import_module(f"functions.{name}.app").app
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            host="0.0.0.0",  # noqa: S104  # a container is reached through its network
            port=port,
            access_log=False,
            server_header=False,
            log_config=None,
            lifespan="on",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    server.run()
    return 0 if server.started else 2


if __name__ == "__main__":
    sys.exit(main())
