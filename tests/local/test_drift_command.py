"""``make migrations``: 0 when migrations and tables agree, 1 with a line that says where they do not."""

from pathlib import Path

import psycopg
import pytest
from alembic.util import CommandError

from local import drift
from local.errors import StartError
from local.postgres import EmbeddedPostgres, start_postgres
from tests.local.running import working_in


@pytest.fixture(autouse=True)
def no_server_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_POSTGRES_URL", raising=False)


def test_migrations_that_agree_end_with_0_and_leave_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Path] = []

    def start(directory: Path, *, durable: bool) -> EmbeddedPostgres:
        started.append(directory)
        return start_postgres(directory, durable=durable)

    monkeypatch.setattr("local.drift.start_postgres", start)
    assert drift.main() == 0
    assert not started[0].parent.exists()
    assert working_in(started[0].parent) == []


class _Postgres:
    owner_url = "postgresql://127.0.0.1:1/x"
    stopped = False

    def stop(self) -> None:
        self.stopped = True


def test_a_difference_ends_with_1_and_stops_the_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def differ(_config: object) -> None:
        raise CommandError("New upgrade operations detected")

    server = _Postgres()
    monkeypatch.setattr("local.drift.start_postgres", lambda _directory, *, durable: server)  # noqa: ARG005  # as called
    monkeypatch.setattr("local.drift.migrate", lambda *_: None)
    monkeypatch.setattr("alembic.command.check", differ)
    assert drift.main() == 1
    assert capsys.readouterr() == ("", "migrations: New upgrade operations detected\n")
    assert server.stopped


def test_a_server_that_does_not_start_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_directory: Path, *, durable: bool) -> None:
        raise StartError(f"no server, durable: {durable}")

    monkeypatch.setattr("local.drift.start_postgres", fail)
    assert drift.main() == 1
    assert capsys.readouterr() == ("", "no server, durable: False\n")


def test_a_server_that_is_given_takes_the_place_of_the_embedded_one(
    monkeypatch: pytest.MonkeyPatch, empty_database: str
) -> None:
    monkeypatch.setenv("TEST_POSTGRES_URL", empty_database)
    monkeypatch.setattr("local.drift.start_postgres", lambda *_, **__: pytest.fail("it has started one"))
    assert drift.main() == 0
    with psycopg.connect(empty_database) as owner:
        left = owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert left == [("alembic_version",)]
