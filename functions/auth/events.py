"""What is asked of PostgreSQL about the audit log."""

from collections.abc import Mapping
from functools import lru_cache
from typing import LiteralString

from functions.auth.schemas import AuditQuery
from shared.data.database import Connection
from shared.data.documents import all_of, fetch_page, indexed_page, page_of
from shared.data.statements import SHAPES, Statement, compose, json_object, rfc3339

_DOCUMENT = json_object(
    id="audit_events.id",
    at=rfc3339("audit_events.at"),
    action="audit_events.action",
    outcome="audit_events.outcome",
    actor="""CASE WHEN audit_events.actor_id IS NOT NULL
        THEN json_build_object('id', audit_events.actor_id, 'username', audit_events.actor_username) END""",
    target="""CASE WHEN audit_events.target_id IS NOT NULL
        THEN json_build_object('type', audit_events.target_type, 'id', audit_events.target_id) END""",
    ip="audit_events.ip",
    user_agent="audit_events.user_agent",
    request_id="audit_events.request_id",
    details="audit_events.details",
)
_CONDITIONS: Mapping[str, LiteralString] = {
    "actor": "actor_id = %(actor)s",
    "action": "action = %(action)s",
    "target": "target_id = %(target)s",
    "since": "at >= %(since)s",
    "until": "at < %(until)s",
}
"""What a row fulfils of each filter."""


_COUNTED: Mapping[str, LiteralString] = {"actor": "actor = %(actor)s", "action": "action = %(action)s"}
"""The filters that the counts know (decision 0011)."""
_ORDER = "audit_events.at DESC, audit_events.id DESC"


@lru_cache(SHAPES)
def _page(filters: tuple[str, ...], *, first: bool) -> Statement:
    where = all_of(_CONDITIONS[name] for name in filters)
    if _COUNTED.keys() >= set(filters):
        cell = all_of(_COUNTED[name] for name in filters)
        total = compose("SELECT coalesce(sum(count), 0)::bigint AS n FROM audit_counts WHERE {cell}", cell=cell)
    else:
        total = compose("SELECT count(*) AS n FROM audit_events WHERE {where}", where=where)
    rows = compose("SELECT id FROM audit_events WHERE {where} ORDER BY {order}", where=where, order=_ORDER)
    ids = page_of(rows, "audit_events", first=first)
    return indexed_page("audit_events", _DOCUMENT, ids=ids, order=_ORDER, total=total)


async def page(db: Connection, query: AuditQuery) -> tuple[bytes, int]:
    """One page of the audit log as JSON, and how many events there are."""
    values = {name: getattr(query, name) for name in _CONDITIONS}
    given = {name: value for name, value in values.items() if value is not None}
    return await fetch_page(db, _page(tuple(given), first=query.page == 1), query, **given)
