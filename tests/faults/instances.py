"""Several instances of each function on one PostgreSQL and one Redis, and requests that reach them at one moment."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from threading import Barrier

import httpx2
import pytest

from shared.settings import FUNCTION_NAMES, FunctionName
from tests.support.api import JSON, Api
from tests.support.fixtures import Owner
from tests.support.people import People, Person, created
from tests.support.stack import Instance, Stack, api_of, make_stack, people_of, wait_until_ready

Request = Callable[[], httpx2.Response]
Functions = Mapping[FunctionName, Sequence[Api]]

PATIENT = dict.fromkeys(
    ("REQUEST_SECONDS", "DATABASE_WAIT_SECONDS", "DATABASE_STATEMENT_SECONDS", "DATABASE_LOCK_SECONDS"), "20"
)
"""Who loses a race is to be told so, not that it took too long: these tests are about what, not about when."""
PROXIED = {"TRUSTED_PROXIES": "127.0.0.0/8"}
LIMITS = {"RATE_LIMIT_PER_MINUTE": "20", "LOGIN_LIMIT_PER_MINUTE": "8", "LOCKOUT_THRESHOLD": "3"}
STRICT = {**PROXIED, **LIMITS, "PASSWORD_HASHES_AT_ONCE": "6"}
"""Logins that would wait for each other's hashes would hardly race."""
RACERS = 24
_addresses = count(1)


def new_address() -> dict[str, str]:
    """Headers of a client whom nobody has seen yet, at an instance that believes us."""
    number = next(_addresses)
    return {"X-Forwarded-For": f"198.18.{number // 250}.{number % 250}"}


@dataclass(frozen=True)
class Caller:
    """Somebody, at any instance of any function."""

    person: Person
    functions: Functions

    def at(self, function: FunctionName, instance: int) -> Api:
        """This instance, counted round and round."""
        apis = self.functions[function]
        return apis[instance % len(apis)].signed_in(self.person.token)

    def project(self, **members: object) -> JSON:
        """Create a project."""
        name = f"Project {next(_addresses)}"
        return created(self.at("projects", 0), "/api/projects", {"name": name, **members})

    def issue(self, project: JSON, **members: object) -> JSON:
        """Report an issue."""
        body = {"title": "It breaks", **members}
        return created(self.at("issues", 0), f"/api/projects/{project['id']}/issues", body)

    def comment(self, issue: JSON) -> JSON:
        """Comment on an issue."""
        return created(self.at("comments", 0), f"/api/issues/{issue['id']}/comments", {"content": "Me too."})


class Race:
    """Sends requests at the same moment."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads

    def __call__(self, requests: Sequence[Request]) -> list[httpx2.Response]:
        """Their answers, in the order of the requests."""
        return [answer.result() for answer in self.begin(requests)]

    def begin(self, requests: Sequence[Request]) -> list[Future[httpx2.Response]]:
        """Send them, and come back before they are answered."""
        start = Barrier(len(requests))

        def run(request: Request) -> httpx2.Response:
            start.wait(10)
            return request()

        return [self._threads.submit(run, request) for request in requests]


def statuses(answers: list[httpx2.Response]) -> Counter[int]:
    """How many there are of each status."""
    return Counter(answer.status_code for answer in answers)


def patiently(request: Request) -> Request:
    """The same, made again where too many hash passwords at the moment: such a request has done nothing yet."""

    def again() -> httpx2.Response:
        while (answer := request()).status_code == 503:
            pass
        return answer

    return again


@pytest.fixture(scope="session")
def patient() -> Iterator[Stack]:
    """A deployment whose functions have time."""
    with make_stack(**PATIENT) as made:
        yield made


@pytest.fixture(scope="session")
def running(patient: Stack) -> dict[str, list[Instance]]:
    """Two instances of each function, and three strict ones."""
    made: dict[str, list[Instance]] = {name: [patient.start(name) for _ in range(2)] for name in FUNCTION_NAMES}
    strict: list[FunctionName] = ["auth", "auth", "issues"]
    made["strict"] = [patient.start(name, wait=True, **STRICT) for name in strict]
    for instance in (instance for instances in made.values() for instance in instances):
        wait_until_ready(instance)
    return made


@pytest.fixture(scope="session")
def functions(running: dict[str, list[Instance]]) -> Iterator[Functions]:
    """Nobody, at every instance but the strict ones."""
    with ExitStack() as closing:
        yield {name: [closing.enter_context(api_of(one)) for one in running[name]] for name in FUNCTION_NAMES}


@pytest.fixture(scope="session")
def strict(running: dict[str, list[Instance]]) -> Iterator[list[Api]]:
    """Nobody, at instances with small limits: two of auth and one of issues."""
    with ExitStack() as closing:
        yield [closing.enter_context(api_of(one)) for one in running["strict"]]


@pytest.fixture(scope="session")
def staff(patient: Stack, functions: Functions) -> Iterator[People]:
    """Makes users."""
    with people_of(patient, functions["auth"][0]) as made:
        yield made


@pytest.fixture
def manager(staff: People, functions: Functions) -> Caller:
    """A manager, at any instance."""
    return Caller(staff.manager(), functions)


@pytest.fixture(scope="session")
def owner(patient: Stack) -> Iterator[Owner]:
    """The database as its owner sees it."""
    with patient.postgres.connect() as connection:
        yield connection


@pytest.fixture(scope="session")
def race() -> Iterator[Race]:
    """Enough threads for everybody to start at once."""
    with ThreadPoolExecutor(RACERS) as threads:
        yield Race(threads)
