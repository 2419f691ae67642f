"""Somebody has got hold of a function, and with it of its database role, and turns to the records of what was done.

The role's rights must stop it: rows are added to the audit log, the history and the revisions, and that is all. What
the role may do to each table by plain statements is in tests/migrations; here it goes round them.
"""

from collections.abc import Iterator

import httpx2
import psycopg
import pytest
from psycopg.rows import TupleRow

from functions.auth.tokens import Signer
from tests.support.api import Api
from tests.support.fixtures import Owner
from tests.support.people import People

RECORDS = ("audit_events", "issue_history", "comment_revisions")
TAMPERING: dict[str, list[str]] = {
    # Each statement in turn; one of them has to be refused. {records} stands for each of the three tables.
    "merge-that-deletes": ["MERGE INTO {records} USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE"],
    "delete-within-a-select": ["WITH gone AS (DELETE FROM {records} RETURNING 1) SELECT FROM gone"],
    "delete-within-a-block": ["DO $$ BEGIN DELETE FROM {records}; END $$"],
    "insert-that-updates": [
        "INSERT INTO {records} SELECT * FROM {records} ON CONFLICT (id) DO UPDATE SET id = gen_random_uuid()"],
    "lock-of-rows": ["SELECT FROM {records} FOR SHARE"],
    "lock-of-the-table": ["LOCK TABLE {records} IN ACCESS EXCLUSIVE MODE"],
    "cascade-from-what-is-above": ["DELETE FROM projects"],
    "cascade-from-comments": ["DELETE FROM comments"],
    "truncated-cascade": ["TRUNCATE users CASCADE"],
    "triggers-off": ["ALTER TABLE {records} DISABLE TRIGGER ALL"],
    "triggers-off-as-a-replica": ["SET session_replication_role = replica"],
    "rule-instead-of-insert": ["CREATE RULE silent AS ON INSERT TO {records} DO INSTEAD NOTHING"],
    "policy-that-hides": ["CREATE POLICY hidden ON {records} USING (false)"],
    "row-security": ["ALTER TABLE {records} ENABLE ROW LEVEL SECURITY"],
    "constraint-that-refuses": ["ALTER TABLE {records} ADD CHECK (false) NOT VALID"],
    "other-name": ["ALTER TABLE {records} RENAME TO gone"],
    "other-schema": ["CREATE SCHEMA mine"],
    "drop": ["DROP TABLE {records} CASCADE"],
    "other-owner": ["ALTER TABLE {records} OWNER TO CURRENT_USER"],
    "grant-to-oneself": ["GRANT ALL ON {records} TO CURRENT_USER", "DELETE FROM {records}"],
    "grant-to-everybody": ["GRANT DELETE ON {records} TO PUBLIC", "DELETE FROM {records}"],
    "grant-of-the-owner": ["GRANT {owner} TO CURRENT_USER"],
    "grant-of-all-data": ["GRANT pg_write_all_data TO CURRENT_USER"],
    "grant-of-the-functions-role": ["GRANT flycatcher_functions TO {owner}"],
    "role-of-the-owner": ["SET ROLE {owner}"],
    "session-of-the-owner": ["SET SESSION AUTHORIZATION {owner}"],
    "role-reset": ["SET ROLE flycatcher_functions", "RESET ROLE", "DELETE FROM {records}"],
    "superuser": ["ALTER ROLE CURRENT_USER SUPERUSER"],
    "right-to-make-roles": ["ALTER ROLE flycatcher_functions CREATEROLE"],
    "another-role": ["CREATE ROLE accomplice LOGIN SUPERUSER"],
    "owner-without-a-password": ["ALTER ROLE {owner} PASSWORD NULL"],
    "owned-by-another": ["REASSIGN OWNED BY {owner} TO CURRENT_USER"],
    "dropped-with-its-owner": ["DROP OWNED BY {owner}"],
    "function-of-the-owner": ["CREATE FUNCTION mine() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1"],
    "rows-from-a-program": ["COPY audit_events FROM PROGRAM 'true'"],
    "rows-to-a-file": ["COPY audit_events TO '/tmp/records'"],
    "file-of-the-server": ["SELECT pg_read_file('pg_hba.conf')"],
    "catalogue": ["UPDATE pg_class SET relowner = CURRENT_USER::regrole WHERE relname = '{records}'"],
    "setting-of-the-session": ["SET log_statement = 'none'"],
    "end-of-the-owner's-session": [
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{owner}'"],
}  # fmt: skip


@pytest.fixture(scope="module")
def role(environ: dict[str, str]) -> Iterator[psycopg.Connection[TupleRow]]:
    """A connection such as the functions have."""
    with psycopg.connect(environ["DATABASE_URL"], autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def kept(client: httpx2.Client, housekeeper: Owner, signer: Signer) -> Iterator[list[tuple[object, ...]]]:
    """A row in each of the three tables, for all tests of this file, which change nothing."""
    bob = People(Api(client), housekeeper, signer).manager()
    issue = bob.issue(bob.project())
    bob.api.patch(f"/api/issues/{issue['id']}", json={"title": "Other"})
    bob.api.patch(f"/api/comments/{bob.comment(issue)['id']}", json={"content": "Other"})
    yield records(housekeeper)
    housekeeper.execute("DELETE FROM projects; DELETE FROM users; DELETE FROM audit_events")


def records(owner: Owner) -> list[tuple[object, ...]]:
    """Every row of the three tables, and the rights to them."""
    found: list[tuple[object, ...]] = owner.execute(
        "SELECT relname, relacl::text, relowner, relrowsecurity, reltriggers FROM ("
        "SELECT *, (SELECT array_agg(tgenabled) FROM pg_trigger WHERE tgrelid = pg_class.oid) AS reltriggers "
        "FROM pg_class) c WHERE relname = ANY(%s) AND relkind = 'r' ORDER BY relname",
        (list(RECORDS),),
    ).fetchall()
    for table in RECORDS:
        found += owner.execute(f"SELECT t::text FROM {table} t ORDER BY id".encode()).fetchall()  # noqa: S608  # our own names
    return found


def tamper(role: psycopg.Connection[TupleRow], statements: list[str]) -> None:
    """Execute them all, and take them back where nothing stops them."""
    with role.transaction(force_rollback=True):
        for statement in statements:
            role.execute(statement.encode())


@pytest.mark.parametrize("attack", TAMPERING)
def test_records_stay_as_they_are(
    role: psycopg.Connection[TupleRow], kept: list[tuple[object, ...]], housekeeper: Owner, attack: str
) -> None:
    assert len(kept) == 2 * len(RECORDS)
    statements, name = TAMPERING[attack], housekeeper.info.user
    for table in RECORDS if any("{records}" in statement for statement in statements) else ("",):
        filled = [statement.replace("{records}", table).replace("{owner}", name) for statement in statements]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            tamper(role, filled)
    assert records(housekeeper) == kept


def test_a_record_is_added(role: psycopg.Connection[TupleRow], kept: list[tuple[object, ...]]) -> None:
    assert kept
    statement = (
        "INSERT INTO audit_events (id, action, outcome, ip, user_agent, request_id) "
        "VALUES (gen_random_uuid(), 'auth.login', 'failure', '', '', '')"
    )
    with role.transaction(force_rollback=True):
        assert role.execute(statement).rowcount == 1
