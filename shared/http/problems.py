"""Errors: the table of codes, the exception that carries one, and its rendering as problem+json (RFC 9457)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from starlette.responses import Response

from shared.observability.redaction import redact


class Kind(NamedTuple):
    status: int
    title: str


PROBLEMS: Mapping[str, Kind] = {
    "malformed_json": Kind(400, "The body is not JSON"),
    "bad_request": Kind(400, "The request is not HTTP as it should be"),
    "authentication_required": Kind(401, "Sign in first"),
    "invalid_token": Kind(401, "The token is not valid"),
    "token_expired": Kind(401, "The token has expired"),
    "token_revoked": Kind(401, "The token has been revoked"),
    "invalid_credentials": Kind(401, "The user name or the password is wrong"),
    "permission_denied": Kind(403, "You may not do this"),
    "not_found": Kind(404, "There is nothing here"),
    "method_not_allowed": Kind(405, "This method is not offered here"),
    "already_exists": Kind(409, "This name is taken"),
    "invalid_transition": Kind(409, "The status cannot change this way"),
    "comment_required": Kind(409, "A critical issue needs a comment before it is closed"),
    "project_archived": Kind(409, "The project is archived"),
    "still_referenced": Kind(409, "Something still refers to this"),
    "request_in_progress": Kind(409, "The first request with this key is still running"),
    "last_admin": Kind(409, "The last active admin has to stay"),
    "precondition_failed": Kind(412, "It has changed since you read it"),
    "payload_too_large": Kind(413, "The body is too large"),
    "unsupported_media_type": Kind(415, "The body has to be application/json"),
    "validation_failed": Kind(422, "The request is not valid"),
    "weak_password": Kind(422, "The password is too weak"),
    "idempotency_key_reused": Kind(422, "The Idempotency-Key was used with another body"),
    "account_locked": Kind(423, "The account is locked"),
    "rate_limited": Kind(429, "Too many requests"),
    "internal_error": Kind(500, "Something went wrong on our side"),
    "service_unavailable": Kind(503, "The service is not available just now"),
}

GUIDE = "/api/docs/guide"
"""The page for people, with a section for each code."""

_SAFE = "/:@!$&'()*+,;="
"""What a path may hold beside letters and digits (RFC 3986, section 3.3): ``instance`` is a URI reference."""
RETRY_AFTER_SECONDS = 2
"""What a 503 and a running first request tell the client to wait: about the time of a failover of the pool."""


def problem_type(code: str) -> str:
    """The URI that names the problem (RFC 9457, section 3.1.1)."""
    return f"urn:flycatcher:problem:{code}"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request: where, which, and a code that a program can read."""

    where: Literal["body", "query", "header"]
    path: str
    code: str
    message: str

    def as_json(self) -> dict[str, str]:
        return {"in": self.where, "path": self.path, "code": self.code, "message": self.message}


class Problem(Exception):
    """An answer other than success. Raised, it rolls the request's transaction back; returned, it commits it."""

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.kind = PROBLEMS[code]
        self.detail = detail
        self.faults = faults
        self.members = members or {}
        # ``type`` is a name and no address: this is where it is explained (RFC 8288; IANA's relation "help").
        self.headers = {**(headers or {}), "Link": f'<{GUIDE}#{code}>; rel="help"'}
        if self.kind.status == 401:
            self.headers["WWW-Authenticate"] = "Bearer"
        elif code in ("service_unavailable", "request_in_progress"):
            self.headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))

    def response(self, instance: str, request_id: str) -> Response:
        """The problem as an answer to the request for the path ``instance``, which is decoded."""
        content: dict[str, Any] = {
            "type": problem_type(self.code),
            "title": self.kind.title,
            "status": self.kind.status,
            "code": self.code,
            "detail": redact(self.detail) if self.detail else f"{self.kind.title}.",
            "instance": quote(instance, safe=_SAFE),
            "request_id": request_id,
            **self.members,
        }
        if self.faults:
            content["errors"] = [fault.as_json() for fault in self.faults]
        return Response(
            json.dumps(content, ensure_ascii=True),
            status_code=self.kind.status,
            headers=self.headers,
            media_type="application/problem+json",
        )


FAULTS_TOLD = 100
"""Faults that one answer tells: more help nobody, and a megabyte of them would be ten megabytes of answer."""


def invalid(*faults: Fault) -> Problem:
    """422 for faults that the shape of the request has; of very many the first."""
    detail = f"Only the first {FAULTS_TOLD} faults are told." if len(faults) > FAULTS_TOLD else None
    return Problem("validation_failed", detail, faults=faults[:FAULTS_TOLD])
