"""A server of the tests' own, for as long as somebody needs it."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import TCPServer
from threading import Thread


@contextmanager
def serving(server: TCPServer, certificate: Path | None = None, key: Path | None = None) -> Iterator[int]:
    """Serve in a thread, by TLS where a certificate is given; its port."""
    with server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
