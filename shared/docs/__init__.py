"""Swagger UI and the OpenAPI document, every byte from our own origin."""

from collections.abc import Callable
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

from starlette.responses import Response

from shared.call import JSON, Call
from shared.endpoint import Endpoint, Handler, endpoint
from shared.http.conditional import etag, unchanged
from shared.http.problems import GUIDE, Problem
from shared.security.permissions import Permission

Read = Callable[[], bytes]
"""Makes or reads what is served, when it is first asked for, and keeps it."""

OPENAPI_PATH = "/api/openapi.json"
DOCS_PATH = "/api/docs"
GUIDE_STYLE_PATH = f"{DOCS_PATH}/guide.css"
ICON_PATH = f"{DOCS_PATH}/favicon-32x32.png"
_ROOT = Path(__file__).parents[2]
DOCUMENT, GUIDE_PAGE = _ROOT / "openapi.json", _ROOT / "guide.html"
HTML, CSS, SCRIPT, PNG = "text/html", "text/css", "text/javascript", "image/png"
_OURS = Path(__file__).parent
_PACKAGE = "flask_swagger_ui"
"""Its wheel carries Swagger UI's files; its code needs Flask and is never imported."""
_REVALIDATED = {"Cache-Control": "public, no-cache"}
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def built_document() -> bytes:
    """The OpenAPI document that the image was built with (Dockerfile).

    Raises:
        Problem: 404 where there is none, as in a checkout of the code.
    """
    return _built(DOCUMENT, "openapi")


def built_guide() -> bytes:
    """The guide that the image was built with.

    Raises:
        Problem: 404 where there is none.
    """
    return _built(GUIDE_PAGE, "guide")


def _built(path: Path, command: str) -> bytes:
    try:
        return _content(path)
    except FileNotFoundError:
        told = f"There is no {path.name} here: python -m operations {command} --output {path.name} makes it."
        raise Problem("not_found", told) from None


@cache
def _content(path: Path) -> bytes:
    return path.read_bytes()


def _ours(name: str) -> bytes:
    return _content(_OURS / name)


@cache
def _theirs(name: str) -> bytes:
    spec = find_spec(_PACKAGE)
    locations = spec.submodule_search_locations if spec else None
    if not locations:
        raise FileNotFoundError(f"{_PACKAGE} is not installed")
    return (Path(locations[0]) / "dist" / name).read_bytes()


_SERVED: dict[str, tuple[Read, str]] = {
    "": (partial(_ours, "page.html"), HTML),
    "/docs.css": (partial(_ours, "docs.css"), CSS),
    "/guide.css": (partial(_ours, "guide.css"), CSS),
    "/start.js": (partial(_ours, "start.js"), SCRIPT),
    "/swagger-ui.css": (partial(_theirs, "swagger-ui.css"), CSS),
    "/swagger-ui-bundle.js": (partial(_theirs, "swagger-ui-bundle.js"), SCRIPT),
    "/favicon-32x32.png": (partial(_theirs, "favicon-32x32.png"), PNG),
}
"""What is below DOCS_PATH, and its media type."""


def docs_endpoints(openapi: Read, guide: Read) -> list[Endpoint]:
    """The endpoints of the documentation; ``openapi`` gives the OpenAPI document, ``guide`` the page for people."""
    served = {OPENAPI_PATH: (openapi, JSON), GUIDE: (guide, HTML)} | {
        DOCS_PATH + path: file for path, file in _SERVED.items()
    }
    return [
        endpoint("GET", path, Permission.ENTER, own_connections=True)(_handler(read, media_type))
        for path, (read, media_type) in served.items()
    ]


def _handler(read: Read, media_type: str) -> Handler:
    own = {"Content-Security-Policy": _CONTENT_SECURITY_POLICY} if media_type == HTML else {}

    async def handler(call: Call) -> Response:
        content = read()
        tag = etag(content)
        headers = _REVALIDATED | own | {"ETag": tag}
        if unchanged(call.headers.get("if-none-match"), tag):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=media_type)

    return handler
