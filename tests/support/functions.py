"""The four functions as applications of their own, each with the settings that its container is given."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import get_args
from unittest.mock import patch

import pytest

from shared.settings import FunctionName, Settings
from tests.support.api import Api, Server, new_client
from tests.support.processes import Environ, base_environ

NAMES: tuple[FunctionName, ...] = get_args(FunctionName)
DEAD_REDIS = "redis://127.0.0.1:1"
DOORS: dict[FunctionName, tuple[str, int]] = {
    "auth": ("/api/auth/me", 200),
    "projects": ("/api/projects", 200),
    "issues": ("/api/issues", 200),
    "comments": ("/api/comments/00000000-0000-7000-8000-000000000000", 404),
}
"""A read of each function that every role may make, and what it answers to whoever is let in."""

Functions = dict[FunctionName, Api]


@contextmanager
def _served(environ: Environ) -> Iterator[Functions]:
    stacks, functions = [ExitStack() for _ in NAMES], {}
    for name, stack in zip(NAMES, stacks, strict=True):
        given = base_environ(environ, name)
        app = import_module(f"functions.{name}.app").app
        with patch.dict(os.environ, given, clear=True):
            server = stack.enter_context(Server(Settings.load(given, name), app))
        functions[name] = Api(stack.enter_context(new_client(server.url)))
    yield functions
    with ThreadPoolExecutor() as threads:
        list(threads.map(ExitStack.close, stacks))


@pytest.fixture(scope="session")
def functions(environ: Environ) -> Iterator[Functions]:
    """Each function behind a server of its own, all with the same data."""
    with _served(environ) as served:
        yield served


@pytest.fixture(scope="session")
def functions_without_redis(environ: Environ) -> Iterator[Functions]:
    """The same with the same PostgreSQL, while Redis is away."""
    with _served({**environ, "REDIS_URL": DEAD_REDIS}) as served:
        yield served
