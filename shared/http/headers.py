"""Headers of every answer, and the answers to browsers from other origins."""

from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The filter that this header steered is gone from browsers and did harm; 0 is what OWASP advises.
    "X-XSS-Protection": "0",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What an answer has unless it says otherwise itself (OWASP REST Security Cheat Sheet)."""
_ENCODED = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]

REQUEST_ID = r"^[A-Za-z0-9._-]{1,128}$"
"""An ``X-Request-ID`` that is taken over."""

RawHeaders = list[tuple[bytes, bytes]]
"""Headers as ASGI has them."""


def secure(headers: RawHeaders) -> None:
    """Add the security headers that are not there."""
    names = {name for name, _ in headers}
    headers += [header for header in _ENCODED if header[0] not in names]


METHODS = "GET, HEAD, POST, PATCH, DELETE"
REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-ID"
EXPOSED_HEADERS = (
    "ETag, Link, Location, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-ID"
)
PREFLIGHT_SECONDS = "600"


class Cors:
    """Exact origins alone; credentials never, since tokens travel in a header and not in a cookie."""

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origins)

    def decorate(self, origin: str | None, headers: MutableHeaders) -> None:
        """Let a listed origin read the answer, and keep caches from giving it to another."""
        if not self._origins:
            return
        headers.add_vary_header("Origin")
        if origin in self._origins:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS

    def preflight(self, method: str, headers: Headers) -> Response | None:
        """The answer to a listed origin's preflight, else None: for all others there is no OPTIONS."""
        if method != "OPTIONS" or "access-control-request-method" not in headers:
            return None
        if headers.get("origin") not in self._origins:
            return None
        return Response(
            status_code=204,
            headers={
                "Access-Control-Allow-Methods": METHODS,
                "Access-Control-Allow-Headers": REQUEST_HEADERS,
                "Access-Control-Max-Age": PREFLIGHT_SECONDS,
            },
        )
