"""What is asked of PostgreSQL about the audit log."""

from typing import Any

from sqlalchemy import Select, bindparam, case, null, select

from functions.auth.schemas import AuditQuery
from shared.data.database import Connection
from shared.data.documents import fetch_page, list_page
from shared.data.statements import guarded, json_object, rfc3339
from shared.data.tables import audit_events

_event = audit_events.c
_DOCUMENT = json_object(
    id=_event.id,
    at=rfc3339(_event.at),
    action=_event.action,
    outcome=_event.outcome,
    actor=case(
        (_event.actor_id.is_not(None), json_object(id=_event.actor_id, username=_event.actor_username)), else_=null()
    ),
    target=case(
        (_event.target_id.is_not(None), json_object(type=_event.target_type, id=_event.target_id)), else_=null()
    ),
    ip=_event.ip,
    user_agent=_event.user_agent,
    request_id=_event.request_id,
    details=_event.details,
)
FILTERS = {
    "actor": _event.actor_id == bindparam("actor"),
    "action": _event.action == bindparam("action"),
    "target": _event.target_id == bindparam("target"),
    "since": _event.at >= bindparam("since"),
    "until": _event.at < bindparam("until"),
}


@guarded
def _page(filters: tuple[str, ...]) -> Select[Any]:
    where = [FILTERS[name] for name in filters]
    rows = select(_DOCUMENT).where(*where).order_by(_event.at.desc(), _event.id.desc())
    return list_page(rows, select(audit_events).where(*where))


async def page(db: Connection, query: AuditQuery) -> tuple[bytes, int]:
    """One page of the audit log as JSON, and how many events there are."""
    values = {name: getattr(query, name) for name in FILTERS}
    given = {name: value for name, value in values.items() if value is not None}
    return await fetch_page(db, _page(tuple(given)), query, **given)
