"""HTTP/2 as it goes over the wire: requests that no well-behaved client would send."""

import json
import ssl
from collections.abc import Iterable

from tests.support.api import JSON
from tests.support.wire import connect

Fields = Iterable[tuple[bytes, bytes]]
"""Pseudo-headers and headers, in the order in which they go out."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, GO_AWAY = 0, 1, 3, 4, 7
END_STREAM, END_HEADERS = 1, 4


def ask(url: str, fields: Fields, body: bytes, *, tls: ssl.SSLContext) -> JSON | None:
    """Send one request; the JSON of its answer, or None where the stream or the connection was ended instead."""
    tls.set_alpn_protocols(["h2"])
    head = b"".join(_literal(name) + value for name, value in ((n, _text(v)) for n, v in fields))
    last = 0 if body else END_STREAM
    request = _frame(HEADERS, END_HEADERS | last, 1, head) + (_frame(DATA, END_STREAM, 1, body) if body else b"")
    received, answer = b"", b""
    with connect(url, tls) as connection:
        connection.sendall(PREFACE + _frame(SETTINGS, 0, 0, b"") + request)
        while True:
            while len(received) < 9 or len(received) < 9 + int.from_bytes(received[:3]):
                if not (data := connection.recv(65_536)):
                    return None
                received += data
            length, kind, flags = int.from_bytes(received[:3]), received[3], received[4]
            payload, received = received[9 : 9 + length], received[9 + length :]
            if kind in (RESET, GO_AWAY):
                return None
            if kind == DATA:
                answer += payload
                if flags & END_STREAM:
                    found: JSON = json.loads(answer)
                    return found


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """RFC 9113, section 4.1."""
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def _literal(name: bytes) -> bytes:
    """The name of a header that enters no table (RFC 7541, section 6.2.2)."""
    return b"\0" + _text(name)


def _text(text: bytes) -> bytes:
    """Without Huffman's code; of fewer than 127 octets (RFC 7541, section 5.2)."""
    assert len(text) < 127
    return bytes([len(text)]) + text
