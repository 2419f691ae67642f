"""What a process holds from start to stop, and what it knows of one request."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from shared.data.database import Database
from shared.http.headers import Cors
from shared.http.problems import Problem
from shared.observability.metrics import Metrics
from shared.security.limits import Gate
from shared.security.tokens import Caller, Verifier
from shared.settings import Settings
from shared.workers import Workers

if TYPE_CHECKING:
    from shared.observability.traces import RequestSpan, Tracer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Services:
    """Made in the lifespan from the settings; nothing of it exists when a module is merely imported."""

    settings: Settings
    database: Database
    gate: Gate
    cors: Cors
    verifier: Verifier
    metrics: Metrics
    renderer: Workers
    """For Markdown: one thread, so that a burst of it takes no more than half of the interpreter's time."""
    resources: Mapping[type, object]
    tracer: "Tracer | None" = None
    """Where a collector is configured; nothing of it is imported elsewhere."""

    async def open(self) -> None:
        """Begin to connect; what is away is waited for by the requests, not by the start."""
        await self.database.open()

    async def close(self) -> None:
        """Close every connection, and send the last spans."""
        await self.gate.close()
        await self.database.close()
        if self.tracer:
            await self.tracer.close()

    def resource(self, kind: type[T]) -> T:
        """What a function alone prepared, by its class; auth keeps its signing key here."""
        found = self.resources[kind]
        assert isinstance(found, kind)  # noqa: S101  # narrows the type; the key is the class itself
        return found


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, as the audit log keeps it."""

    ip: str
    user_agent: str
    request_id: str


@dataclass(slots=True)
class Context:
    """One request, from the outermost middleware inwards."""

    origin: Origin
    services: Services
    caller: Caller | None = None
    token_problem: Problem | None = None
    """Why there is no caller; told only by an endpoint that wants one."""
    route: str | None = None
    """The template of the path, such as /api/issues/{id}."""
    body: bytes = b""
    """The body as it came, so that nothing of it is told when the request fails."""
    session_checked: bool = False
    """Whether PostgreSQL has said in this request that the caller's session lives."""
    started: float = field(default_factory=time.monotonic)
    span: "RequestSpan | None" = None
    """Where the request is traced."""
    deadline: float = field(init=False)
    """When it has to be answered, on the steady clock; the time that its body takes to come in is added."""

    def __post_init__(self) -> None:
        """A request has to be answered in time from its beginning on."""
        self.deadline = self.started + self.services.settings.request_seconds

    @property
    def session_id(self) -> UUID | None:
        """The caller's session, or None."""
        return self.caller.session_id if self.caller else None

    def authenticated(self) -> Caller:
        """The caller.

        Raises:
            Problem: with the reason why there is none.
        """
        if self.caller is None:
            raise self.token_problem or Problem("authentication_required")
        return self.caller
