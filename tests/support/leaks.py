"""Secrets that are sent to every endpoint, and the search for them."""

from collections.abc import Iterable

import httpx2

from operations.openapi import ENDPOINTS
from shared.endpoint import Endpoint
from tests.support.api import JSON, Api
from tests.support.world import World, body_of

MARK = "S3cret"
"""In every secret, and in nothing else."""
SECRET = f"{MARK}-horse-1"
"""A password that would be taken."""
LINES = f'{MARK} "text" \\\n{MARK} on a second line\n{MARK} on a third one'
TEXTS = {
    "username": f"{MARK}-user",
    "email": f"{MARK}@flycatcher.example",
    "name": f'{MARK} "name"',
    "title": f'{MARK}\n{MARK} "title"',
    "description": LINES,
    "content": LINES,
    "refresh_token": f"{MARK}-refresh",
    **dict.fromkeys(("password", "current_password", "new_password"), SECRET),
}
"""A value for each member that is text."""
ENDING = ("/api/auth/logout-all", "/api/auth/sessions/", "/api/users/")
WALK = sorted(ENDPOINTS, key=lambda endpoint: endpoint.path.startswith(ENDING))
"""Every endpoint; those that end the caller's session are the last."""


def secretive(endpoint: Endpoint) -> JSON | None:
    """A body that the endpoint takes, with secrets in all its texts."""
    body = body_of(endpoint)
    return {name: TEXTS.get(name, value) for name, value in body.items()} if body else None


def ask_all(api: Api, world: World) -> list[httpx2.Response]:
    """What every endpoint answers to a request that is in order and full of secrets."""
    headers = {"Authorization": f"Bearer {world.admin.token}", "User-Agent": f"Bearer {SECRET}"}
    return [
        api.request(endpoint.method, world.path(endpoint), json=secretive(endpoint), headers=headers)
        for endpoint in WALK
    ]


def told(answer: httpx2.Response) -> str:
    """An answer with its headers, but for the links, which repeat the query."""
    return answer.text + repr([header for header in answer.headers.items() if header[0] != "link"])


def check_unseen(secrets: Iterable[str], *texts: str) -> None:
    """None of the secrets is in any of the texts, in whatever case."""
    for text in texts:
        folded = text.casefold()
        for secret in secrets:
            place = folded.find(secret.casefold())
            assert place < 0, text[max(0, place - 300) : place + 100]
