"""Clients who go on asking, and what each was told: status, code, how long it took, when."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx2

from tests.support.api import JSON, PLAIN

PAUSE = 0.01
"""Seconds between a client's requests: what is measured is a fault, not the highest load."""
CLIENT_SECONDS = 30.0
HALF = "half an answer"


@dataclass(frozen=True)
class Operation:
    """A request that a client makes again and again; ``body`` is made anew each time."""

    name: str
    method: str
    url: str
    token: str = ""
    body: Callable[[], JSON] | None = None
    headers: Callable[[], Mapping[str, str]] | None = None
    expected: frozenset[int] = frozenset({200, 201, 204})
    """The statuses of an answer that did what it should."""


@dataclass(frozen=True)
class Answer:
    """What came of one request."""

    operation: Operation
    began: float
    """On the steady clock."""
    seconds: float
    status: int
    """0 where the connection gave no answer."""
    code: str = ""
    """Of a problem; of a connection without an answer, the kind of its error; HALF where the answer has no end."""
    retry_after: str | None = None
    document: JSON | None = None
    sent: JSON | None = None

    @property
    def is_good(self) -> bool:
        """Whether it did what it should."""
        return self.status in self.operation.expected


class Load:
    """Some clients, each with one operation, in a thread with a connection of its own, from ``with`` to its end."""

    def __init__(self, operations: Sequence[Operation], clients: int = 0, pause: float = PAUSE) -> None:
        self._operations = operations
        clients = clients or len(operations)
        self._pause = pause
        self._stop = threading.Event()
        self._answers: list[Answer] = []
        self._threads = [threading.Thread(target=self._work, args=(number,), daemon=True) for number in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(CLIENT_SECONDS + 5)
            assert not thread.is_alive(), "a client got no answer"

    def answers(self, since: float = 0.0, until: float = float("inf")) -> list[Answer]:
        """What was told of the requests that began then."""
        return [answer for answer in list(self._answers) if since <= answer.began < until]

    def wait_for_good(self, since: float, count: int = 1, seconds: float = 15) -> float:
        """Wait until so many of each operation that began after ``since`` have succeeded; the moment of the last."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            good = [answer for answer in self.answers(since) if answer.is_good]
            names = Counter(answer.operation.name for answer in good)
            if all(names[operation.name] >= count for operation in self._operations):
                return max(answer.began + answer.seconds for answer in good)
            time.sleep(0.02)
        raise AssertionError(f"not all succeed after {seconds} s: {told(self.answers(since))}")

    def _work(self, number: int) -> None:
        operation = self._operations[number % len(self._operations)]
        with httpx2.Client(timeout=CLIENT_SECONDS, verify=PLAIN) as client:
            while not self._stop.is_set():
                self._answers.append(ask(client, operation))
                time.sleep(self._pause)


def ask(client: httpx2.Client, operation: Operation) -> Answer:
    """Make one request."""
    sent = operation.body() if operation.body else None
    headers = dict(operation.headers()) if operation.headers else {}
    if operation.token:
        headers["Authorization"] = f"Bearer {operation.token}"
    began = time.monotonic()
    response: httpx2.Response | None = None
    try:
        with client.stream(operation.method, operation.url, json=sent, headers=headers) as response:
            response.read()
    except httpx2.TransportError as error:
        kind = type(error).__name__ if response is None else HALF
        return Answer(operation, began, time.monotonic() - began, 0, kind, sent=sent)
    seconds = time.monotonic() - began
    document = response.json() if response.content else None
    code = document.get("code", "") if document and response.status_code >= 400 else ""
    retry_after = response.headers.get("Retry-After")
    return Answer(operation, began, seconds, response.status_code, code, retry_after, document, sent)


def told(answers: Sequence[Answer]) -> str:
    """The statuses and codes of answers, counted."""
    counted = Counter(f"{answer.status} {answer.code}".strip() for answer in answers)
    return ", ".join(f"{name}: {count}" for name, count in sorted(counted.items()))


def slowest(answers: Sequence[Answer]) -> float:
    """The longest wait for an answer, in seconds."""
    return max((answer.seconds for answer in answers), default=0.0)
