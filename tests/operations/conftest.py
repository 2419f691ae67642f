"""Fixtures of the commands' tests."""

import pytest
from argon2 import PasswordHasher

from functions.auth import passwords
from tests.local.conftest import role

__all__ = ["role"]


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test's hashes."""
    hash_cheaply(monkeypatch)


def hash_cheaply(patch: pytest.MonkeyPatch) -> None:
    """Fifty hashes at their real cost are four seconds of a processor; the tests of ``make run`` pay for them."""
    patch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
