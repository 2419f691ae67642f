"""Redis as the functions reach it: its URL, its faults, and one connection for all."""

import time
from collections.abc import Iterator

import pytest
from redis import Redis

from local.valkey import EmbeddedValkey, start_valkey
from shared.data.redis import Address, parse_address
from tests.support.api import Api
from tests.support.fixtures import AtOnce, Serve

LIMIT = 1000
URLS = {
    "redis://cache": Address("cache", 6379, "", tls=False, greeting=()),
    "redis://cache:7000/0": Address("cache", 7000, "", tls=False, greeting=()),
    "rediss://cache/2": Address("cache", 6379, "", tls=True, greeting=(("SELECT", 2),)),
    "redis://:s%2Fcret@cache": Address("cache", 6379, "", tls=False, greeting=(("AUTH", "s/cret"),)),
    "redis://us%40r:secret@cache?db=3": Address(
        "cache", 6379, "", tls=False, greeting=(("AUTH", "us@r", "secret"), ("SELECT", 3))
    ),
    "redis://[::1]:7000": Address("::1", 7000, "", tls=False, greeting=()),
    "unix:///run/redis%20one.sock?db=1": Address(
        "localhost", 6379, "/run/redis one.sock", tls=False, greeting=(("SELECT", 1),)
    ),
    "unix://:secret@/run/redis.sock": Address(
        "localhost", 6379, "/run/redis.sock", tls=False, greeting=(("AUTH", "secret"),)
    ),
}


@pytest.mark.parametrize(("url", "address"), URLS.items(), ids=URLS)
def test_a_url_says_where_and_as_whom(url: str, address: Address) -> None:
    assert parse_address(url) == address


@pytest.mark.parametrize("url", ["redis://cache?ssl=no", "redis://cache/first", "unix:///run/redis.sock?db=-1"])
def test_what_a_url_does_not_know_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"option|number"):
        parse_address(url)


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """A Valkey of this file's own, to be ill-treated."""
    server = start_valkey(tmp_path_factory.mktemp("redis") / "valkey")
    yield server
    server.stop()


@pytest.fixture
def direct(valkey: EmbeddedValkey) -> Iterator[Redis]:
    """The same, asked by another client, and empty."""
    with Redis.from_url(valkey.url, decode_responses=True) as connection:
        connection.flushall()
        yield connection


@pytest.fixture
def counting(serve: Serve, valkey: EmbeddedValkey, direct: Redis) -> Api:  # noqa: ARG001  # empty it has to be
    """A server that counts there."""
    return serve(REDIS_URL=valkey.url, RATE_LIMIT_PER_MINUTE=str(LIMIT))


def used(api: Api) -> int:
    """Requests of ours that count, this one included."""
    return LIMIT - int(api.get("/api/users").headers["RateLimit-Remaining"])


def test_requests_at_once_share_one_connection(counting: Api, direct: Redis, at_once: AtOnce) -> None:
    answers = at_once(8, lambda: counting.get("/api/users"))
    remaining = sorted(int(answer.headers["RateLimit-Remaining"]) for answer in answers)
    assert remaining == list(range(LIMIT - 8, LIMIT))
    assert len(direct.client_list()) == 2


def test_a_connection_that_was_closed_is_made_anew_at_once(counting: Api, direct: Redis) -> None:
    assert used(counting) == 1
    direct.client_kill_filter(_type="normal", skipme=True)
    assert [used(counting) for _ in range(2)] == [2, 3]


def test_who_does_not_answer_is_left_alone_and_then_believed_again(
    counting: Api, valkey: EmbeddedValkey, direct: Redis
) -> None:
    assert used(counting) == 1
    valkey.process.suspend()
    try:
        began = time.monotonic()
        assert [used(counting) for _ in range(3)] == [1, 2, 3]
        assert time.monotonic() - began < 2
    finally:
        valkey.process.resume()
    direct.flushall()
    deadline = time.monotonic() + 5
    while used(counting) != 1:
        assert time.monotonic() < deadline
        direct.flushall()
    assert used(counting) == 2


def test_a_password_is_told(serve: Serve, valkey: EmbeddedValkey, direct: Redis) -> None:
    direct.config_set("requirepass", "s3cret")
    try:
        path = valkey.url.removeprefix("unix://")
        told = serve(REDIS_URL=f"unix://:s3cret@{path}", RATE_LIMIT_PER_MINUTE=str(LIMIT))
        assert [used(told) for _ in range(2)] == [1, 2]
        assert direct.exists("rate:127.0.0.1")
        wrong = serve(REDIS_URL=f"unix://:other@{path}", RATE_LIMIT_PER_MINUTE=str(LIMIT))
        assert wrong.get("/readyz").json() == {"status": "ok", "redis": "down"}
        assert used(wrong) == 1
    finally:
        direct.config_set("requirepass", "")


def test_what_is_no_redis_stops_nothing(serve: Serve, api: Api) -> None:
    other = serve(REDIS_URL=f"redis://127.0.0.1:{api.client.base_url.port}")
    assert other.get("/readyz").json() == {"status": "ok", "redis": "down"}
    assert other.get("/api/users").status_code == 401
