"""The audit log: one row for each thing that happened, written in the transaction of what it records."""

import json
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import BindParameter, bindparam, insert, select
from sqlalchemy.sql import Executable
from uuid_utils.compat import uuid7

from shared.data.database import Connection
from shared.data.statements import statement
from shared.data.tables import audit_events, users
from shared.observability.redaction import redact
from shared.services import Origin
from shared.vocabulary import AuditAction, AuditOutcome, AuditTarget

Target = tuple[AuditTarget, UUID]
"""What was acted on: its kind and its id."""


@statement
def _insert() -> Executable:
    actor_id: BindParameter[UUID] = bindparam("actor_id")
    return insert(audit_events).values(
        id=bindparam("id"),
        action=bindparam("action"),
        outcome=bindparam("outcome"),
        actor_id=actor_id,
        actor_username=select(users.c.username).where(users.c.id == actor_id).scalar_subquery(),
        target_type=bindparam("target_type"),
        target_id=bindparam("target_id"),
        ip=bindparam("ip"),
        user_agent=bindparam("user_agent"),
        request_id=bindparam("request_id"),
        details=bindparam("details"),
    )


async def record(
    db: Connection,
    origin: Origin,
    action: AuditAction,
    *,
    actor: UUID | None,
    target: Target | None = None,
    outcome: AuditOutcome = "success",
    details: Mapping[str, object] | None = None,
) -> None:
    """Add a row. The actor's name is kept as it is now; what a client chose is redacted."""
    await db.run(
        _insert(),
        id=uuid7(),
        action=action,
        outcome=outcome,
        actor_id=actor,
        target_type=target[0] if target else None,
        target_id=target[1] if target else None,
        ip=origin.ip,
        user_agent=redact(origin.user_agent),
        request_id=redact(origin.request_id),
        details=redact(json.dumps(details or {})),
    )
