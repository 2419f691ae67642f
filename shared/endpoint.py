"""An endpoint: one declaration from which come its route, its checks in the contract's order, and its documentation."""

from collections.abc import Awaitable, Callable, Mapping, Set
from dataclasses import KW_ONLY, dataclass, field
from time import monotonic
from typing import Any, Concatenate, ParamSpec, Protocol
from uuid import UUID

from psycopg import IntegrityError
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope

from shared.call import Call
from shared.data import audit
from shared.data.database import Connection
from shared.fields import parse_uuid
from shared.http.idempotency import KEY, IdempotentRequest
from shared.http.input import named_members, parse_body, parse_query, read_body
from shared.http.problems import Fault, Problem, invalid
from shared.markdown import rendered
from shared.security.permissions import Permission, Standing, needs_token, permits, role_decides
from shared.services import Context
from shared.vocabulary import AuditTarget

P = ParamSpec("P")

NO_ID = UUID(int=0)


class Subject(Protocol):
    """The object that a request is about, as its rules need it; locked where the request changes it."""

    def relations(self, user_id: UUID) -> frozenset[Standing]:
        """What a user is to the object."""
        ...


Reply = Response | Problem
Handler = Callable[..., Awaitable[Reply]]
Load = Callable[[Connection, UUID], Awaitable[Subject | None]]
Exists = Callable[[Connection, UUID], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A handler with all that is declared of it.

    It is called with the call, then with what is declared of subject, body and query, in this order.
    """

    handler: Handler
    method: str
    path: str
    permission: Permission
    """Who may; judged before the handler, by role or by relation to the subject."""
    _: KW_ONLY
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    """What may come in; what is not declared is refused."""
    output: type[BaseModel] | None = None
    status: int = 200
    """What a success answers."""
    subject: Load | None = None
    """Loads and locks the object of a write, on which relations are judged."""
    exists: Exists | None = None
    """For a read with an id, whether the object is there; asked only to tell 404 from 422."""
    kind: AuditTarget | None = None
    """What the id in the path names, for the audit log."""
    member_permissions: Mapping[str, Permission] = field(default_factory=dict)
    """Rights that naming a member of the body needs as well."""
    markdown: str | None = None
    """The member of the body that is Markdown; rendered before the transaction, so that nothing is locked meanwhile."""
    tagged: bool = False
    """The object has an entity tag: a read honours ``If-None-Match``, a write ``If-Match``."""
    idempotent: bool = False
    """``Idempotency-Key`` is honoured."""
    own_connections: bool = False
    """The handler opens connections itself: it hashes passwords between them, or needs none."""
    one_statement: bool = False
    """All that the handler writes is one statement, and its subject is not locked: that needs no transaction round it,
    unless a key is kept with it."""
    problems: tuple[str, ...] = ()
    """Codes that the handler may answer beyond the general ones."""

    async def __call__(self, context: Context, scope: Scope, receive: Receive) -> Response | Problem:
        """Answer a request: the checks in the order of section 2 of the contract, then the handler.

        Raises:
            Problem: the first of them that fails.
        """
        headers = Headers(scope=scope)
        content = b""
        if self.body:
            began = monotonic()
            content = context.body = await read_body(headers, receive)
            context.deadline += monotonic() - began
        if not needs_token(self.permission):
            context.caller = None
            return await self._answer(context, scope, headers, content)
        caller = context.authenticated()
        try:
            if role_decides(self.permission) and not permits(self.permission, caller.role):
                raise denied(self.permission)
            return await self._answer(context, scope, headers, content)
        except Problem as problem:
            await self._confirm(context, problem, scope)
            raise
        except IntegrityError:
            # Not what a client sends, but a caller who was deleted since the session was checked.
            async with context.services.database.connection(context) as db:
                await db.check_session()
            raise

    async def _confirm(self, context: Context, problem: Problem, scope: Scope) -> None:
        """Before any refusal: a session that has ended is told that and nothing else. A denial is audited."""
        is_denial = problem.code == "permission_denied"
        if problem.code == "service_unavailable" or (context.session_checked and not is_denial):
            return
        caller = context.authenticated()
        async with context.services.database.connection(context) as db:
            if not context.session_checked:
                await db.check_session()
            if is_denial:
                object_id = parse_uuid(scope["path_params"].get("id", ""))
                await audit.record(
                    db,
                    context.origin,
                    "permission.denied",
                    outcome="denied",
                    actor=caller.id,
                    target=(self.kind, object_id) if self.kind and object_id else None,
                    details={"method": self.method, "route": self.path},
                )

    async def _answer(self, context: Context, scope: Scope, headers: Headers, content: bytes) -> Response | Problem:
        raw_id = scope["path_params"].get("id")
        object_id = NO_ID if raw_id is None else parse_uuid(raw_id)
        if object_id is None:
            raise Problem("not_found")
        call = Call(context, scope["path"], headers, scope["query_string"], object_id)
        reply = await self._run(call, self._inputs(call, content))
        if call.ended:
            await call.services.gate.deny(call.ended, call.services.settings.access_token_seconds)
        return reply

    async def _run(self, call: Call, inputs: "_Inputs") -> Response | Problem:
        if self.own_connections:
            return await self.handler(call, *inputs.checked())
        if self.method == "GET":
            return await self._read(call, inputs)
        if self.markdown and not inputs.problem:
            text = getattr(inputs.arguments[0], self.markdown)
            call.html = await rendered(text, call.services.renderer, call.context.deadline)
        database = call.services.database
        alone = self.one_statement and not inputs.key
        async with database.connection(call.context) if alone else database.transaction(call.context) as db:
            call.use(db)
            return await self._write(call, db, inputs)

    async def _read(self, call: Call, inputs: "_Inputs") -> Response | Problem:
        async with call.services.database.connection(call.context) as db:
            call.use(db)
            if inputs.problem and self.exists and not await self.exists(db, call.id):
                raise Problem("not_found")
            return await self.handler(call, *inputs.checked())

    async def _write(self, call: Call, db: Connection, inputs: "_Inputs") -> Response | Problem:
        retry = None
        if inputs.key:
            retry = IdempotentRequest(call.caller.id, call.path, inputs.key, inputs.content)
        claimed = retry is None or await retry.claim(db)
        subject = await self._subject(call, db, inputs)
        arguments = inputs.checked()
        if not claimed:
            raise Problem("request_in_progress")
        if retry and (first := await retry.replay(db)):
            return first
        reply = await self.handler(call, *([subject] if self.subject else []), *arguments)
        if retry and isinstance(reply, Response):
            await retry.keep(db, reply)
        return reply

    async def _subject(self, call: Call, db: Connection, inputs: "_Inputs") -> Any:
        """Load the object and judge the caller by it: by the endpoint's permission and by the members named."""
        if self.subject is None:
            if needs_token(self.permission):
                await db.check_session()
            return None
        subject = await self.subject(db, call.id)
        if subject is None:
            raise Problem("not_found")
        relations = subject.relations(call.caller.id)
        for permission in (self.permission, *inputs.member_permissions()):
            if not permits(permission, call.caller.role, relations):
                raise denied(permission)
        return subject

    def _inputs(self, call: Call, content: bytes) -> "_Inputs":
        inputs = _Inputs(self, content)
        query, faults = parse_query(self.query, call.query_string)
        if self.idempotent and (key := call.headers.get("idempotency-key")) is not None:
            inputs.key = key
            if not KEY.fullmatch(key):
                inputs.key = None
                message = "Must have 1 to 255 characters from ! to ~"
                faults.append(Fault("header", "Idempotency-Key", "idempotency_key", message))
        try:
            parsed = parse_body(self.body, content) if self.body else None
        except Problem as problem:
            inputs.problem = problem
            return inputs
        if isinstance(parsed, list):
            faults.extend(parsed)
            inputs.named = named_members(content) if self.member_permissions else frozenset()
        elif parsed:
            inputs.named = parsed.model_fields_set
        if faults:
            inputs.problem = invalid(*faults)
        inputs.arguments = [model for model in (parsed, query) if model is not None]
        return inputs


@dataclass(slots=True)
class _Inputs:
    """What came in, checked at once but told only when its turn comes."""

    endpoint: Endpoint
    content: bytes
    arguments: list[Any] = field(default_factory=list)
    named: Set[str] = frozenset()
    """The members that the body names; of a valid one by the same parser that gives the handler its values."""
    key: str | None = None
    problem: Problem | None = None

    def checked(self) -> list[Any]:
        """The handler's arguments: body, then query, of those that the endpoint takes.

        Raises:
            Problem: malformed_json, validation_failed.
        """
        if self.problem:
            raise self.problem
        return self.arguments

    def member_permissions(self) -> list[Permission]:
        """The rights that the members of the body need beyond the endpoint's own."""
        return [right for name, right in self.endpoint.member_permissions.items() if name in self.named]


def denied(permission: Permission) -> Problem:
    """403, saying which right is missing."""
    return Problem("permission_denied", f"You may not {permission.value}.")


def _decorator(make: Callable[Concatenate[Handler, P], Endpoint]) -> Callable[P, Callable[[Handler], Endpoint]]:
    return lambda *args, **kwargs: lambda handler: make(handler, *args, **kwargs)


endpoint = _decorator(Endpoint)
"""Decorator that makes a handler an endpoint; it takes what ``Endpoint`` declares."""
