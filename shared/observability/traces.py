"""Traces: a span for each request, each statement and each round trip to Redis, sent by OTLP (decision 0018).

Imported only where a collector is configured, since the SDK makes a start a fifth longer. The names of the attributes
are those of OpenTelemetry's semantic conventions for HTTP and databases.
"""

import asyncio
import logging
import re
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context as Parent
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, StatusCode, format_trace_id, set_span_in_context
from opentelemetry.trace import Tracer as SdkTracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from psycopg import AsyncConnection, AsyncCursor, AsyncTransaction
from psycopg.abc import Params
from psycopg.rows import TupleRow
from starlette.datastructures import Headers
from starlette.types import Scope

from shared import VERSION
from shared.data.redis import Command, Redis
from shared.data.statements import SHAPES
from shared.observability.redaction import redact_known
from shared.settings import SettingsError

if TYPE_CHECKING:
    from shared.services import Context, Origin

log = logging.getLogger(__name__)

CLOSE_SECONDS = 1.0
"""How long a stop waits for the collector to take the last spans."""
QUIET_SECONDS = 60.0
"""After a line about traces, until the next one."""
PATH_LIMIT = 500
"""Characters of a path that are kept: the spans that wait for a collector must not fill the memory."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
"""What the conventions call by its name (RFC 9110 and 5789); a client must not make names of its own."""

Attributes = Mapping[str, str]

_OPERATION = re.compile(r"SELECT|INSERT|UPDATE|DELETE|BEGIN|COMMIT|ROLLBACK")
_PROPAGATOR = TraceContextTextMapPropagator()
_request: ContextVar["RequestSpan | None"] = ContextVar("request", default=None)


class RequestSpan:
    """The span of a request, which those of its statements and round trips lie in."""

    def __init__(self, tracer: SdkTracer, span: Span, method: str) -> None:
        self._tracer = tracer
        self._span = span
        self._method = method
        self._inside = set_span_in_context(span, Parent())

    @property
    def trace_id(self) -> str | None:
        """In hexadecimal; None where the SDK is switched off and the client sent none."""
        context = self._span.get_span_context()
        return format_trace_id(context.trace_id) if context.is_valid else None

    @property
    def is_recording(self) -> bool:
        """Whether it was chosen by the sampler and has not ended: a pipelined request may inherit its variables."""
        return self._span.is_recording()

    def end(self, context: "Context", status: int) -> None:
        """The request is over: answered with ``status``, or, where an exception is on its way, not or by half."""
        found: dict[str, str | int] = {}
        if status:
            found["http.response.status_code"] = status
        if context.route:
            found["http.route"] = context.route
            self._span.update_name(f"{self._method} {context.route}")
        if context.caller:
            found["enduser.id"] = str(context.caller.id)
        error = sys.exception()
        if error or status >= 500:
            found["error.type"] = type(error).__name__ if error else str(status)
            self._span.set_status(StatusCode.ERROR)
        self._span.set_attributes(found)
        self._span.end()

    @contextmanager
    def call(self, name: str, attributes: Attributes) -> Iterator[None]:
        """A span for what is asked of another process. Of an error only the type is told: its words hold values."""
        span = self._tracer.start_span(name, self._inside, SpanKind.CLIENT, attributes)
        try:
            yield
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise
        finally:
            span.end()


def _call(name: str, attributes: Attributes) -> AbstractContextManager[None]:
    request = _request.get()
    return request.call(name, attributes) if request and request.is_recording else nullcontext()


def _sql(text: bytes) -> AbstractContextManager[None]:
    return _call(*_described(text))


@lru_cache(SHAPES)
def _described(text: bytes) -> tuple[str, Attributes]:
    """The name and the attributes of a statement, which holds placeholders and never a value (decision 0012)."""
    statement = text.decode().strip()
    found = _OPERATION.search(statement)
    operation = found[0] if found else "SQL"
    return operation, {
        "db.system.name": "postgresql",
        "db.operation.name": operation,
        "db.query.text": statement,
    }


class TracedConnection(AsyncConnection[TupleRow]):
    """A connection to PostgreSQL with a span for each round trip, COMMIT included: that is the one that writes."""

    async def execute(  # type: ignore[override]  # what Connection gives it, and no other kind of query
        self, query: bytes, params: Params | None = None
    ) -> AsyncCursor[TupleRow]:
        """Execute a statement."""
        with _sql(query):
            return await super().execute(query, params)

    @asynccontextmanager
    async def transaction(
        self, savepoint_name: str | None = None, force_rollback: bool = False
    ) -> AsyncIterator[AsyncTransaction]:
        """A transaction, committed at the end or rolled back by an exception."""
        inner = super().transaction(savepoint_name, force_rollback)
        with _sql(b"BEGIN"):
            transaction = await inner.__aenter__()
        try:
            yield transaction
        except BaseException as error:
            with _sql(b"ROLLBACK"):
                is_settled = await inner.__aexit__(type(error), error, error.__traceback__)
            if not is_settled:
                raise
        else:
            with _sql(b"COMMIT"):
                await inner.__aexit__(None, None, None)


class TracedRedis(Redis):
    """A client of Redis with a span for each round trip. Keys are not told: they are made of addresses and sessions."""

    async def send(self, *commands: Command) -> list[Any]:
        """The replies to these commands."""
        operation = " ".join(sorted({str(command[0]) for command in commands}))
        if len(commands) > 1:
            operation = f"PIPELINE {operation}"
        with _call(operation, {"db.system.name": "redis", "db.operation.name": operation}):
            return await super().send(*commands)


class Tracer:
    """What a process makes its spans with. They wait in a bounded queue for a thread that sends them."""

    connection_class = TracedConnection
    redis_class = TracedRedis

    def __init__(self, endpoint: str, function: str) -> None:
        """Start the thread; the collector at ``endpoint``, a URL without its end, need not be there.

        Raises:
            SettingsError: the SDK refuses one of its own variables.
        """
        _listen_to_sdk()
        ours = Resource.create({"service.name": f"flycatcher-{function}", "service.version": VERSION})
        try:
            provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
            self._processor = BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces"))
        except ValueError as error:
            raise SettingsError(f"a variable OTEL_… is wrong: {error}") from None
        provider.add_span_processor(self._processor)
        self._tracer = provider.get_tracer("flycatcher", VERSION)

    def begin(self, scope: Scope, headers: Headers, origin: "Origin") -> RequestSpan:
        """The span of a request that has just come in, in the trace that its client names (W3C Trace Context)."""
        is_known = scope["method"] in METHODS
        attributes = {
            "http.request.method": scope["method"] if is_known else "_OTHER",
            "url.scheme": scope["scheme"],
            "url.path": redact_known(scope["path"][:PATH_LIMIT]),
            "client.address": origin.ip,
            "user_agent.original": redact_known(origin.user_agent),
        }
        sent = {name: headers.getlist(name) for name in ("traceparent", "tracestate")}
        parent = _PROPAGATOR.extract(sent, Parent())
        method = scope["method"] if is_known else "HTTP"
        request = RequestSpan(
            self._tracer, self._tracer.start_span(method, parent, SpanKind.SERVER, attributes), method
        )
        _request.set(request)
        return request

    async def close(self) -> None:
        """Send what waits. A collector that does not take it in time loses it."""
        # The SDK itself would wait half a minute for one that hangs; its threads end with the process.
        sending = threading.Thread(target=self._processor.shutdown, daemon=True)
        sending.start()
        await asyncio.to_thread(sending.join, CLOSE_SECONDS)
        if sending.is_alive():
            log.warning("trouble with traces", extra={"reason": "the last spans were not taken in time"})


class _Complaints(logging.Handler):
    """What the SDK complains of, as a line of our own now and then: it has several for each attempt to send."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._quiet_until = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET_SECONDS
            log.warning("trouble with traces", extra={"reason": record.getMessage()}, exc_info=record.exc_info)


def _listen_to_sdk() -> None:
    sdk = logging.getLogger("opentelemetry")
    sdk.propagate = False
    sdk.handlers[:] = [_Complaints()]
    # The first quotes what clients sent as their trace, the second the headers with the collector's key.
    for name in ("opentelemetry.trace", "opentelemetry.util"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.getLogger("urllib3").setLevel(logging.ERROR)
