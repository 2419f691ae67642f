"""What the OpenAPI document says of the API as a whole."""

from typing import Any

from shared.http.problems import GUIDE

INFO: dict[str, Any] = {
    "summary": "An internal bug tracker: projects, issues with a status machine, Markdown comments, an audit log.",
    "description": f"""\
Sign in at `/api/auth/login` and send the `access_token` that comes back as `Authorization: Bearer …`; it lasts 15
minutes, and `/api/auth/refresh` gives the next one. JSON in and out; ids are UUIDs, times are RFC 3339 in UTC. Lists
take `page` and `limit`. Every error is `application/problem+json` (RFC 9457) with a `code` to decide by.

The [guide]({GUIDE}) has all of it in plain words, with requests and answers.
""",
    "contact": {"name": "The maintainers of Flycatcher"},
}
SERVERS = [{"url": "/", "description": "Where this document came from."}]
TAGS = [
    {"name": "auth", "description": "Accounts, sign-in, sessions, users and the audit log."},
    {"name": "projects", "description": "Projects, which hold issues. An archived one can only be read."},
    {"name": "issues", "description": "Issues, the moves of their status, and what has changed in them."},
    {"name": "comments", "description": "Comments on issues, in Markdown, with their earlier texts."},
]
"""A tag for each function."""
