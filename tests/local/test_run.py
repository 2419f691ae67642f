"""``make run`` from the first start to the last stop: what it serves, keeps and leaves behind."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict
from redis import Redis

from tests.local.conftest import drop_role
from tests.local.running import CHEAP_HASHES, Run, wait_until_idle, working_in
from tests.support.api import Api, new_client
from tests.support.people import created

DEMO_PASSWORD = "Flycatcher-demo-1"
OWN_PASSWORD = "Kingfisher-7-blue"


@contextmanager
def _started(directory: Path, *, before: str = "", **variables: str) -> Iterator[tuple[Run, Api]]:
    with Run(directory, before=before, **variables) as run:
        run.wait_until_up()
        with new_client(run.url) as client:
            yield run, Api(client)


def _token(api: Api, username: str, password: str = DEMO_PASSWORD) -> str:
    response = api.post("/api/auth/login", json={"username": username, "password": password})
    assert response.status_code == 200, response.text
    return str(response.json()["access_token"])


def _total(api: Api, path: str) -> int:
    return int(api.get(path).json()["total"])


def _check_demo(run: Run, api: Api) -> str:
    """Everybody of the greeting can sign in, and the whole demo is there; an admin's token."""
    for path in ("/healthz", "/readyz", "/api/docs", "/api/openapi.json"):
        assert api.client.get(path).status_code == 200
    for line in (f"API      {run.url}\n", f"docs     {run.url}/api/docs\n", "sign in  as admin, manager1 or dev1"):
        assert line in run.output
    assert f"with the password {DEMO_PASSWORD}:" in run.output
    for username, role in (("manager1", "manager"), ("dev1", "developer")):
        assert api.signed_in(_token(api, username)).get("/api/auth/me").json()["role"] == role
    token = _token(api, "admin")
    admin = api.signed_in(token)
    assert _total(admin, "/api/users") == 50
    assert [_total(admin, f"/api/projects?is_archived={archived}") for archived in ("false", "true")] == [8, 2]
    pages = [admin.get(f"/api/issues?limit=100&page={page}").json()["items"] for page in range(1, 6)]
    issues = [issue for page in pages for issue in page]
    assert (len(issues), sum(issue["comment_count"] for issue in issues)) == (500, 1500)
    return token


def _check_stopped(run: Run, number: signal.Signals) -> None:
    assert run.stop(number) == 0
    assert run.output.endswith("stopped\n")
    assert run.errors == ""
    assert working_in(run.directory) == []


def test_what_the_first_start_makes_the_next_ones_find_again_even_after_a_kill(directory: Path) -> None:
    with _started(directory) as (run, api):
        token = _check_demo(run, api)
        assert "  hashing passwords: 50 of 50\n  writing the demo: 4 of 4\n" in run.output
        project = created(api.signed_in(token), "/api/projects", {"name": "Kiosk"})
        _check_stopped(run, signal.SIGINT)

    began = time.monotonic()
    with _started(directory) as (run, api):
        assert time.monotonic() - began < 5
        assert api.signed_in(token).get(f"/api/projects/{project['id']}").json() == project
        assert "making the keys" not in run.output
        assert "hashing passwords" not in run.output
        left = {process.pid for process in working_in(directory)}
        run.kill()
    assert left

    with _started(directory) as (run, api):
        assert api.signed_in(token).get(f"/api/projects/{project['id']}").json() == project
        assert not left & {process.pid for process in working_in(directory)}
        _check_stopped(run, signal.SIGTERM)


def test_given_servers_take_the_place_of_the_embedded_ones(
    directory: Path, empty_database: str, cluster_url: str, addresses: dict[str, str]
) -> None:
    redis_url = f"{addresses['redis']}?db=15"
    database = conninfo_to_dict(empty_database)["dbname"]
    variables = {"DATABASE_OWNER_URL": empty_database, "REDIS_URL": redis_url, "SEED_PASSWORD": OWN_PASSWORD}
    with Redis.from_url(redis_url) as redis:
        redis.flushdb()
        with _started(directory, before=CHEAP_HASHES, **variables) as (run, api):
            admin = api.signed_in(_token(api, "admin", OWN_PASSWORD))
            assert _total(admin, "/api/issues") == 500
            assert OWN_PASSWORD not in run.output
            assert redis.dbsize() > 0
            query = "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = %s"
            with psycopg.connect(cluster_url) as owner:
                assert owner.execute(query, [database]).fetchall() == [(f"flycatcher_{database}",)]
            assert working_in(directory) == []
            assert sorted(path.name for path in directory.iterdir()) == ["keys", "lock"]
            _check_stopped(run, signal.SIGHUP)
        redis.flushdb()
    drop_role(cluster_url, f"flycatcher_{database}")


def test_a_start_that_is_interrupted_leaves_nothing_running_and_can_be_repeated(directory: Path) -> None:
    for step in ("  starting PostgreSQL\n", "  migrating the database\n"):
        with Run(directory) as run:
            run.wait_for(step)
            assert run.stop(signal.SIGINT) == 0
            assert run.output.endswith("stopped\n")
            assert run.errors == ""
            wait_until_idle(directory)
