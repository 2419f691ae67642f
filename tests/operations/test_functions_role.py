"""The role that the functions sign in with: found, made, given its rights, and never more than that."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString
from urllib.parse import quote, urlencode

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from local.postgres import start_postgres
from operations.__main__ import main
from operations.migrate import migrate
from operations.roles import GROUPS, RoleError, ensure_login
from tests.local.conftest import drop_role
from tests.local.running import temporary_directory

PASSWORD = "p@ss/w:rd%25 'ü\\"


def _url(base: str, **changes: str) -> str:
    """The same server and database for another user or with another password."""
    parts = {**conninfo_to_dict(base), **changes}
    account = f"{quote(str(parts['user']), safe='')}:{quote(str(parts.get('password', '')), safe='')}".rstrip(":")
    rest = urlencode({name: parts[name] for name in ("host", "port")})
    return f"postgresql://{account}@/{quote(str(parts['dbname']), safe='')}?{rest}"


def _rights(url: str) -> tuple[object, ...] | None:
    """Who this URL signs in as, whether with the functions' rights, and whether with those of a superuser."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT current_user, pg_has_role('flycatcher_functions', 'USAGE'), current_setting('is_superuser')"
        ).fetchone()


@contextmanager
def _role(owner_url: str, name: str, options: LiteralString = "") -> Iterator[None]:
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE ROLE {} LOGIN {}").format(sql.Identifier(name), sql.SQL(options)))
    try:
        yield
    finally:
        drop_role(owner_url, name)


def test_without_a_name_every_instance_finds_the_same_role_of_this_database_alone(
    migrated: str, cluster_url: str
) -> None:
    name = f"flycatcher_{conninfo_to_dict(migrated)['dbname']}"
    try:
        with ThreadPoolExecutor(4) as instances:
            urls = list(instances.map(lambda _: ensure_login(migrated), range(4)))
        assert len(set(urls)) == 1
        assert _rights(urls[0]) == (name, True, "off")
    finally:
        drop_role(cluster_url, name)


def test_a_named_or_given_role_is_made_with_the_functions_rights(migrated: str, role: str) -> None:
    assert _rights(ensure_login(migrated, name=role)) == (role, True, "off")
    given = _url(migrated, user=role)
    assert ensure_login(migrated, given) == given


def test_a_role_that_is_there_without_the_rights_gets_them(migrated: str, role: str) -> None:
    with _role(migrated, role):
        given = _url(migrated, user=role)
        assert _rights(given) == (role, False, "off")
        assert ensure_login(migrated, given) == given
        assert _rights(given) == (role, True, "off")


def test_an_owner_that_may_not_make_roles_is_told_in_one_line_and_works_with_one_that_is_there(
    migrated: str, role: str
) -> None:
    owner = f"{role}_owner"
    with _role(migrated, owner):
        with pytest.raises(RoleError, match=rf"^{owner} cannot make the role {role}: permission denied"):
            ensure_login(_url(migrated, user=owner), name=role)
        ensure_login(migrated, name=role)
        assert _rights(ensure_login(_url(migrated, user=owner), name=role)) == (role, True, "off")


def test_a_role_that_can_never_sign_in_is_told_with_the_servers_reason(migrated: str, role: str) -> None:
    with _role(migrated, role, "CONNECTION LIMIT 0"), pytest.raises(RoleError, match=r"cannot sign in: .*too many"):
        ensure_login(migrated, _url(migrated, user=role))


@pytest.fixture(scope="module")
def strict() -> Iterator[str]:
    """The owner's URL of a server of its own that asks for passwords, and whose owner's password is full of quotes."""
    with temporary_directory() as directory:
        server = start_postgres(directory / "data", durable=False)
        try:
            with psycopg.connect(server.owner_url, autocommit=True) as owner:
                owner.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(PASSWORD))
                owner.execute(sql.SQL('CREATE DATABASE "bugs & más"'))
                (server.directory / "pg_hba.conf").write_text("local all all scram-sha-256\n")
                owner.execute("SELECT pg_reload_conf()")
            url = _url(server.owner_url, password=PASSWORD, dbname="bugs & más")
            migrate(url)
            yield url
        finally:
            server.stop()


def test_the_derived_password_is_the_same_for_all_and_follows_the_owners(strict: str) -> None:
    url = ensure_login(strict)
    assert ensure_login(strict) == url
    assert _rights(url) == ("flycatcher_bugs & más", True, "off")
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(_url(url, password="another"))
    changed = _url(strict, password="another")
    with psycopg.connect(strict, autocommit=True) as owner:
        try:
            owner.execute("ALTER ROLE postgres PASSWORD 'another'")
            other = ensure_login(changed)
            assert conninfo_to_dict(other)["password"] != conninfo_to_dict(url)["password"]
            assert _rights(other) == _rights(ensure_login(changed))
        finally:
            owner.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(PASSWORD))


