"""Servers that are started again when they end unasked: a crash costs ``make run`` some seconds of 503, no more."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import psutil

from local.errors import StartError
from local.progress import say

LOOK_SECONDS = 0.5


class Server(Protocol):
    """A child process that serves at a socket."""

    @property
    def process(self) -> psutil.Popen:
        """The process."""
        ...

    @property
    def sockets(self) -> Path:
        """Where its socket is; it stays there."""
        ...

    def stop(self) -> None:
        """End it."""
        ...


ServerT = TypeVar("ServerT", bound=Server)


class Keeper(Generic[ServerT]):
    """Keeps a server running, from its first start until ``stop``."""

    def __init__(self, name: str, start: Callable[[Path | None], ServerT]) -> None:
        """Start it. ``start`` is given the directory of the socket, where it has had one before.

        Raises:
            StartError: it cannot be started.
        """
        self.server = start(None)
        self._name = name
        self._start = start
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, name=f"keeper of {name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the server, and keep it no more."""
        self._stopped.set()
        self._thread.join()
        self.server.stop()

    def _look(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            if self.server.process.poll() is None:
                continue
            say(f"{self._name} has ended with exit code {self.server.process.returncode}; starting it again")
            try:
                self.server = self._start(self.server.sockets)
            except StartError as error:
                say(f"{self._name} does not start: {error}")
