"""How a list of issues finds its total and its page without looking at all of them (decisions 0011 and 0014)."""

from collections.abc import Mapping, Set
from typing import Literal, LiteralString

from psycopg.sql import Composable

from shared.data.documents import SEARCH, all_of, by, ordered, page_of
from shared.data.statements import Part, compose
from shared.http.paging import SortKeys

Filter = Literal[
    "project", "status", "statuses", "priority", "priorities", "assignee", "unassigned", "reporter", "search"
]
"""What a list can be filtered by. PostgreSQL plans for several values as if they were all there are, so that one value
is not asked for as several."""
Filters = Set[Filter]

COUNTED: Mapping[Filter, LiteralString] = {
    "project": "project_id = %(project)s",
    "status": "status = %(status)s",
    "statuses": "status = ANY(%(statuses)s::issue_status[])",
    "priority": "priority = %(priority)s",
    "priorities": "priority = ANY(%(priorities)s::issue_priority[])",
}
"""Conditions on columns that issues and their counts have alike."""
BY_USER: Mapping[Filter, LiteralString] = {
    "assignee": "assignee_id = %(assignee)s",
    "unassigned": "assignee_id IS NULL",
    "reporter": "reporter_id = %(reporter)s",
}
"""Conditions on whom an issue is of; there are counts by the one and by the other."""

SORTS = {
    "created_at": by("issues.created_at"),
    "updated_at": by("issues.updated_at"),
    "due_date": ("issues.due_date", "issues.due_date DESC NULLS LAST"),
    "priority": by("issues.priority"),
    "status": by("issues.status"),
    "title": by("issues.title_folded"),
}

_NOBODY: LiteralString = "'00000000-0000-0000-0000-000000000000'"
_PASSING, _PASSING_WITH_ROW = 0.04, 1.0
"""What it costs to pass an issue on the way along an index, in rows collected; the same where its row is looked at.

Measured at a million issues: some 0.15 µs for an entry of an index, 4 µs for a row.
"""
_IN_PROJECT, _OF_USER, _OF_NOBODY = 0.1, 0.03, 0.25
"""About the share of all issues that the index of a sort has to itself."""


def total(filters: Filters) -> Composable:
    """How many issues there are, as ``n``: from the counts, which know everything but a search or two users at once."""
    if "search" in filters or len(filters & BY_USER.keys()) > 1:
        return compose("SELECT count(*) AS n FROM issues WHERE {where}", where=all_of(_collecting(filters)))
    counted_by, user = "all", _NOBODY
    if "reporter" in filters:
        counted_by, user = "reporter", "%(reporter)s"
    elif filters & BY_USER.keys():
        counted_by, user = "assignee", "%(assignee)s" if "assignee" in filters else _NOBODY
    cell = [f"counted_by = '{counted_by}'", f"user_id = {user}", *_conditions(filters, COUNTED)]
    return compose("SELECT coalesce(sum(count), 0)::bigint AS n FROM issue_counts WHERE {cell}", cell=all_of(cell))


def page_ids(filters: Filters, sort: SortKeys, *, first: bool) -> Composable:
    """A statement for the ids of a page; ``first`` where nothing comes before it.

    Where the index of the sort is not that of the filters, too, there are two ways: along the sort, until the page is
    full, or collecting all that the filters leave, to sort that. The total decides, at each execution.
    """
    order = ordered(sort, SORTS, "issues.id")
    columns = ", ".join(["issues.id", *(SORTS[name][0] for name, _ in sort)])

    def along(where: Part) -> Composable:
        walk: LiteralString = "SELECT {columns} FROM issues WHERE {where} ORDER BY {order}"
        return page_of(compose(walk, columns=columns, where=where, order=order), "issues", first=first)

    if _is_along(filters, sort):
        return along(all_of(_collecting(filters)))
    few = compose(
        """
        (SELECT n::float8 * n FROM total)
        < {before} * {cost} * (SELECT reltuples FROM pg_class WHERE oid = 'issues'::regclass)
        """,
        before="%(limit)s" if first else "(%(limit)s + %(offset)s)",
        cost=str(_cost(filters, sort)),
    )
    # OFFSET 0 keeps PostgreSQL from walking here, too.
    collected = compose(
        "SELECT * FROM (SELECT {columns} FROM issues WHERE {where} AND {few} OFFSET 0) issues ORDER BY {order}",
        columns=columns,
        where=all_of(_collecting(filters)),
        few=few,
        order=order,
    )
    either = compose(
        "SELECT * FROM (({walked}) UNION ALL ({collected})) issues ORDER BY {order}",
        walked=along(compose("{where} AND NOT {few}", where=all_of(_walking(filters)), few=few)),
        collected=page_of(collected, "issues", first=first),
        order=order,
    )
    return page_of(either, "issues", first=True)


def _conditions(filters: Filters, table: Mapping[Filter, LiteralString]) -> list[LiteralString]:
    return [condition for name, condition in table.items() if name in filters]


def _walking(filters: Filters) -> list[LiteralString]:
    """Who walks looks for the words in the rows on the way: within coalesce no index is used for them."""
    found = [f"coalesce({SEARCH}, false)"] if "search" in filters else []
    return [*_conditions(filters, COUNTED), *_conditions(filters, BY_USER), *found]


def _collecting(filters: Filters) -> list[LiteralString]:
    """Who collects by words looks at the rows for the rest: an index of each would be read to its end."""
    where = [*_conditions(filters, COUNTED), *_conditions(filters, BY_USER)]
    if "search" not in filters:
        return where
    return [SEARCH, f"coalesce({all_of(where)}, false)"]


def _is_along(filters: Filters, sort: SortKeys) -> bool:
    """Whether one index has the filters and then the sort."""
    users = filters & BY_USER.keys()
    if filters - BY_USER.keys() - {"project"} or len(users) > 1:
        return False
    return not users or ("project" not in filters and sort[0][0] == "created_at")


def _cost(filters: Filters, sort: SortKeys) -> float:
    """The square of the number of issues below which they are collected: this, by the issues before and by all."""
    cost = _PASSING_WITH_ROW if "search" in filters else _PASSING
    users = filters & BY_USER.keys()
    if sort[0][0] == "created_at" and users:
        return cost * (_OF_NOBODY if users == {"unassigned"} else _OF_USER)
    return cost * (_IN_PROJECT if "project" in filters else 1)
