"""The HTTP server of ``make run``."""

import errno
import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from local.errors import UsageError
from shared.http.server import Server, server_config

HOST = "127.0.0.1"
BACKLOG = 2048


def listen(port: int) -> socket.socket:
    """Take the port before anything is started; who connects now is answered when the functions serve.

    Raises:
        UsageError: it cannot be had.
    """
    try:
        return socket.create_server((HOST, port), backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UsageError(f"port {port} is in use; PORT names another: PORT={port + 1} make run") from error
        raise UsageError(f"PORT: cannot listen on {port}: {error.strerror}") from error


def serve(application: Any, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, finish the requests in flight, and pass the signal on.

    Raises:
        SystemExit: the application did not start.
    """
    config = server_config(application, loop="uvloop", timeout_keep_alive=75)
    _Server(config, ready).run([listener])


class _Server(Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()
