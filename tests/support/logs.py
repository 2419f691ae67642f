"""A server whose log lines are kept."""

import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stdout
from io import StringIO

import pytest

from local.app import create_app
from shared.function import Function
from shared.settings import Settings
from tests.support.api import JSON, Api, Server, new_client


class Logged:
    """A server that logs as a deployment does, and what it has logged."""

    def __init__(self, api: Api, stream: StringIO) -> None:
        self.api = api
        self._stream = stream

    def text(self) -> str:
        """All that was written. A request's line is written when its answer has gone out: one more waits for it."""
        self.api.get("/healthz", headers={"X-Request-ID": "last"})
        return self._stream.getvalue()

    def clear(self) -> None:
        """Forget what was written so far."""
        self.text()
        self._stream.seek(0)
        self._stream.truncate()

    def all_lines(self) -> list[JSON]:
        """Every line, each a JSON object."""
        return [json.loads(line) for line in self.text().splitlines()]

    def lines(self) -> list[JSON]:
        """Those that belong to a request."""
        return [line for line in self.all_lines() if line.get("request_id", "last") != "last"]


def logged(app: Function, settings: Settings) -> Iterator[Logged]:
    """Start a server, and give the log back afterwards to the server that had it: the one that starts last has it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    for client in ("httpx2", "httpcore2"):
        # The client of these tests runs in the same process, and its lines are none of the server's.
        logging.getLogger(client).setLevel(logging.WARNING)
    stream = StringIO()
    with ExitStack() as stack:
        with redirect_stdout(stream):
            server = stack.enter_context(Server(settings, app))
        yield Logged(Api(stack.enter_context(new_client(server.url))), stream)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="module")
def debugged(server: Server, environ: dict[str, str]) -> Iterator[Logged]:  # noqa: ARG001  # the last to start has the log
    """The whole API, which logs all that it can, for the tests of a file."""
    settings = Settings.load({**environ, "LOG_LEVEL": "debug"})
    yield from logged(create_app(settings), settings)


@pytest.fixture
def debug_log(debugged: Logged) -> Logged:
    """The same with an empty log."""
    debugged.clear()
    return debugged
