"""How PostgreSQL answers every read of ``READS``: ``python -m benchmarks.plans URL`` explains them on filled data.

Nothing may go through a whole large table, or sort more than a page where an index should have the order.
"""

import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from benchmarks.reads import READS, Subjects, read
from shared.data.statements import Statement

LARGE = frozenset({"issues", "comments", "issue_history", "comment_revisions", "audit_events"})
SORTED = 400
"""Rows that may be sorted: a few pages, which PostgreSQL may well collect rather than look for in their order."""

EXCEPTIONS = {
    "/api/issues?sort=-priority,title": "an issue in two ties with the first: no index for every pair of sorts",
    "/api/issues?sort=status,-updated_at": "the same",
}
"""Reads that may sort what they like, and why."""

Node = Mapping[str, Any]


def faults(owner: psycopg.Connection[TupleRow], reads: Iterable[str] = READS) -> Iterator[str]:
    """One line for each read that PostgreSQL answers in a way that it must not.

    Raises:
        IndexError: the database is not filled.
    """
    subjects = Subjects.choose(owner)
    ((issues,),) = owner.execute("SELECT reltuples::integer FROM pg_class WHERE relname = 'issues'").fetchall()
    for path in reads:
        for node in _nodes(explain(owner, *read(path, subjects))):
            rows = _together(node)
            if node["Node Type"] == "Seq Scan" and node["Relation Name"] in LARGE:
                yield f"{path} goes through all of {node['Relation Name']}"
            elif "Sort" in node["Node Type"] and rows > _sortable(path, issues) and path not in EXCEPTIONS:
                yield f"{path} sorts {rows} rows by {', '.join(node['Sort Key'])}"


def explain(owner: psycopg.Connection[TupleRow], query: Statement, parameters: Mapping[str, Any]) -> Node:
    """The plan that the functions' connections use, one for all values, with what it came to for these."""
    names = list(dict.fromkeys(re.findall(rb"%\((\w+)\)s", query.text)))
    text = query.text
    for number, name in enumerate(names, start=1):
        text = text.replace(b"%%(%b)s" % name, b"$%d" % number)
    values = [sql.Literal(parameters[name.decode()]) for name in names]
    with owner.transaction():
        owner.execute("SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL max_parallel_workers_per_gather = 0")
        owner.execute(b"PREPARE asked AS " + text.replace(b"%%", b"%"))
        execute = sql.SQL("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE asked")
        ((plan,),) = owner.execute(execute + sql.SQL("({})").format(sql.SQL(", ").join(values))).fetchall()
        owner.execute("DEALLOCATE asked")
    found: Node = plan[0]["Plan"]
    return found


def _nodes(node: Node) -> Iterator[Node]:
    """The node and all below it that were executed."""
    if node["Actual Loops"]:
        yield node
        for child in node.get("Plans", ()):
            yield from _nodes(child)


def _together(node: Node) -> int:
    """The rows that a node read from its first child; of an incremental sort, those of one group."""
    child = next(iter(node.get("Plans", ())), node)
    groups: int = sum(node[kind]["Group Count"] for kind in ("Full-sort Groups", "Pre-sorted Groups") if kind in node)
    rows = float(child["Actual Rows"]) * int(child["Actual Loops"])
    return round(rows / max(groups, 1))


def _sortable(path: str, issues: int) -> int:
    """Fewer issues than this are collected to be sorted, where walking along the sort costs more (decision 0014)."""
    cost = 1.0 if "search=" in path else 0.04
    return max(SORTED, round(math.sqrt(20 * issues * cost)))


if __name__ == "__main__":
    with psycopg.connect(sys.argv[1], autocommit=True) as connection:
        lines = list(faults(connection))
    print("\n".join(lines) or f"{len(READS)} reads, none of which goes through a large table or sorts more than a page")
    sys.exit(1 if lines else 0)
