"""The four functions behind one address, as the public entry has them: each with its own settings, pool and role."""

import asyncio
import re
from functools import partial
from importlib import import_module
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from operations.guide import guide_page
from operations.openapi import openapi_json
from shared.docs import docs_endpoints
from shared.function import Function
from shared.settings import FUNCTION_NAMES, FunctionName, Settings
from tests.support.processes import Environ, base_environ

ELSEWHERE: FunctionName = "projects"
"""Answers what no function owns, and has the documentation."""


class Entry:
    """An ASGI application that gives each request to the function that owns its path."""

    def __init__(self, environ: Environ) -> None:
        self._functions: dict[FunctionName, Function] = {}
        self._owners: list[tuple[re.Pattern[str], FunctionName]] = []
        self._lives: dict[FunctionName, _Life] = {}
        for name in FUNCTION_NAMES:
            made = import_module(f"functions.{name}.app")
            documentation = docs_endpoints(openapi_json, guide_page) if name == ELSEWHERE else []
            self._functions[name] = Function(
                name,
                [*made.ENDPOINTS, *documentation],
                settings=partial(Settings.load, base_environ(environ, name), name),
                prepare=getattr(made, "PREPARE", ()),
            )
            paths = {endpoint.path for endpoint in made.ENDPOINTS}
            self._owners += [(re.compile(path.replace("{id}", "[^/]*")), name) for path in paths]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or the start and the stop of all four."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        owner = next((name for path, name in self._owners if path.fullmatch(scope["path"])), ELSEWHERE)
        await self._functions[owner]({**scope, "state": dict(self._lives[owner].state)}, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._lives = {name: _Life(function) for name, function in self._functions.items()}
        for life in self._lives.values():
            await life.begin()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for life in self._lives.values():
            await life.end()
        await send({"type": "lifespan.shutdown.complete"})


class _Life:
    """The lifespan of one function, with what it holds."""

    def __init__(self, function: Function) -> None:
        self.state: dict[str, Any] = {}
        self._told: asyncio.Queue[str] = asyncio.Queue()
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        scope = {"type": "lifespan", "state": self.state}
        self._task = asyncio.create_task(function(scope, self._receive, self._said.put))

    async def begin(self) -> None:
        """Start the function."""
        await self._told.put("lifespan.startup")
        answer = await self._said.get()
        assert answer["type"] == "lifespan.startup.complete", answer

    async def end(self) -> None:
        """Stop it."""
        await self._told.put("lifespan.shutdown")
        await self._task

    async def _receive(self) -> Message:
        return {"type": await self._told.get()}
