"""Passwords: Argon2id, in threads of its own, and the rules for new ones."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared.http.problems import Fault, Problem
from shared.settings import Settings
from shared.workers import Workers

HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""Argon2id with 19 MiB, two passes, one lane: OWASP Password Storage Cheat Sheet."""
UNKNOWN = "$argon2id$v=19$m=19456,t=2,p=1$Z5FM+ZxoyOG4K5itxUFCVA$QQEdXnUvgCufUqilODEdvJW92VvDamyBRfacrywytSs"
"""A hash of the same cost that no password is known for, so that an unknown user takes as long as a known one."""

MINIMUM, MAXIMUM = 8, 128


def hash_password(password: str) -> str:
    """The Argon2id hash of a password. Takes some 50 ms of one processor and 19 MiB; not for the event loop."""
    return HASHER.hash(password)


class Hashing:
    """Argon2id for an asynchronous program."""

    def __init__(self, settings: Settings) -> None:
        self.workers = Workers("argon2", settings.password_hashes_at_once)

    def turn(self, deadline: float) -> AbstractAsyncContextManager[None]:
        """A turn to sign in, register or change a password, the database's part included.

        A flood of logins then takes neither the memory, nor the processors, nor the connections of other requests.

        Raises:
            Problem: service_unavailable, when too many wait already, or none is to be had by ``deadline``.
        """
        return self.workers.turn(deadline)

    async def hash(self, password: str, deadline: float) -> str:
        """The hash of a password; for who has a turn.

        Raises:
            Problem: service_unavailable, when it is not done by ``deadline``.
        """
        return await self.workers.run(lambda: hash_password(password), deadline)

    async def verify(self, password_hash: str, password: str, deadline: float) -> bool:
        """Whether the password has this hash; for who has a turn.

        Raises:
            Problem: service_unavailable, when it is not done by ``deadline``.
        """
        return await self.workers.run(lambda: _verify(password_hash, password), deadline)

    @staticmethod
    def outdated(password_hash: str) -> bool:
        """Whether the parameters have risen since this hash was made."""
        return HASHER.check_needs_rehash(password_hash)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


@cache
def _common() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])


RULES: dict[str, tuple[str, Callable[[str, str], bool]]] = {
    "too_short": (f"Must have at least {MINIMUM} characters", lambda password, _: len(password) >= MINIMUM),
    "too_long": (f"Must have at most {MAXIMUM} characters", lambda password, _: len(password) <= MAXIMUM),
    "no_lower_case": ("Must have a lower-case letter", lambda password, _: any(map(str.islower, set(password)))),
    "no_upper_case": ("Must have an upper-case letter", lambda password, _: any(map(str.isupper, set(password)))),
    "no_digit": ("Must have a digit", lambda password, _: any(map(str.isdigit, set(password)))),
    "no_other": (
        "Must have a character that is no letter or digit",
        lambda password, _: not all(map(str.isalnum, set(password))),
    ),
    "contains_username": (
        "Must not contain the user name",
        lambda password, username: len(username) < 3 or username.casefold() not in password.casefold(),
    ),
    "common": ("Must not be a common password", lambda password, _: password.casefold() not in _common()),
}
"""Each rule with what it asks; the brief demands composition rules, which OWASP ASVS 5.0 (6.2.5) advises against."""


def check_password(password: str, username: str, path: str) -> None:
    """Judge a new password.

    Raises:
        Problem: weak_password, with a fault at ``path`` for each rule that is missed.
    """
    faults = [Fault("body", path, code, text) for code, (text, holds) in RULES.items() if not holds(password, username)]
    if faults:
        raise Problem("weak_password", faults=faults)
