"""The one pass round every request: who and where from, the limit, the headers, the errors, the log line."""

import logging
import os
import re
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.data.database import CROWDED, UNAVAILABLE
from shared.http.headers import REQUEST_ID, RawHeaders, secure
from shared.http.input import header_text, sent_texts
from shared.http.problems import Problem
from shared.http.turnstile import Turnstile
from shared.observability.redaction import conceal
from shared.security.client_address import client_address
from shared.security.limits import Verdict
from shared.security.tokens import bearer
from shared.services import Context, Origin, Services

log = logging.getLogger("flycatcher.request")

PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked by the platform, not by clients: neither counted nor limited."""
_REQUEST_ID = re.compile(REQUEST_ID)
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_ENCODED_SEPARATOR = re.compile(rb"%(?:2f|5c)", re.IGNORECASE)
"""No path of ours has one, and servers disagree on whether it separates: a gateway may see another route than we do."""
_ROUTER_CODES = {404: "not_found", 405: "method_not_allowed"}


class OnePass:
    """Pure ASGI, outside the router: what it refuses costs no route and no connection."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._turnstile = Turnstile()
        self._coming = 0
        """Requests that have been let in and are not where a connection is asked for yet."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request; anything else is the application's own matter."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        services: Services = scope["state"]["services"]
        headers = Headers(scope=scope)
        context = Context(_origin(scope, headers, services), services)
        scope["context"] = context
        verdict: Verdict | None = None
        status = 0
        _begin_span(scope, headers, context)

        async def respond(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message["headers"], context, verdict)
                services.cors.decorate(headers.get("origin"), MutableHeaders(scope=message))
            await send(message)

        try:
            try:
                if scope["path"] not in PROBES:
                    is_crowded = services.database.is_crowded(self._coming)
                    verdict = await self._judge(context, headers, is_crowded=is_crowded)
                    _obey(verdict, context, is_crowded=is_crowded)
                if _ENCODED_SEPARATOR.search(scope["raw_path"]):
                    raise Problem("not_found")
                if answer := services.cors.preflight(scope["method"], headers):
                    await answer(scope, receive, respond)
                else:
                    await self._app(scope, receive, respond)
            except Exception as error:
                if not isinstance(error, Problem | HTTPException):
                    conceal(
                        [*headers.get("authorization", "").split(), *sent_texts(scope["query_string"], context.body)]
                    )
                if status:
                    raise
                problem = as_problem(error, context.origin.request_id)
                await problem.response(scope["path"], context.origin.request_id)(scope, receive, respond)
        finally:
            _finish(scope, headers, context, status)

    async def _judge(self, context: Context, headers: Headers, *, is_crowded: bool) -> Verdict:
        """What the limit says. For whoever will be refused, nothing is done that takes time, or asked of others."""
        gate = context.services.gate
        if is_crowded:
            await self._turnstile.wait()
            return gate.check_here(context.origin.ip)
        _read_token(context, headers)
        self._coming += 1
        try:
            return await gate.check(context.origin.ip, context.session_id)
        finally:
            self._coming -= 1


def as_problem(error: Exception, request_id: str) -> Problem:
    """What a client is told of an error. Its cause goes to the log, under the request's id, and never further."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException) and error.status_code in _ROUTER_CODES:
        return Problem(_ROUTER_CODES[error.status_code], headers=error.headers)
    if isinstance(error, UNAVAILABLE):
        # In an outage the same few words for each request would be all that the process has time for.
        told = None if isinstance(error, CROWDED) else error
        log.warning("dependency failed: %s", type(error).__name__, exc_info=told, extra={"request_id": request_id})
        return Problem("service_unavailable")
    log.error("unexpected error", exc_info=error, extra={"request_id": request_id})
    return Problem("internal_error")


def _origin(scope: Scope, headers: Headers, services: Services) -> Origin:
    peer = scope["client"][0] if scope.get("client") else None
    address = client_address(peer, headers.getlist("x-forwarded-for"), services.settings.trusted_proxies)
    request_id = headers.get("x-request-id", "")
    return Origin(
        ip=address,
        user_agent=header_text(headers, "user-agent", 500),
        request_id=request_id if _REQUEST_ID.fullmatch(request_id) else os.urandom(16).hex(),
    )


def _read_token(context: Context, headers: Headers) -> None:
    """Find out who calls; that nobody does is told only where somebody has to."""
    try:
        context.caller = context.services.verifier.verify(bearer(headers.get("authorization")))
    except Problem as problem:
        context.token_problem = problem


def _obey(verdict: Verdict, context: Context, *, is_crowded: bool) -> None:
    if not verdict.allowed:
        context.services.metrics.rate_limited += 1
        raise Problem("rate_limited", headers={"Retry-After": str(verdict.reset_seconds)})
    if verdict.denied:
        context.caller, context.token_problem = None, Problem("token_revoked")
    if is_crowded:
        raise context.services.database.refusal()


def _add_headers(headers: RawHeaders, context: Context, verdict: Verdict | None) -> None:
    secure(headers)
    headers.append((b"x-request-id", context.origin.request_id.encode()))
    if verdict:
        limit = context.services.settings.rate_limit_per_minute
        headers += (
            (b"ratelimit-limit", b"%d" % limit),
            (b"ratelimit-remaining", b"%d" % verdict.remaining),
            (b"ratelimit-reset", b"%d" % verdict.reset_seconds),
        )


def _begin_span(scope: Scope, headers: Headers, context: Context) -> None:
    if context.services.tracer and scope["path"] not in PROBES:
        context.span = context.services.tracer.begin(scope, headers, context.origin)


def _finish(scope: Scope, headers: Headers, context: Context, status: int) -> None:
    _log(scope, headers, context, status)
    if context.span:
        context.span.end(context, status)


def _log(scope: Scope, headers: Headers, context: Context, status: int) -> None:
    seconds = time.monotonic() - context.started
    route = context.route or "unmatched"
    context.services.metrics.observe(scope["method"], route, status, seconds)
    log.info(
        "request",
        extra={
            "request_id": context.origin.request_id,
            "trace_id": context.span.trace_id if context.span else _sent_trace_id(headers),
            "user_id": str(context.caller.id) if context.caller else None,
            "method": scope["method"],
            "route": route,
            "status": status,
            "duration_ms": round(seconds * 1000, 2),
        },
    )


def _sent_trace_id(headers: Headers) -> str | None:
    trace = _TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    return trace[1] if trace else None


async def send_answer(answer: Response | Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Send what a handler returned; a returned problem like a raised one."""
    if isinstance(answer, Problem):
        answer = answer.response(scope["path"], scope["context"].origin.request_id)
    await answer(scope, receive, send)
