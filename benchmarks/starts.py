"""What a start from nothing costs until the first answer to somebody who is signed in, and what is kept then."""

import asyncio
import time
from dataclasses import dataclass

from benchmarks.client import Request, connect
from benchmarks.subjects import FLOOR, FUNCTIONS
from benchmarks.world import World

FIRST = {
    FLOOR: "/api/issues/{issue}",
    "auth": "/api/auth/me",
    "projects": "/api/projects/{project}",
    "issues": "/api/issues/{issue}",
    "comments": "/api/issues/{issue}/comments",
}
"""What each is asked first."""
IDLE_SECONDS = 0.5
"""After the answer, before the memory is looked at."""


@dataclass(frozen=True)
class Start:
    """One start."""

    cpu: float
    """Seconds of processor time from the execution to the first answer."""
    wall: float
    """Seconds by the clock."""
    memory: float
    """Resident MiB when idle."""


def measure(world: World, token: str, rounds: int) -> dict[str, list[Start]]:
    """Start the floor and each function in turn, once a round."""
    subjects = (FLOOR, *FUNCTIONS)
    _ = [_start(world, name, token) for name in subjects]
    starts: dict[str, list[Start]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name in subjects:
            starts[name].append(_start(world, name, token))
    return starts


def _start(world: World, name: str, token: str) -> Start:
    target = FIRST[name].format(issue=world.issues[0], project=world.projects[0])
    raw = f"GET {target} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    server = world.start(name)
    try:
        status, body = asyncio.run(_ask(server.port, Request(name, raw)))
        cpu, wall = server.cpu_seconds(), time.perf_counter() - server.started
        if status != 200:
            raise RuntimeError(f"{name}: {status} {body.decode()}")
        time.sleep(IDLE_SECONDS)
        return Start(cpu, wall, server.resident_mebibytes())
    finally:
        server.stop()


async def _ask(port: int, request: Request) -> tuple[int, bytes]:
    connection = await connect(port)
    answer = await connection.request(request.raw)
    connection.close()
    return answer
