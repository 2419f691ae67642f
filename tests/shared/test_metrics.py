"""What /metrics tells: by template and status, of the pool, of Redis, of limits, of work that takes turns."""

from prometheus_client.parser import text_string_to_metric_families

from shared import VERSION
from tests.support.accounts import login
from tests.support.api import Api
from tests.support.fixtures import Serve
from tests.support.people import People

ISSUE = "00000000-0000-7000-8000-000000000000"
Key = tuple[str, frozenset[tuple[str, str]]]


def samples(api: Api) -> dict[Key, float]:
    """Every sample of /metrics by its name and labels, but for that of the function."""
    response = api.get("/metrics")
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    found = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            labels = dict(sample.labels)
            if sample.name.startswith("flycatcher_"):
                assert labels.pop("function") == "local"
            key = sample.name, frozenset(labels.items())
            assert key not in found, "told twice"
            found[key] = sample.value
    return found


def key(name: str, **labels: str) -> Key:
    """A sample's name and labels."""
    return f"flycatcher_{name}", frozenset(labels.items())


def test_requests_are_counted_by_template_and_status(serve: Serve, people: People) -> None:
    api = serve(LOG_LEVEL="error").signed_in(people.developer().token)
    for path in (f"/api/issues/{ISSUE}", "/api/issues/7", "/api/issues/8?search=secret", "/api/nothing/secret"):
        api.get(path)
    found = samples(api)
    assert found[key("requests_total", method="GET", route="/api/issues/{id}", status="404")] == 3
    assert found[key("requests_total", method="GET", route="unmatched", status="404")] == 1
    assert found[key("request_seconds_count", route="/api/issues/{id}")] == 3
    assert found[key("request_seconds_bucket", route="/api/issues/{id}", le="+Inf")] == 3
    assert not [name for name in found if "secret" in str(name) or ISSUE in str(name)]


def test_the_pool_tells_how_it_is_used(serve: Serve, people: People) -> None:
    api = serve(LOG_LEVEL="error", DATABASE_POOL_SIZE="2").signed_in(people.developer().token)
    before = samples(api)
    assert api.get("/api/issues").status_code == 200
    after = samples(api)
    assert after[key("database_requests_total")] == before[key("database_requests_total")] + 1
    assert after[key("database_connections_max")] == 2
    assert after[key("database_connections")] >= after[key("database_connections_idle")] >= 1
    for name in ("requests_waiting", "requests_refused_total", "connections_lost_total"):
        assert after[key(f"database_{name}")] == 0


def test_limits_and_lockouts_are_counted(serve: Serve, people: People) -> None:
    api = serve(RATE_LIMIT_PER_MINUTE="4", LOGIN_LIMIT_PER_MINUTE="2", LOCKOUT_THRESHOLD="2")
    bob = people.developer()
    answers = [login(api, bob.username, "Wrong-horse-1").status_code for _ in range(3)]
    assert answers == [401, 401, 429]
    found = samples(api)
    assert found[key("lockouts_total")] == 1
    assert found[key("rate_limited_total")] == 1
    assert [api.get("/api/nothing").status_code for _ in range(2)] == [404, 429]
    assert samples(api)[key("rate_limited_total")] == 2


def test_work_that_takes_turns_is_measured(serve: Serve, people: People) -> None:
    api = serve(LOG_LEVEL="error")
    bob = people.manager()
    before = samples(api)
    assert login(api, bob.username).status_code == 200
    project = api.signed_in(bob.token).post("/api/projects", json={"name": "Kiosk"}).json()
    for description in ("short", "**long** " * 100):
        path = f"/api/projects/{project['id']}/issues"
        assert api.signed_in(bob.token).post(path, json={"title": "T", "description": description}).status_code == 201
    after = samples(api)
    counted = {work: key("work_seconds_count", work=work) for work in ("argon2", "markdown")}
    assert {work: after[name] - before[name] for work, name in counted.items()} == {"argon2": 1, "markdown": 2}
    spent = key("work_seconds_sum", work="argon2")
    assert after[spent] - before[spent] > 0.01
    for work in counted:
        assert after[key("work_waiting", work=work)] == after[key("work_refused_total", work=work)] == 0


def test_a_redis_that_is_away_shows(serve: Serve) -> None:
    up = samples(serve())
    assert (up[key("redis_up")], up[key("limited_locally_total")]) == (1, 0)
    api = serve(REDIS_URL="redis://127.0.0.1:1")
    api.get("/api/nothing")
    down = samples(api)
    assert down[key("redis_up")] == 0
    assert down[key("redis_failures_total")] >= 1
    assert down[key("limited_locally_total")] >= 1


def test_the_process_tells_of_itself(serve: Serve) -> None:
    found = samples(serve())
    assert found[key("build_info", version=VERSION)] == 1
    assert found["process_resident_memory_bytes", frozenset()] > 10_000_000
