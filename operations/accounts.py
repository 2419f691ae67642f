"""An account as the commands make it, by the rules that registration follows."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from functions.auth.passwords import check_password, hash_password
from operations.rows import Row
from shared.http.problems import Problem
from shared.text import fold, words
from shared.vocabulary import RoleName


class Account(NamedTuple):
    """A user to be made, active and with a password."""

    id: UUID
    username: str
    email: str
    role: RoleName
    created_at: datetime


def weaknesses(password: str, username: str) -> list[str]:
    """What is wrong with a password for this user, a sentence for each rule that it breaks."""
    try:
        check_password(password, username, "/password")
    except Problem as problem:
        return [fault.message for fault in problem.faults]
    return []


def user_row(account: Account, password: str) -> Row:
    """A row of ``users``. Hashing the password takes some 50 ms of one processor."""
    return {
        "id": account.id,
        "username": account.username,
        "username_folded": fold(account.username),
        "email": account.email,
        "email_folded": fold(account.email),
        "password_hash": hash_password(password),
        "role": account.role,
        "created_at": account.created_at,
        "search": words(account.username),
    }
