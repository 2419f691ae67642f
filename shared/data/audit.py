"""The audit log: one row for each thing that happened, written in the transaction of what it records."""

import json
from collections.abc import Mapping
from uuid import UUID

from uuid_utils.compat import uuid7

from shared.data.database import Connection
from shared.data.statements import statement
from shared.observability.redaction import redact
from shared.services import Origin
from shared.vocabulary import AuditAction, AuditOutcome, AuditTarget

Target = tuple[AuditTarget, UUID]
"""What was acted on: its kind and its id."""


_INSERT = statement("""
    INSERT INTO audit_events (
        id, action, outcome, actor_id, actor_username, target_type, target_id, ip, user_agent, request_id, details
    )
    VALUES (
        %(id)s, %(action)s, %(outcome)s, %(actor_id)s, (SELECT username FROM users WHERE id = %(actor_id)s),
        %(target_type)s, %(target_id)s, %(ip)s, %(user_agent)s, %(request_id)s, %(details)s
    )
""")


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
        _INSERT,
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
