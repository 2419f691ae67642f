"""Idempotency-Key: a retry of a creation gives the first answer again. Decided by PostgreSQL, across instances."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.responses import Response

from shared.data.database import Connection
from shared.data.statements import statement
from shared.http.problems import Problem

KEY = re.compile(r"[!-~]{1,255}")
_HEADERS = ("content-type", "etag", "location")
_FRESH = "created_at > now() - interval '24 hours'"

_LOCK = statement("SELECT pg_try_advisory_xact_lock(%(lock)s)")
_FIND = statement(
    """
    SELECT body_hash, status, headers, body FROM idempotency_keys
    WHERE user_id = %(user_id)s AND path = %(path)s AND key = %(key)s AND {fresh}
    """,
    fresh=_FRESH,
)
_FORGET = statement("DELETE FROM idempotency_keys WHERE user_id = %(user_id)s AND NOT {fresh}", fresh=_FRESH)
"""The expired ones of this user, so that a key can be used anew after its day."""
_KEEP = statement("""
    INSERT INTO idempotency_keys (user_id, path, key, body_hash, status, headers, body)
    VALUES (%(user_id)s, %(path)s, %(key)s, %(body_hash)s, %(status)s, %(headers)s, %(body)s)
""")


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A creation that names a key. The same user, path and key are the same request."""

    user_id: UUID
    path: str
    key: str
    body: bytes

    async def claim(self, db: Connection) -> bool:
        """Take the request for this transaction; False while another transaction has it."""
        digest = hashlib.sha256(f"{self.user_id} {self.path} {self.key}".encode()).digest()
        claimed: bool = await db.value(_LOCK, lock=int.from_bytes(digest[:8], "big", signed=True))
        return claimed

    async def replay(self, db: Connection) -> Response | None:
        """The first answer, where there was one.

        Raises:
            Problem: idempotency_key_reused, when the body differs by a byte.
        """
        found = await db.one(_FIND, **self._identity())
        if found is None:
            return None
        body_hash, status, headers, body = found
        if body_hash != self._body_hash():
            raise Problem("idempotency_key_reused")
        return Response(body, status_code=status, headers=headers)

    async def keep(self, db: Connection, answer: Response) -> None:
        """Remember an answer that created something, in the transaction that created it."""
        headers = {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
        await db.run(_FORGET, user_id=self.user_id)
        await db.run(
            _KEEP,
            **self._identity(),
            body_hash=self._body_hash(),
            status=answer.status_code,
            headers=json.dumps(headers),
            body=bytes(answer.body),
        )

    def _identity(self) -> dict[str, Any]:
        return {"user_id": self.user_id, "path": self.path, "key": self.key}

    def _body_hash(self) -> bytes:
        return hashlib.sha256(self.body).digest()
