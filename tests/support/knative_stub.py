"""What the gateway of a cluster sees of Knative: names that are found, and answers behind them.

A program by itself, of the standard library alone: a container of the image runs it beside a gateway. It answers DNS on
port 53 and HTTP on port 80. Of a request it tells what came in; ``X-Stub`` asks for what Knative would answer instead.
"""

import json
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseRequestHandler, ThreadingUDPServer
from typing import Any, NamedTuple

SEEN = "/stub/seen"
"""Asked from outside: every request that has come in."""
ADDRESSES = ("127.0.0.1", "127.0.0.2")
"""Of every name: a gateway that repeats a request has somewhere to repeat it."""

INGRESS = (
    b"".join(
        bytes([len(part)]) + part.encode() for part in ["kourier-internal", "kourier-system", "svc", "cluster", "local"]
    )
    + b"\0"
)
"""The name of Knative's ingress, as DNS writes it."""


class Told(NamedTuple):
    """An answer that is not the usual one."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def problem(status: int, code: str, detail: str, **headers: str) -> Told:
    """As a function says it."""
    body = {"type": f"urn:flycatcher:problem:{code}", "status": status, "code": code, "detail": detail}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Told(status, {"Content-Type": "application/problem+json", **named}, json.dumps(body).encode())


PLAIN = {"Content-Type": "text/plain"}
TOLD = {
    "queue-proxy-502": Told(502, {}, b""),
    "activator-503": Told(503, {"Content-Type": "text/plain; charset=utf-8"}, b"activator overload\n"),
    "envoy-503": Told(503, PLAIN, b"upstream connect error or disconnect/reset before headers"),
    "empty-503": Told(503, {}, b""),
    "queue-proxy-504": Told(504, PLAIN, b"activator request timeout\n"),
    "envoy-404": Told(404, {}, b""),
    "envoy-426": Told(426, {}, b""),
    "html-500": Told(500, {"Content-Type": "text/html"}, b"<h1>Oops</h1>"),
    "function-503": problem(
        503,
        "service_unavailable",
        "Too many requests are waiting already.",
        Retry_After="7",
        RateLimit_Limit="100",
        RateLimit_Remaining="99",
        RateLimit_Reset="60",
        Access_Control_Allow_Origin="https://tracker.example",
        Vary="Origin",
    ),
    "function-500": problem(500, "internal_error", "Something went wrong on our side."),
    "function-404": problem(404, "not_found", "There is nothing here, says the function."),
    "function-400": problem(400, "malformed_json", "The body is not JSON, says the function."),
}
"""By what X-Stub asks for."""

seen: list[dict[str, Any]] = []
names: dict[str, tuple[str, ...]] = {}
"""What is found, and where: NAME or NAME=ADDRESS on the command line."""


class Web(BaseHTTPRequestHandler):
    """Every function at once: the host says which one is meant."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        if self.path == SEEN:
            self._send(Told(200, {"Content-Type": "application/json"}, json.dumps(seen).encode()))
            return
        length = int(self.headers.get("Content-Length", 0))
        request = {
            "host": self.headers.get("Host"),
            "method": self.command,
            "path": self.path,
            "headers": [[name.lower(), value] for name, value in self.headers.items()],
            "body": self.rfile.read(length).decode("latin-1"),
        }
        seen.append(request)
        wanted = self.headers.get("X-Stub", "")
        if wanted.startswith("wait-"):
            time.sleep(float(wanted.removeprefix("wait-")))  # as long as the test asked for
        if wanted == "silence":  # the connection ends without a word
            self.close_connection = True
            return
        headers = {"Content-Type": "application/json"}
        if wanted.startswith("expires-"):
            headers["Expires"] = formatdate(time.time() + float(wanted.removeprefix("expires-")), usegmt=True)
        usual = Told(200, headers, json.dumps(request).encode())
        self._send(TOLD.get(wanted, usual))

    def _send(self, told: Told) -> None:
        self.send_response(told.status)
        for name, value in told.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(told.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(told.body)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """``do_GET`` and its like: one answers them all."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def log_message(self, *_: object) -> None:
        """What came in is told to whoever asks."""


class Names(BaseRequestHandler):
    """DNS (RFC 1035), as much of it as one question for one name needs."""

    def handle(self) -> None:
        """Answer a question: our names have addresses of IPv4, and there are no others."""
        data, socket = self.request
        name, place = [], 12
        while data[place]:
            name.append(data[place + 1 : place + 1 + data[place]].decode().lower())
            place += 1 + data[place]
        question = data[12 : place + 5]
        kind = struct.unpack("!H", question[-4:-2])[0]
        addresses = names.get(".".join(name))
        records = []
        if addresses == ADDRESSES:  # a Knative Service is another name of Knative's ingress
            records.append(b"\xc0\x0c" + struct.pack("!HHIH", 5, 1, 1, len(INGRESS)) + INGRESS)
        if addresses and kind == 1:
            owner = INGRESS if records else b"\xc0\x0c"
            for address in addresses:
                octets = bytes(int(part) for part in address.split("."))
                records.append(owner + struct.pack("!HHIH", 1, 1, 1, 4) + octets)
        flags = 0x8580 if addresses else 0x8583  # an authoritative answer; 3 is that there is no such name
        head = data[:2] + struct.pack("!HHHHH", flags, 1, len(records), 0, 0)
        socket.sendto(head + question + b"".join(records), self.client_address)


def main() -> None:
    """Serve until it is killed."""
    for given in sys.argv[1:]:
        name, _, address = given.partition("=")
        names[name] = (address,) if address else ADDRESSES
    threading.Thread(target=ThreadingUDPServer(("0.0.0.0", 53), Names).serve_forever, daemon=True).start()  # noqa: S104  # a network of its own
    ThreadingHTTPServer(("0.0.0.0", 80), Web).serve_forever()  # noqa: S104  # published to the test


if __name__ == "__main__":
    main()
