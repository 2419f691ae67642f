"""``python -m operations connections``: the connections of all functions at full scale against those of PostgreSQL."""

from collections.abc import Mapping

import psycopg
import pytest

from operations.__main__ import main
from operations.connections import MAX_SCALE, OPERATIONS, Budget, available
from shared.settings import POOL_SIZE

POSTGRESQL_DEFAULT = 100
SUPERUSERS_DEFAULT = 3


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch, cluster_url: str) -> pytest.MonkeyPatch:
    """The environment of the command, on the PostgreSQL of this run, which gives 297 connections."""
    monkeypatch.setenv("DATABASE_OWNER_URL", cluster_url)
    return monkeypatch


def test_the_defaults_fit_into_a_postgresql_of_the_defaults() -> None:
    budget = Budget(MAX_SCALE, POOL_SIZE)
    assert budget.functions == sum(MAX_SCALE.values()) * POOL_SIZE == 90
    assert budget.total == 90 + OPERATIONS <= POSTGRESQL_DEFAULT - SUPERUSERS_DEFAULT


def test_postgresql_is_asked_for_what_it_gives(cluster_url: str) -> None:
    with psycopg.connect(cluster_url) as owner:
        # PostgreSQL 15 does not know the third.
        shown = {
            name: int(owner.execute("SELECT coalesce(current_setting(%s, true), '0')", [name]).fetchall()[0][0])
            for name in ("max_connections", "superuser_reserved_connections", "reserved_connections")
        }
    assert available(cluster_url) == shown.pop("max_connections") - sum(shown.values())


def test_what_fits_is_told_line_by_line(variables: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    variables.setenv("DATABASE_POOL_SIZE", "10")
    assert main(["connections", "--instances", "issues=3"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[-1] for line in lines[:-1]] == ["40", "20", "30", "40", "5", "135", "297"]
    assert " ".join(lines[-1]) == "all fit, 162 to spare"


def test_what_does_not_fit_is_an_error(variables: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    variables.setenv("DATABASE_POOL_SIZE", "50")
    assert main(["connections"]) == 1
    told = capsys.readouterr()
    assert told.err == ("connections: 608 too many; lower DATABASE_POOL_SIZE or the scale, or raise max_connections\n")
    assert told.out.splitlines()[-1].split() == ["PostgreSQL", "gives", "297"]


WRONG: Mapping[str, tuple[list[str], dict[str, str], str]] = {
    "a-function-that-is-none": (["--instances", "users=3"], {}, "--instances users=3: must be one of auth"),
    "a-count-that-is-none": (["--instances", "auth=x"], {}, "--instances auth=x: must be one of auth"),
    "a-pool-that-is-none": ([], {"DATABASE_POOL_SIZE": "0"}, "DATABASE_POOL_SIZE must be a whole number"),
    "no-database": ([], {"DATABASE_OWNER_URL": ""}, "DATABASE_OWNER_URL is missing"),
}


@pytest.mark.parametrize(("arguments", "environ", "line"), WRONG.values(), ids=WRONG)
def test_what_is_given_wrongly_is_said_in_one_line(
    variables: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    environ: dict[str, str],
    line: str,
) -> None:
    for name, value in environ.items():
        variables.setenv(name, value)
    assert main(["connections", *arguments]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"connections: {line}")
    assert told.count("\n") == 1
