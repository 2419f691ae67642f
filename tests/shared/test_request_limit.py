"""So many requests a minute for each client address, over everything."""

import time

import pytest
from redis import Redis

from shared.security.limits import LOCAL_ADDRESSES, LocalLimit
from tests.support.accounts import outcome
from tests.support.api import Api
from tests.support.fixtures import AtOnce, Serve
from tests.support.people import People

LIMIT = 5
DEAD = "redis://127.0.0.1:1"
KEY = "rate:127.0.0.1"


@pytest.fixture
def limited(serve: Serve) -> Api:
    """A server that takes 5 requests a minute."""
    return serve(RATE_LIMIT_PER_MINUTE=str(LIMIT))


def remaining(api: Api, path: str = "/api/nothing", method: str = "GET") -> int:
    return int(api.request(method, path).headers["RateLimit-Remaining"])


def test_everything_counts_and_the_headers_count_down(limited: Api) -> None:
    requests = [
        ("GET", "/api/nothing"),
        ("GET", "/.well-known/jwks.json"),
        ("DELETE", "/api/auth/login"),
        ("POST", "/api/auth/login"),
        ("GET", "/api/auth/me"),
    ]
    answers = [limited.request(method, path) for method, path in requests]
    assert [answer.status_code for answer in answers] == [404, 200, 405, 415, 401]
    assert [int(answer.headers["RateLimit-Remaining"]) for answer in answers] == [4, 3, 2, 1, 0]
    assert {answer.headers["RateLimit-Limit"] for answer in answers} == {"5"}
    assert all(58 <= int(answer.headers["RateLimit-Reset"]) <= 60 for answer in answers)
    refused = limited.get("/api/docs")
    assert outcome(refused) == (429, "rate_limited")
    assert refused.headers["RateLimit-Remaining"] == "0"
    assert refused.headers["Retry-After"] == refused.headers["RateLimit-Reset"]


@pytest.mark.parametrize("path", ["/api/projects", "/api/nothing", "/api/auth/me", "/api/openapi.json"])
def test_too_many_is_told_before_all_else(limited: Api, redis: Redis, path: str) -> None:
    redis.lpush(KEY, *[int(time.time() * 1_000_000)] * LIMIT)
    assert outcome(limited.post(path, content=b"{")) == (429, "rate_limited")


def test_probes_and_metrics_are_not_counted(limited: Api, redis: Redis) -> None:
    for path in ("/healthz", "/readyz", "/metrics") * 3:
        answer = limited.get(path)
        assert answer.status_code == 200
        assert "RateLimit-Limit" not in answer.headers
    assert redis.keys("rate:*") == []
    assert remaining(limited) == LIMIT - 1


def test_the_window_slides(limited: Api, redis: Redis) -> None:
    """Three requests 59 seconds ago, two that fell out of the window just now: three count."""
    now = int(time.time() * 1_000_000)
    redis.rpush(KEY, *[now - 59_000_000] * 3, *[now - 60_000_001] * 2)
    answer = limited.get("/api/nothing")
    assert answer.status_code == 404
    assert answer.headers["RateLimit-Remaining"] == "1"
    assert answer.headers["RateLimit-Reset"] == "1"
    assert redis.llen(KEY) == 4


def test_refused_requests_do_not_put_the_end_off(limited: Api, redis: Redis) -> None:
    redis.rpush(KEY, *[int(time.time() * 1_000_000) - 59_000_000] * LIMIT)
    for _ in range(3):
        assert limited.get("/api/nothing").status_code == 429
    assert redis.llen(KEY) == LIMIT
    assert redis.ttl(KEY) < 60


def test_nothing_is_kept_longer_than_the_window(limited: Api, redis: Redis) -> None:
    limited.get("/api/nothing")
    assert 58 <= redis.ttl(KEY) <= 60


def test_requests_at_once_do_not_slip_through(limited: Api, at_once: AtOnce) -> None:
    statuses = sorted(answer.status_code for answer in at_once(12, lambda: limited.get("/api/nothing")))
    assert statuses == [*[404] * LIMIT, *[429] * 7]


def test_all_functions_and_instances_count_together(serve: Serve) -> None:
    one, other = (serve(RATE_LIMIT_PER_MINUTE=str(LIMIT), DATABASE_POOL_SIZE=size) for size in ("2", "3"))
    assert [remaining(api) for api in (one, other, one, other)] == [4, 3, 2, 1]


def test_each_address_is_counted_alone(serve: Serve) -> None:
    api = serve(RATE_LIMIT_PER_MINUTE="1", TRUSTED_PROXIES="127.0.0.1")
    statuses = [
        api.get("/api/nothing", headers={"X-Forwarded-For": f"9.9.9.9, {address}"}).status_code
        for address in ("203.0.113.1", "203.0.113.2", "203.0.113.1")
    ]
    assert statuses == [404, 404, 429]


def test_a_flushed_redis_begins_anew(limited: Api, redis: Redis) -> None:
    limited.get("/api/nothing")
    redis.flushdb()
    redis.script_flush()
    assert remaining(limited) == LIMIT - 1


def test_a_key_of_another_kind_in_redis_stops_nobody(serve: Serve, redis: Redis) -> None:
    """On a server of its own: for a second it leaves Redis alone and counts by itself."""
    redis.set(KEY, "rubbish")
    assert serve(RATE_LIMIT_PER_MINUTE="7").get("/api/nothing").status_code == 404


def test_without_redis_the_process_counts(serve: Serve, people: People) -> None:
    api = serve(RATE_LIMIT_PER_MINUTE="3", REDIS_URL=DEAD)
    bob = people.developer()
    assert api.signed_in(bob.token).get("/api/auth/me").status_code == 200
    assert [remaining(api) for _ in range(2)] == [1, 0]
    refused = api.get("/api/nothing")
    assert outcome(refused) == (429, "rate_limited")
    assert 55 <= int(refused.headers["Retry-After"]) <= 60


def test_the_process_s_own_limit_slides() -> None:
    limit = LocalLimit(2)
    verdicts = [limit.check("a", now) for now in (0.0, 30.0, 59.9, 60.0, 60.1, 90.0)]
    assert [verdict.allowed for verdict in verdicts] == [True, True, False, True, False, True]
    assert [verdict.remaining for verdict in verdicts] == [1, 0, 0, 0, 0, 0]
    assert [verdict.reset_seconds for verdict in verdicts] == [60, 30, 1, 30, 30, 30]


def test_the_process_remembers_so_many_addresses() -> None:
    limit = LocalLimit(1)
    for number in range(LOCAL_ADDRESSES + 1):
        limit.check(str(number), 0.0)
    assert limit.check("0", 1.0).allowed
    assert not limit.check(str(LOCAL_ADDRESSES), 1.0).allowed
