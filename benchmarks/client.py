"""The load: requests that are bytes already, sent over kept connections by as little code as can be.

It shares two processors with what it measures, so it must cost far less than a server does.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field


class Connection(asyncio.Protocol):
    """One kept connection, one request at a time. It reads answers that say their length, as all of ours do."""

    def __init__(self) -> None:
        self._buffer = b""
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # narrows the type
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        lower = head.lower()
        at = lower.find(b"content-length: ")
        length = int(lower[at + 16 :].partition(b"\r\n")[0]) if at >= 0 else 0
        if len(body) >= length and self._answer:
            self._buffer = b""
            self._answer.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server closed the connection"))

    async def request(self, raw: bytes) -> tuple[int, bytes]:
        """Send a request and wait for its status and body.

        Raises:
            OSError: the server closed the connection.
        """
        assert self._transport is not None  # noqa: S101  # connect() has returned
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(raw)
        return await self._answer

    def close(self) -> None:
        """Close it."""
        if self._transport:
            self._transport.close()


async def connect(port: int) -> Connection:
    """A connection to a server of this machine.

    Raises:
        OSError: nobody listens.
    """
    _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
    return connection


@dataclass(frozen=True)
class Request:
    """A request to one of several servers, and the status that a right answer has."""

    server: str
    raw: bytes
    status: int = 200


@dataclass
class Result:
    """What came of a run."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    """Seconds, of each right answer."""
    refused: int = 0
    """Answers 503: more than the server takes."""

    @property
    def rate(self) -> float:
        """Right answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency in milliseconds that ``share`` of the answers did not exceed."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Unexpected(Exception):
    """An answer other than the right one: what was measured was not the work."""


async def closed_loop(ports: dict[str, int], requests: Iterator[Request], connections: int) -> Result:
    """Send the requests over so many connections, on each the next when the answer is there: the highest rate.

    Raises:
        Unexpected: an answer was wrong.
    """
    result = Result()
    began = time.perf_counter()

    async def work() -> None:
        with closing(_Ways(ports)) as ways:
            for request in requests:
                await _timed(ways, request, time.perf_counter(), result)

    await asyncio.gather(*(work() for _ in range(connections)))
    result.seconds = time.perf_counter() - began
    return result


async def open_loop(ports: dict[str, int], make: Callable[[], Request], rate: float, seconds: float) -> Result:
    """Send so many requests a second whether answers come or not. Latency counts from when a request was due.

    Raises:
        Unexpected: an answer was wrong.
    """
    result, idle, began = Result(), list[_Ways](), time.perf_counter()
    running: set[asyncio.Task[None]] = set()

    async def one(due: float) -> None:
        ways = idle.pop() if idle else _Ways(ports)
        await _timed(ways, make(), due, result)
        idle.append(ways)

    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(one(due))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    result.seconds = time.perf_counter() - began
    for ways in idle:
        ways.close()
    return result


class _Ways:
    """A connection to each server, made when it is first needed."""

    def __init__(self, ports: dict[str, int]) -> None:
        self._ports = ports
        self._open: dict[str, Connection] = {}

    async def send(self, request: Request) -> tuple[int, bytes]:
        if request.server not in self._open:
            self._open[request.server] = await connect(self._ports[request.server])
        return await self._open[request.server].request(request.raw)

    def close(self) -> None:
        for connection in self._open.values():
            connection.close()


async def _timed(ways: _Ways, request: Request, due: float, result: Result) -> None:
    status, body = await ways.send(request)
    if status == 503:
        result.refused += 1
    elif status != request.status:
        line = request.raw.partition(b"\r\n")[0].decode()
        raise Unexpected(f"{line}: {status} {body[:500].decode(errors='replace')}")
    else:
        result.latencies.append(time.perf_counter() - due)