def test_a_given_password_is_set_for_a_new_role_and_never_changed_afterwards(strict: str) -> None:
    given = _url(strict, user='fly "catcher"', password=f"{PASSWORD}2")
    assert _rights(ensure_login(strict, given)) == ('fly "catcher"', True, "off")
    wrong = _url(given, password="another-7")
    with pytest.raises(RoleError, match=r"^the functions' role cannot sign in: .*password authentication") as refusal:
        ensure_login(strict, wrong)
    assert "another-7" not in str(refusal.value)
    assert _rights(given) is not None


def test_an_owner_that_cannot_sign_in_is_told_in_one_line_without_the_password(strict: str) -> None:
    with pytest.raises(RoleError, match=r"^cannot sign in to PostgreSQL: .*password authentication") as refusal:
        ensure_login(_url(strict, password="another-7"))
    assert "another-7" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_migrating_lets_the_functions_in_where_it_is_told_who_they_are(
    empty_database: str, role: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = _url(empty_database, user=role)
    monkeypatch.setenv("DATABASE_OWNER_URL", empty_database)
    monkeypatch.setenv("DATABASE_URL", given)
    for said in ("migrated: the database is at head\n", "nothing to migrate\n"):
        assert main(["migrate"]) == 0
        assert capsys.readouterr().out == said
        assert _rights(given) == (role, True, "off")


@pytest.fixture
def function_roles(empty_database: str, cluster_url: str, role: str) -> Iterator[dict[str, str]]:
    """The URL of a role that is not there yet for each function's variable; gone after the test."""
    logins = {name: f"{role}_{number}" for number, name in enumerate(GROUPS) if name != "DATABASE_URL"}
    yield {name: _url(empty_database, user=login) for name, login in logins.items()}
    for login in logins.values():
        drop_role(cluster_url, login)


def _groups(url: str) -> set[str]:
    """Of which of our groups this URL's role is a member, by whatever way."""
    with psycopg.connect(url) as connection:
        held = "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND pg_has_role(oid, 'MEMBER')"
        return {row[0] for row in connection.execute(held, [list(GROUPS.values())])}


def test_migrating_lets_each_function_in_with_its_own_rights_and_one_role_with_those_of_all(
    empty_database: str, role: str, function_roles: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {**function_roles, "DATABASE_URL": _url(empty_database, user=role)}
    monkeypatch.setenv("DATABASE_OWNER_URL", empty_database)
    for name, url in given.items():
        (tmp_path / name).write_text(url)
        monkeypatch.setenv(*((f"{name}_FILE", str(tmp_path / name)) if name.startswith("ISSUES") else (name, url)))
    for _ in range(2):
        assert main(["migrate"]) == 0
        assert {name: _groups(url) for name, url in given.items()} == {name: {GROUPS[name]} for name in given}


def test_a_role_that_had_other_rights_of_ours_has_those_of_its_function_alone(
    migrated: str, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = ensure_login(migrated, name=role)
    ensure_login(migrated, url, group=GROUPS["AUTH_DATABASE_URL"])
    monkeypatch.setenv("DATABASE_OWNER_URL", migrated)
    monkeypatch.setenv("ISSUES_DATABASE_URL", url)
    assert main(["migrate"]) == 0
    assert _groups(url) == {GROUPS["ISSUES_DATABASE_URL"]}


def test_a_role_with_other_rights_of_ours_by_a_way_of_its_own_is_told_of(migrated: str, role: str) -> None:
    """A superuser, here, who may do everything."""
    group = GROUPS["ISSUES_DATABASE_URL"]
    with _role(migrated, role, "SUPERUSER"):
        with pytest.raises(RoleError, match=rf"{role} is a member of flycatcher_functions, .*, too$"):
            ensure_login(migrated, _url(migrated, user=role), group=group)
        ensure_login(migrated, _url(migrated, user=role))


def test_two_functions_cannot_share_a_role(
    migrated: str, role: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_OWNER_URL", migrated)
    for name in ("AUTH_DATABASE_URL", "ISSUES_DATABASE_URL"):
        monkeypatch.setenv(name, _url(migrated, user=role))
    assert main(["migrate"]) == 2
    assert capsys.readouterr() == (
        "",
        "migrate: AUTH_DATABASE_URL and ISSUES_DATABASE_URL name the same role; each needs one of its own\n",
    )


def test_going_back_lets_nobody_in(migrated: str, role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_OWNER_URL", migrated)
    monkeypatch.setenv("AUTH_DATABASE_URL", _url(migrated, user=role))
    assert main(["migrate", "--to", "0004"]) == 0
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        _groups(_url(migrated, user=role))


def test_migrating_says_why_the_functions_cannot_be_let_in(
    migrated: str, role: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_OWNER_URL", migrated)
    monkeypatch.setenv("DATABASE_URL", _url(migrated, user=role))
    with _role(migrated, role, "CONNECTION LIMIT 0"):
        assert main(["migrate"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("migrate: the functions' role cannot sign in: ")
