"""A collector of traces: what a function sends by OTLP over HTTP, taken apart."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SentSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tests.support.serving import serving

Value = str | int
WAIT_SECONDS = 10


@dataclass(frozen=True)
class Span:
    """A span as it was sent; ids in hexadecimal, no parent as an empty text."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    trace_state: str
    attributes: dict[str, Value]
    resource: dict[str, Value]
    is_error: bool
    message: str
    events: int
    start: int
    end: int


class Collector:
    """Takes whatever is posted, and keeps it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.paths: set[str] = set()
        self.credentials: set[str | None] = set()
        self.bodies: list[bytes] = []

    def spans(self) -> list[Span]:
        """Every span so far, in the order in which they began."""
        found = [span for body in self.bodies for span in _parsed(body)]
        return sorted(found, key=lambda span: span.start)

    def text(self) -> str:
        """All that was sent, as text."""
        return "".join(str(ExportTraceServiceRequest.FromString(body)) for body in self.bodies)

    def trace(self, trace_id: str) -> tuple[Span, list[Span]]:
        """The span of a request, and those within it; it is the last of them to end, and so the last to come."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            spans = [span for span in self.spans() if span.trace_id == trace_id]
            requests = [span for span in spans if span.kind == "SPAN_KIND_SERVER"]
            if requests:
                (request,) = requests
                return request, [span for span in spans if span is not request]
            assert time.monotonic() < deadline, f"no request of trace {trace_id}"
            time.sleep(0.02)


@contextmanager
def collecting(status: int = 200) -> Iterator[Collector]:
    """A collector on a free port of 127.0.0.1, which answers with this status."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that http.server asks for
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/x-protobuf"
            collector.paths.add(self.path)
            collector.credentials.add(self.headers["Authorization"])
            collector.bodies.append(body)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's own name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector = Collector(f"http://127.0.0.1:{server.server_port}")
    with serving(server):
        yield collector


def _parsed(body: bytes) -> Iterator[Span]:
    for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _plain(of_resource.resource.attributes)
        for scope in of_resource.scope_spans:
            for span in scope.spans:
                yield Span(
                    name=span.name,
                    kind=SentSpan.SpanKind.Name(span.kind),
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    trace_state=span.trace_state,
                    attributes=_plain(span.attributes),
                    resource=resource,
                    is_error=span.status.code == Status.STATUS_CODE_ERROR,
                    message=span.status.message,
                    events=len(span.events),
                    start=span.start_time_unix_nano,
                    end=span.end_time_unix_nano,
                )


def _plain(attributes: Iterable[KeyValue]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for attribute in attributes:
        kind = attribute.value.WhichOneof("value")
        assert kind in ("string_value", "int_value"), attribute
        found[attribute.key] = attribute.value.string_value if kind == "string_value" else attribute.value.int_value
    return found
