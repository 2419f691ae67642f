"""Swagger UI and the OpenAPI document, every byte from our own origin."""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from starlette.responses import Response

from shared.call import JSON, Call
from shared.endpoint import Endpoint, Handler, endpoint
from shared.http.conditional import etag, unchanged
from shared.http.problems import Problem
from shared.security.permissions import Permission

OPENAPI_PATH = "/api/openapi.json"
DOCS_PATH = "/api/docs"
DOCUMENT = Path(__file__).parent.parent / "openapi.json"
_PACKAGE = "flask_swagger_ui"
"""Its wheel carries Swagger UI's files; its code needs Flask and is never imported."""
_REVALIDATED = {"Cache-Control": "public, no-cache"}
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Flycatcher API</title>
<link rel="stylesheet" href="{DOCS_PATH}/swagger-ui.css">
<link rel="icon" type="image/png" href="{DOCS_PATH}/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{DOCS_PATH}/swagger-ui-bundle.js"></script>
<script src="{DOCS_PATH}/start.js"></script>
</body>
</html>
""".encode()
_START = f"""SwaggerUIBundle({{
  url: "{OPENAPI_PATH}",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
}});
""".encode()
_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}


def built_document() -> bytes:
    """The document that the image was built with (Dockerfile).

    Raises:
        Problem: 404 where there is none, as in a checkout of the code.
    """
    try:
        return _document()
    except FileNotFoundError:
        told = f"There is no {DOCUMENT.name} here: python -m operations openapi makes it."
        raise Problem("not_found", told) from None


@cache
def _document() -> bytes:
    return DOCUMENT.read_bytes()


def docs_endpoints(openapi: Callable[[], bytes]) -> list[Endpoint]:
    """The endpoints of the documentation; ``openapi`` makes or reads the document when it is first asked for."""

    async def document(call: Call) -> Response:
        return _revalidated(call, openapi(), JSON)

    async def page(call: Call) -> Response:
        answer = _revalidated(call, _PAGE, "text/html")
        answer.headers["Content-Security-Policy"] = _CONTENT_SECURITY_POLICY
        return answer

    async def start(call: Call) -> Response:
        return _revalidated(call, _START, "text/javascript")

    handlers: dict[str, Handler] = {OPENAPI_PATH: document, DOCS_PATH: page, f"{DOCS_PATH}/start.js": start}
    handlers |= {f"{DOCS_PATH}/{name}": _asset(name, media_type) for name, media_type in _ASSETS.items()}
    return [
        endpoint("GET", path, Permission.ENTER, own_connections=True)(handler) for path, handler in handlers.items()
    ]


def _asset(name: str, media_type: str) -> Handler:
    async def asset(call: Call) -> Response:
        return _revalidated(call, _read(name), media_type)

    return asset


@cache
def _read(name: str) -> bytes:
    spec = find_spec(_PACKAGE)
    locations = spec.submodule_search_locations if spec else None
    if not locations:
        raise FileNotFoundError(f"{_PACKAGE} is not installed")
    return (Path(locations[0]) / "dist" / name).read_bytes()


def _revalidated(call: Call, content: bytes, media_type: str) -> Response:
    tag = etag(content)
    headers = _REVALIDATED | {"ETag": tag}
    if unchanged(call.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)
