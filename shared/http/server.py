"""The HTTP server: uvicorn as every process runs it, with our own answer to what is no HTTP."""

import logging
from itertools import chain
from typing import Any
from uuid import uuid4

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shared.http.headers import SECURITY_HEADERS
from shared.http.problems import Problem

log = logging.getLogger("flycatcher.request")

HEADERS_LIMIT = 1000
TOO_LARGE = "The head of the request is too large."
HEAD_LIMIT = 2 * 1024 * 1024
"""Octets of a request's line and headers. Uvicorn has no limit here: a client could fill the memory with one header.

Wide enough that a token of a megabyte is told that it is none; the gateway allows far less.
"""


class Protocol(HttpToolsProtocol):
    """Uvicorn's protocol, with a bound on what the parser keeps and problem+json for what cannot be parsed."""

    _in_head = False
    _progress = False
    _kept = 0
    """Octets since the parser last told of a whole head or of a piece of a body."""

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header is whole. One that follows the body (a trailer) could change what has been judged: it is dropped."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head, self._progress = False, True
        names = [name for name, _ in self.headers]
        if len(names) > HEADERS_LIMIT or len(self.url) + sum(map(len, chain(*self.headers))) > HEAD_LIMIT:
            raise ValueError(TOO_LARGE)
        if names.count(b"host") != 1 and self.parser.get_http_version() == "1.1":
            raise ValueError("RFC 9112, section 3.2")
        if self.parser.should_upgrade() and {b"content-length", b"transfer-encoding"} & set(names):
            # The parser takes the body for what follows the upgrade, and what follows for the next request.
            raise ValueError("an upgrade with a body")
        super().on_headers_complete()
        if self.parser.should_upgrade():
            # Answered as if it had not been asked for; the parser is no good for what may follow.
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._progress = True
        super().on_body(body)

    def data_received(self, data: bytes) -> None:
        """What came in."""
        self._progress = False
        super().data_received(data)
        self._kept = 0 if self._progress else self._kept + len(data)
        if self._kept > HEAD_LIMIT and not self.transport.is_closing():
            self.send_400_response(TOO_LARGE)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP as every other error is answered, and close the connection."""
        request_id = uuid4().hex
        response = Problem("bad_request", msg, headers=SECURITY_HEADERS).response("", request_id)
        response.headers["X-Request-ID"] = request_id
        response.headers["Connection"] = "close"
        lines = [b"%s: %s\r\n" % header for header in (*self.server_state.default_headers, *response.raw_headers)]
        self.transport.write(b"".join([STATUS_LINE[400], *lines, b"\r\n", bytes(response.body)]))
        self.transport.close()
        log.info("request", extra={"request_id": request_id, "route": "unmatched", "status": 400, "detail": msg})


def server_config(application: Any, **options: Any) -> uvicorn.Config:
    """How every process serves: logs and forwarded addresses are our own matter, and nothing tells what we run on."""
    return uvicorn.Config(
        application,
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # uvicorn would believe whoever calls from 127.0.0.1; TRUSTED_PROXIES decides
        server_header=False,
        **options,
    )
