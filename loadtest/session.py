"""A session of a person: signed in, kept alive by refreshing, signed out."""

import logging
import time
from typing import Any

from locust.exception import StopUser

from loadtest.client import Client

log = logging.getLogger(__name__)

MARGIN_SECONDS = 60.0
"""An access token is replaced when it has no longer to live, as a careful client does."""
REFUSED = ("401 invalid_credentials", "423 account_locked")
"""Another attempt with the same password would only lock the account."""


class Gate:
    """Lets one through at a time, so many a minute."""

    def __init__(self, per_minute: float) -> None:
        self._interval = 60 / per_minute
        self._next = 0.0

    def wait(self) -> None:
        """Sleep until it is one's turn."""
        turn = max(time.monotonic(), self._next)
        self._next = turn + self._interval
        time.sleep(max(0.0, turn - time.monotonic()))


class Session:
    """Own tokens of one person. Two people of one account have a session each."""

    def __init__(self, client: Client, name: str, password: str, gate: Gate) -> None:
        self._client = client
        self._name = name
        self._password = password
        self._gate = gate
        self._tokens: dict[str, Any] = {}
        self._refresh_at = 0.0

    def headers(self) -> dict[str, str]:
        """What says who is calling; the token is refreshed first where it is about to expire."""
        if self._tokens and time.monotonic() >= self._refresh_at:
            self.refresh()
        if not self._tokens:
            self.sign_in()
        return {"Authorization": f"Bearer {self._tokens['access_token']}"}

    @property
    def is_open(self) -> bool:
        """Whether one is signed in."""
        return bool(self._tokens)

    def sign_in(self) -> None:
        """Sign in, when it is one's turn, as often as it takes.

        Raises:
            StopUser: the account is refused.
        """
        while True:
            self._gate.wait()
            body = {"username": self._name, "password": self._password}
            answer = self._client.call("POST", "/api/auth/login", body=body)
            if answer.outcome == "200":
                return self._take(answer.body)
            if answer.outcome in REFUSED:
                log.error("%s cannot sign in: %s", self._name, answer.outcome)
                raise StopUser
            time.sleep(answer.retry_after)

    def refresh(self) -> None:
        """Replace both tokens. Where that fails the session is over, and the next call signs in again."""
        body = {"refresh_token": self._tokens["refresh_token"]}
        self._tokens = {}
        answer = self._client.call("POST", "/api/auth/refresh", body=body)
        if answer.outcome == "200":
            self._take(answer.body)

    def sign_out(self) -> None:
        """End the session, if there is one."""
        if self.is_open:
            body = {"refresh_token": self._tokens["refresh_token"]}
            self._tokens = {}
            self._client.call("POST", "/api/auth/logout", body=body, expect=("204",))

    def forget(self) -> None:
        """The tokens are refused."""
        self._tokens = {}

    def _take(self, tokens: dict[str, Any]) -> None:
        self._tokens = tokens
        life = float(tokens["expires_in"])
        self._refresh_at = time.monotonic() + life - min(MARGIN_SECONDS, life / 4)
