"""What a handler is given: the caller, the connection, and the answers it can make."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from uuid import UUID

from starlette.datastructures import Headers
from starlette.responses import Response

from shared.data import audit
from shared.data.database import Connection
from shared.http.conditional import etag, may_change, unchanged
from shared.http.input import query_pairs
from shared.http.paging import PageQuery, envelope, page_count, page_links
from shared.http.problems import Problem
from shared.security.tokens import Caller
from shared.services import Context, Services
from shared.vocabulary import AuditAction, AuditOutcome

JSON = "application/json"


@dataclass(slots=True)
class Call:
    """One request at one endpoint."""

    context: Context
    path: str
    headers: Headers
    query_string: bytes
    id: UUID
    """The id in the path, of whatever kind the path says; the nil UUID where the path has none."""
    ended: list[UUID] = field(default_factory=list)
    """Sessions that the handler has ended: their tokens go on the deny list once that is committed."""
    html: str = ""
    """What the Markdown in the body has become, where the endpoint takes some."""
    _db: Connection | None = None

    @property
    def db(self) -> Connection:
        """The connection of the request: in its transaction where the endpoint writes."""
        assert self._db is not None, "the endpoint opens its own connections"  # noqa: S101  # a mistake of ours, not of a client
        return self._db

    def use(self, db: Connection) -> None:
        """Give the call its connection."""
        self._db = db

    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        """A transaction, for an endpoint that opens its own."""
        return self.services.database.transaction(self.context)

    @property
    def services(self) -> Services:
        """What the process holds."""
        return self.context.services

    @property
    def caller(self) -> Caller:
        """Who is signed in.

        Raises:
            Problem: nobody is.
        """
        return self.context.authenticated()

    async def audit(
        self,
        db: Connection,
        action: AuditAction,
        *,
        actor: UUID | None,
        target: audit.Target | None = None,
        outcome: AuditOutcome = "success",
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Write to the audit log, in the transaction of ``db``."""
        await audit.record(
            db, self.context.origin, action, actor=actor, target=target, outcome=outcome, details=details
        )

    def document(self, document: bytes) -> Response:
        """One object, with its entity tag; 304 where the client has it already."""
        tag = etag(document)
        if unchanged(self._conditions("if-none-match"), tag):
            return Response(status_code=304, headers={"ETag": tag})
        return Response(document, headers={"ETag": tag}, media_type=JSON)

    def require_match(self, document: bytes) -> None:
        """Honour ``If-Match``: the client has to have seen what it is about to change.

        Raises:
            Problem: precondition_failed.
        """
        if not may_change(self._conditions("if-match"), etag(document)):
            raise Problem("precondition_failed")

    def _conditions(self, name: str) -> str | None:
        """A header that may stand on several lines, which are one list (RFC 9110, section 5.3)."""
        return ", ".join(self.headers.getlist(name)) if name in self.headers else None

    def page(self, items: bytes, total: int, query: PageQuery) -> Response:
        """One page of a list."""
        links = page_links(self.path, query_pairs(self.query_string), query.page, page_count(total, query.limit))
        return Response(envelope(items, total, query), headers={"Link": links}, media_type=JSON)


def changed(document: bytes) -> Response:
    """200 with what an object has become, and its new entity tag."""
    return Response(document, headers={"ETag": etag(document)}, media_type=JSON)


def created(document: bytes, location: str, *, tagged: bool = True) -> Response:
    """201 with the new object and where it is."""
    headers = {"Location": location} | ({"ETag": etag(document)} if tagged else {})
    return Response(document, status_code=201, headers=headers, media_type=JSON)


def answered(document: bytes, headers: Mapping[str, str] | None = None) -> Response:
    """200 with JSON that has no entity tag."""
    return Response(document, headers=headers, media_type=JSON)


def done() -> Response:
    """204."""
    return Response(status_code=204)
