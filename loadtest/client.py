"""Calls of the API, each judged by what the contract lets it answer."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from locust.contrib.fasthttp import FastHttpSession, ResponseContextManager

from loadtest.routes import function_of

UNNAMED = {"page", "limit"}
"""Query parameters that do not make another kind of request in the statistics."""

HEADERS = ("Content-Type", "ETag", "RateLimit-Limit", "Retry-After")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    outcome: str
    """The status, of an error with its problem code: ``200``, ``412 precondition_failed``."""
    body: Any
    headers: Mapping[str, str]

    @property
    def retry_after(self) -> float:
        """How long to wait before another attempt; five seconds where the server does not say."""
        return float(self.headers.get("Retry-After") or 5)


Check = Callable[[Answer], str]
"""What is wrong with an answer whose status is right, or an empty text."""


class Client:
    """A connection of one person to the functions."""

    def __init__(self, session: FastHttpSession, addresses: Mapping[str, str]) -> None:
        self._session = session
        self._addresses = addresses

    def call(
        self,
        method: str,
        template: str,
        *,
        expect: Collection[str] = ("200",),
        query: Mapping[str, object] | None = None,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        check: Check | None = None,
        **values: str,
    ) -> Answer:
        """Send one request. In the statistics it has the name of its template, or each issue would be a line.

        An outcome that is not in ``expect`` is a failure, named by the outcome. It is returned like any other:
        what a person would do next is the caller's to say.
        """
        address = self._addresses[function_of(template)]
        url, name = f"{address}{template.format(**values)}", template
        if query:
            url += f"?{urlencode(query)}"
            name += "?" + "&".join(sorted(query.keys() - UNNAMED)) if query.keys() - UNNAMED else ""
        with self._session.request(
            method,
            url,
            name=name,
            json=body,
            headers=dict(headers or {}),
            catch_response=True,
            allow_redirects=False,
        ) as response:
            answer = read_answer(response)
            fault = (check(answer) if check else "") if answer.outcome in expect else answer.outcome
            if fault:
                response.failure(fault)
            else:
                response.success()
        return answer


def read_answer(response: ResponseContextManager) -> Answer:
    """The answer with its outcome; an error that is not told as a problem (RFC 9457) has an outcome that says so."""
    if not response.status_code:
        return Answer(f"no answer: {type(getattr(response, 'error', None)).__name__}", None, {})
    received: Mapping[str, object] = response.headers or {}
    headers = {name: str(received[name]) for name in HEADERS if name in received}
    content_type = headers.get("Content-Type", "").partition(";")[0]
    try:
        body = json.loads(response.content) if content_type.endswith("json") and response.content else None
    except ValueError:
        return Answer(f"{response.status_code} with broken JSON", None, headers)
    if response.status_code < 400:
        return Answer(str(response.status_code), body, headers)
    code = body.get("code") if content_type == "application/problem+json" and isinstance(body, dict) else None
    return Answer(f"{response.status_code} {code or 'without a problem'}", body, headers)
