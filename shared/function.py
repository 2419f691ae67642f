"""A function: its Starlette application, made from the list of its endpoints."""

import re
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from psycopg import AsyncConnection
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.data.database import UNAVAILABLE, Database
from shared.data.redis import Redis
from shared.data.schema import check_schema
from shared.endpoint import Endpoint
from shared.http.headers import Cors
from shared.http.problems import Problem
from shared.middleware import OnePass, send_answer
from shared.observability.logs import configure_logging
from shared.observability.metrics import CONTENT_TYPE, Metrics, Sources
from shared.security.limits import Gate
from shared.security.tokens import Verifier, load_public_keys
from shared.services import Services
from shared.settings import Settings, SettingsError
from shared.workers import Workers, Working

if TYPE_CHECKING:
    from shared.observability.traces import Tracer

LoadSettings = Callable[[], Settings]
Prepare = Callable[[Settings], object]


class Resource:
    """Everything at one path: one endpoint for each method."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._endpoints = {endpoint.method: endpoint for endpoint in endpoints}
        self.methods = list(self._endpoints)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the endpoint of the method; HEAD is GET without the body, which the server leaves out."""
        endpoint = self._endpoints["GET" if scope["method"] == "HEAD" else scope["method"]]
        scope["context"].route = endpoint.path
        await send_answer(await endpoint(scope["context"], scope, receive), scope, receive, send)


class Function(Starlette):
    """The application of a function. Nothing is read or opened before the server starts its lifespan."""

    def __init__(
        self,
        name: str,
        endpoints: Sequence[Endpoint],
        *,
        settings: LoadSettings,
        prepare: Sequence[Prepare] = (),
    ) -> None:
        self.name = name
        self._settings = settings
        self._prepare = prepare
        by_path = groupby(sorted(endpoints, key=attrgetter("path")), key=attrgetter("path"))
        resources = [(path, Resource(list(group))) for path, group in by_path]
        super().__init__(
            routes=[
                *(Route(path, resource, methods=resource.methods) for path, resource in resources),
                Route("/healthz", _healthz),
                Route("/readyz", _readyz),
                Route("/metrics", _metrics),
            ],
        )
        self.router.redirect_slashes = False
        for route in self.router.routes:
            if isinstance(route, Route):
                # Starlette's own pattern ends in $, which lets a line feed (%0A) follow the path.
                route.path_regex = re.compile(rf"{route.path_regex.pattern}\Z")

    def build_middleware_stack(self) -> ASGIApp:
        """The one pass round the router; it answers every error, so that Starlette's own layers have nothing to do."""
        return OnePass(self.router)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the server's start and stop."""
        if scope["type"] == "lifespan":
            await self._serve_lifespan(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _serve_lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Starlette's own would show a traceback for a wrong setting; this ends the start with one line."""
        await receive()
        try:
            services = self._make_services()
        except SettingsError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await services.open()
        scope["state"]["services"] = services
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await services.close()
        await send({"type": "lifespan.shutdown.complete"})

    def _make_services(self) -> Services:
        settings = self._settings()
        configure_logging(self.name, settings.log_level)
        tracer = _make_tracer(settings.otel_exporter_otlp_endpoint, self.name)
        database = Database(settings, tracer.connection_class if tracer else AsyncConnection)
        redis_class = tracer.redis_class if tracer else Redis
        gate = Gate(settings.redis_url, settings.rate_limit_per_minute, redis_class)
        renderer = Workers("markdown", at_once=1)
        made = [prepare(settings) for prepare in self._prepare]
        queues = [renderer, *(resource.workers for resource in made if isinstance(resource, Working))]
        return Services(
            settings=settings,
            database=database,
            gate=gate,
            cors=Cors(settings.cors_allowed_origins),
            verifier=Verifier(load_public_keys(settings.jwt_public_keys), settings.jwt_issuer, settings.jwt_audience),
            metrics=Metrics(self.name, Sources(database.stats, gate, queues)),
            renderer=renderer,
            resources={type(resource): resource for resource in made},
            tracer=tracer,
        )


def _make_tracer(endpoint: str | None, function: str) -> "Tracer | None":
    if endpoint is None:
        return None

    from shared.observability.traces import Tracer

    return Tracer(endpoint, function)


async def _healthz(_request: Request) -> Response:
    return Response(b'{"status":"ok"}', media_type="application/json")


async def _readyz(request: Request) -> Response:
    services: Services = request.state.services
    try:
        await check_schema(services.database)
    except UNAVAILABLE:
        raise Problem("service_unavailable", "PostgreSQL does not answer.") from None
    redis = b"ok" if await services.gate.ping() else b"down"
    return Response(b'{"status":"ok","redis":"%s"}' % redis, media_type="application/json")


async def _metrics(request: Request) -> Response:
    services: Services = request.state.services
    return Response(services.metrics.expose(), media_type=CONTENT_TYPE)
