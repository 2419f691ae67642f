"""Whether the function of this container is ready: ``python -m operations.healthcheck``.

The image has no curl, and the standard library's HTTP client takes longer to import than the answer takes to come.
"""

import os
import socket
import sys

from shared.usage import take_no_arguments

TIMEOUT_SECONDS = 3.5
"""Longer than /readyz may take while PostgreSQL hangs."""
REQUEST = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def main() -> int:
    """0 where /readyz on ``PORT`` is 200, else 1."""
    port = os.environ.get("PORT") or "8080"
    try:
        address = ("127.0.0.1", int(port))
        with socket.create_connection(address, TIMEOUT_SECONDS) as connection:
            connection.sendall(REQUEST)
            answer = connection.recv(4096).split(b"\r\n")[0].decode(errors="replace")
    except OSError as error:
        answer = f"port {port} does not answer: {error.strerror or error}"
    except (OverflowError, ValueError):
        answer = f"PORT must be a whole number from 1 to 65535, not {port}"
    print(answer)
    return 0 if " 200 " in answer else 1


if __name__ == "__main__":
    take_no_arguments("python -m operations.healthcheck", "Ask the function on PORT (8080) whether it is ready.")
    sys.exit(main())
