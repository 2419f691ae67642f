"""``python -m functions``, as a container starts a function."""

import asyncio
import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.types import Message

from functions.__main__ import main
from functions.auth.app import PREPARE
from shared.function import Function
from shared.settings import Settings
from tests.support.api import PLAIN
from tests.support.fixtures import Owner, owner, wait_until_blocked
from tests.support.people import People
from tests.support.processes import Environ, base_environ, free_port, process, wait_until_ready

__all__ = ["owner"]


@pytest.fixture
def unhandled() -> Iterator[None]:
    """Gives back the signals that ``main`` takes."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        pytest.param({}, "FUNCTION is missing; it is one of auth, projects, issues, comments", id="no-function"),
        pytest.param(
            {"FUNCTION": "users"}, "FUNCTION must be one of auth, projects, issues, comments", id="no-such-function"
        ),
        pytest.param({"FUNCTION": "issues", "PORT": "x"}, "PORT must be a whole number from 1 to 65535", id="port"),
        pytest.param(
            {"FUNCTION": "issues", "DATABASE_URL": ""},
            "DATABASE_URL is missing: set it, or DATABASE_URL_FILE to the path of a file that holds it",
            id="no-database",
        ),
        pytest.param(
            {"FUNCTION": "issues", "DATABASE_URL": "x"},
            "DATABASE_URL must be a URL that starts with postgresql://",
            id="a-database-that-is-none",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    environ: Environ,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    unhandled: None,  # noqa: ARG001
    variables: Environ,
    line: str,
) -> None:
    for name, value in {**base_environ(environ, "issues"), **variables}.items():
        monkeypatch.setenv(name, value)
    assert main() == 2
    assert capsys.readouterr() == ("", f"flycatcher: {line}\n")


def test_the_process_ends_with_2(environ: Environ) -> None:
    with process(["functions"], base_environ(environ, "issues")) as running:
        out, err = running.communicate(timeout=20)
    assert (running.returncode, out) == (2, "")
    assert err == "flycatcher: FUNCTION is missing; it is one of auth, projects, issues, comments\n"


def foreign_key() -> str:
    """A private key whose public half is in no set."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        pytest.param("JWT_PRIVATE_KEY", foreign_key(), "JWT_PUBLIC_KEYS does not hold", id="a-key-of-another-set"),
        pytest.param(
            "JWT_PRIVATE_KEY",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
            "JWT_PRIVATE_KEY must be",
            id="a-broken-key",
        ),
        pytest.param("JWT_PUBLIC_KEYS", '{"keys": []}', "JWT_PUBLIC_KEYS must hold", id="no-public-key"),
        pytest.param("JWT_PUBLIC_KEYS", "[1]", "JWT_PUBLIC_KEYS must be", id="no-set"),
        pytest.param(
            "JWT_PUBLIC_KEYS", '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', "JWT_PUBLIC_KEYS must be", id="symmetric"
        ),
        pytest.param("REDIS_URL", "redis://127.0.0.1/0?socket_timeout=x", "REDIS_URL is not usable", id="redis-option"),
    ],
)
def test_what_only_its_use_can_tell_fails_the_start_with_one_line(
    environ: Environ, name: str, value: str, expected: str
) -> None:
    given = base_environ(environ, "auth")
    given.pop(f"{name}_FILE", None)
    application = Function("auth", [], settings=lambda: Settings.load({**given, name: value}, "auth"), prepare=PREPARE)
    (answer,) = asyncio.run(started(application))
    assert answer["type"] == "lifespan.startup.failed"
    assert answer["message"].startswith(expected)
    assert "\n" not in answer["message"]


async def started(application: Function) -> list[Message]:
    """What an application that cannot start answers to the server that starts it."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        sent.append(message)

    await application({"type": "lifespan", "state": {}}, receive, send)
    return sent


def test_a_start_that_fails_is_logged_in_one_line(environ: Environ) -> None:
    given = {**base_environ(environ, "auth"), "FUNCTION": "auth", "PORT": str(free_port())}
    with process(["functions"], {**given, "JWT_PRIVATE_KEY": foreign_key(), "JWT_PRIVATE_KEY_FILE": ""}) as running:
        out, err = running.communicate(timeout=20)
    assert running.returncode > 0
    assert err == ""
    messages = [json.loads(line)["message"] for line in out.splitlines()]
    assert [message for message in messages if "JWT_PRIVATE_KEY" in message] == messages[:1]


def test_sigterm_lets_requests_in_flight_finish_and_exits_with_0(
    environ: Environ, people: People, owner: Owner
) -> None:
    bob = people.developer()
    port = free_port()
    given = {**base_environ(environ, "auth"), "FUNCTION": "auth", "PORT": str(port), "LOG_LEVEL": "info"}
    url = f"http://127.0.0.1:{port}"
    headers = {"Authorization": f"Bearer {bob.token}"}
    with process(["functions"], given) as running, ThreadPoolExecutor(1) as background:
        wait_until_ready(running, port)
        idle = httpx2.Client(base_url=url)
        assert idle.get("/readyz").status_code == 200
        with owner.transaction():
            owner.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
            answer = background.submit(httpx2.get, f"{url}/api/users", headers=headers)
            wait_until_blocked(owner)
            running.send_signal(signal.SIGTERM)
            wait_until_refused(url)
        assert answer.result().status_code == 200
        assert answer.result().json()["total"] == 1
        out, err = running.communicate(timeout=20)
        idle.close()
    assert (running.returncode, err) == (0, "")
    assert "Server" not in answer.result().headers
    assert all(json.loads(line)["function"] == "auth" for line in out.splitlines())


def wait_until_refused(url: str) -> None:
    """Wait until nobody listens there any more."""
    while True:
        try:
            httpx2.get(f"{url}/healthz", verify=PLAIN)
        except httpx2.ConnectError:
            return
        except httpx2.TransportError:
            continue  # it came in at the last moment, and was let go before it had asked


def test_a_container_believes_nobody_about_addresses_and_ends_on_sigint_with_0(
    environ: Environ, people: People
) -> None:
    """uvicorn by itself believes whoever calls from 127.0.0.1."""
    admin = people.admin()
    port = free_port()
    given = {**base_environ(environ, "auth"), "FUNCTION": "auth", "PORT": str(port)}
    with process(["functions"], given) as running:
        wait_until_ready(running, port)
        httpx2.post(
            f"http://127.0.0.1:{port}/api/auth/login",
            json={"username": "x", "password": "x"},
            headers={"X-Forwarded-For": "203.0.113.9"},
        )
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=20)
    assert (running.returncode, err) == (0, "")
    assert admin.api.get("/api/audit").json()["items"][0]["ip"] == "127.0.0.1"
