"""The HTTP server: uvicorn as every process runs it, with an end to what clients may make it wait for.

Its own answers, to what is no HTTP and to what does not come in, are problems like all others.
"""

import asyncio
import logging
import os
import socket
from asyncio import TimerHandle, Transport
from itertools import chain
from typing import Any
from uuid import uuid4

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shared.http.headers import SECURITY_HEADERS
from shared.http.problems import Problem

log = logging.getLogger("flycatcher.request")

HEAD_SECONDS = 10.0
"""In which a request's head has to come in, from the connection or from its first octet on (CWE-400, slow loris)."""
WRITE_SECONDS = 30.0
"""In which a client has to take some of an answer that does not fit into the way to it."""
ACCEPTED_AT_ONCE = 4
"""Connections at a turn of the event loop: enough that they do not wait, too few to make the turn long."""
ACCEPTED_SECONDS = 0.05
"""After a stop has begun: until who has connected before it is there to be told of it."""
DRAIN_SECONDS = 1.0
"""After a stop has begun: how long an idle connection may still bring a request, which is answered and told that it
was the last. A client that sends at the same moment as it is closed would otherwise lose its request."""
BODY_SECONDS_AT_STOP = 3.0
"""After a stop has begun: how long a body that is coming in may take."""
GRACE_SECONDS = 7
"""After a stop has begun: how long it may take. Every request whose body is there is answered sooner than that."""
HEADERS_LIMIT = 1000
TOO_LARGE = "The head of the request is too large."
HEAD_LIMIT = 2 * 1024 * 1024
"""Octets of a request's line and headers. Uvicorn has no limit here: a client could fill the memory with one header.

Wide enough that a token of a megabyte is told that it is none; the gateway allows far less.
"""


class Protocol(HttpToolsProtocol):
    """Uvicorn's protocol, with a bound on what the parser keeps and on how long it waits for a client."""

    _in_head = False
    _progress = False
    _kept = 0
    """Octets since the parser last told of a whole head or of a piece of a body."""
    _is_last = False
    """The server stops: the next request of this connection is its last."""
    _head_timer: TimerHandle | None = None
    _write_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A client is there."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._give_up_head)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        for timer in (self._head_timer, self._write_timer):
            if timer:
                timer.cancel()
        super().connection_lost(exc)

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
        if self._is_last:
            self._finish()
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
        elif self._in_head:
            self._head_timer = self._head_timer or self.loop.call_later(HEAD_SECONDS, self._give_up_head)
        elif self._head_timer:
            self._head_timer.cancel()
            self._head_timer = None

    def pause_writing(self) -> None:
        """The client does not take what it is sent as fast as it is sent."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It has taken most of it."""
        super().resume_writing()
        if self._write_timer:
            self._write_timer.cancel()
            self._write_timer = None

    def shutdown(self) -> None:
        """The server stops, and waits for this connection to be closed."""
        if self.cycle is None or self.cycle.response_complete:
            self._is_last = True
            self.loop.call_later(DRAIN_SECONDS, self._close_if_idle)
        else:
            self._finish()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP as every other error is answered, and close the connection."""
        self._refuse("bad_request", msg)

    def _finish(self) -> None:
        """Answer this request and close the connection, with or without the rest of the request."""
        self.cycle.keep_alive = False
        self.loop.call_later(BODY_SECONDS_AT_STOP, self._give_up_body)

    def _close_if_idle(self) -> None:
        if self.transport.is_closing():
            return
        if self._in_head:
            self._refuse("service_unavailable", "The server stops, and the head of the request has not come in.")
        elif self.cycle is None or self.cycle.response_complete:
            self.transport.close()

    def _give_up_head(self) -> None:
        if self.transport.is_closing():
            return
        if self._in_head:
            self.send_400_response("The head of the request did not come in time.")
        else:
            self.transport.close()

    def _give_up_body(self) -> None:
        if self.cycle.more_body and not self.cycle.response_started and not self.transport.is_closing():
            self._refuse("service_unavailable", "The server stops, and the body has not come in.")

    def _refuse(self, code: str, detail: str) -> None:
        request_id = uuid4().hex
        response = Problem(code, detail, headers=SECURITY_HEADERS).response("", request_id)
        response.headers["X-Request-ID"] = request_id
        response.headers["Connection"] = "close"
        lines = [b"%s: %s\r\n" % header for header in (*self.server_state.default_headers, *response.raw_headers)]
        status = STATUS_LINE[response.status_code]
        self.transport.write(b"".join([status, *lines, b"\r\n", bytes(response.body)]))
        self.transport.close()
        extra = {"request_id": request_id, "route": "unmatched", "status": response.status_code, "detail": detail}
        log.info("request", extra=extra)


class Server(uvicorn.Server):
    """Uvicorn's server, that takes in at once who has connected: at each turn of its event loop, and before it stops.

    uvloop accepts one connection a turn. A busy process with long turns would leave hundreds in the listener's queue,
    the platform's probes among them; and a listener that is closed resets all that are in its queue, whose requests
    may be on the way.
    """

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self._accepting = set[asyncio.Task[object]]()
        self._queues = [_duplicate(listener) for server in self.servers for listener in server.sockets]
        for queue in self._queues:
            asyncio.get_running_loop().add_reader(queue, self._accept, queue)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: finish what has come in, refuse what comes."""
        for server in self.servers:
            server.close()
        for queue in self._queues:
            asyncio.get_running_loop().remove_reader(queue)
            while self._accept(queue):
                pass
            queue.close()
        await asyncio.sleep(ACCEPTED_SECONDS)
        await super().shutdown(sockets)

    def _accept(self, queue: socket.socket) -> bool:
        """Take in some of who waits in a listener's queue; False where that was all."""
        loop = asyncio.get_running_loop()
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                connection, _ = queue.accept()
            except OSError:  # nobody is there, or has gone again
                return False
            connection.setblocking(False)
            task = loop.create_task(loop.connect_accepted_socket(self._protocol, connection))
            self._accepting.add(task)
            task.add_done_callback(self._accepting.discard)
        return True

    def _protocol(self) -> Protocol:
        return Protocol(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


def _duplicate(listener: socket.socket) -> socket.socket:
    duplicate = socket.socket(fileno=os.dup(listener.fileno()))
    duplicate.setblocking(False)
    return duplicate


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
        timeout_graceful_shutdown=GRACE_SECONDS,
        **options,
    )
