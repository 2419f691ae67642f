"""One start, phase by phase: ``python -m benchmarks.phases FUNCTION PATH TOKEN`` prints the seconds after each."""

import time

BEGAN = time.process_time()
"""Seconds that the interpreter took; nothing else may be imported before."""

import asyncio  # noqa: E402
import importlib  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402


async def spend(name: str, target: str, token: str) -> list[float]:
    """Start a function in this process, and ask it once; the seconds of processor time after each phase."""
    spent = [BEGAN]
    importlib.import_module("functions.__main__")
    app = importlib.import_module(f"functions.{name}.app").app
    spent.append(time.process_time())
    state: dict[str, Any] = {}
    started = asyncio.Event()
    stop = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if started.is_set():
            await stop.wait()
        return {"type": "lifespan"}

    async def send(_message: dict[str, Any]) -> None:
        started.set()

    lifespan = asyncio.create_task(app({"type": "lifespan", "state": state}, receive, send))
    await started.wait()
    spent.append(time.process_time())
    await state["services"].database.ping()
    spent.append(time.process_time())
    statuses: list[int] = []

    async def answered(message: dict[str, Any]) -> None:
        statuses.append(message.get("status", 0))

    headers = [(b"host", b"bench"), (b"authorization", f"Bearer {token}".encode())]
    scope = {"type": "http", "method": "GET", "path": target, "raw_path": target.encode(), "query_string": b""}
    await app({**scope, "headers": headers, "client": ("127.0.0.1", 1), "state": state}, receive, answered)
    spent.append(time.process_time())
    stop.set()
    await lifespan
    if statuses[0] != 200:
        raise RuntimeError(f"{name} answered {statuses[0]}")
    return spent


if __name__ == "__main__":
    print(json.dumps(asyncio.run(spend(*sys.argv[1:]))), file=sys.stderr)
