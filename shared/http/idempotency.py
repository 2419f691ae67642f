"""Idempotency-Key: a retry of a creation gives the first answer again. Decided by PostgreSQL, across instances."""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, bindparam, delete, func, insert, literal, select
from sqlalchemy.sql import Executable
from starlette.responses import Response

from shared.data.database import Connection
from shared.data.statements import bindparams, statement
from shared.data.tables import idempotency_keys
from shared.http.problems import Problem

KEY = re.compile(r"[!-~]{1,255}")
KEPT = timedelta(hours=24)
_HEADERS = ("content-type", "etag", "location")
_keys = idempotency_keys.c
_mine = (_keys.user_id == bindparam("user_id"), _keys.path == bindparam("path"), _keys.key == bindparam("key"))
_fresh = _keys.created_at > func.now() - literal(KEPT)


@statement
def _lock() -> Executable:
    return select(func.pg_try_advisory_xact_lock(bindparam("lock", type_=BigInteger)))


@statement
def _find() -> Executable:
    return select(_keys.body_hash, _keys.status, _keys.headers, _keys.body).where(*_mine, _fresh)


@statement
def _forget() -> Executable:
    """The expired ones of this user, so that a key can be used anew after its day."""
    return delete(idempotency_keys).where(_keys.user_id == bindparam("user_id"), ~_fresh)


@statement
def _keep() -> Executable:
    return insert(idempotency_keys).values(
        bindparams("user_id", "path", "key", "body_hash", "status", "headers", "body")
    )


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
        claimed: bool = await db.value(_lock(), lock=int.from_bytes(digest[:8], "big", signed=True))
        return claimed

    async def replay(self, db: Connection) -> Response | None:
        """The first answer, where there was one.

        Raises:
            Problem: idempotency_key_reused, when the body differs by a byte.
        """
        found = await db.one(_find(), **self._identity())
        if found is None:
            return None
        body_hash, status, headers, body = found
        if body_hash != self._body_hash():
            raise Problem("idempotency_key_reused")
        return Response(body, status_code=status, headers=headers)

    async def keep(self, db: Connection, answer: Response) -> None:
        """Remember an answer that created something, in the transaction that created it."""
        headers = {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
        await db.run(_forget(), user_id=self.user_id)
        await db.run(
            _keep(),
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
