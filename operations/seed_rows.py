"""The rows of the demo for a database, whose users and projects may have ids other than the demo's own."""

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from uuid import UUID

from operations.rows import Row
from operations.seed_demo import Issue, Project
from shared.markdown import render
from shared.text import fold, words


class UserRef(NamedTuple):
    """A user as the database has it."""

    id: UUID
    username: str


def project_row(project: Project, people: Mapping[str, UserRef]) -> Row:
    text = project.text
    return {
        "id": project.id,
        "name": text.name,
        "name_folded": fold(text.name),
        "description": text.description,
        "created_by": people[project.created_by].id,
        "created_at": project.created_at,
        "updated_at": project.updated_at,
        "is_archived": text.is_archived,
        "search": words(text.name, text.description),
    }


def issue_rows(
    every: list[Issue], people: Mapping[str, UserRef], places: Mapping[str, UUID]
) -> Iterator[tuple[str, Iterator[Row]]]:
    """The tables in the order in which they refer to each other."""
    yield "issues", (_issue_row(issue, people, places) for issue in every)
    yield "issue_history", (row for issue in every for row in _history_rows(issue, people))
    yield "comments", (row for issue in every for row in _comment_rows(issue, people))
    yield "comment_revisions", (row for issue in every for row in _revision_rows(issue))


def _issue_row(issue: Issue, people: Mapping[str, UserRef], places: Mapping[str, UUID]) -> Row:
    return {
        "id": issue.id,
        "project_id": places[issue.project],
        "title": issue.title,
        "title_folded": fold(issue.title),
        "description": issue.description,
        "description_html": render(issue.description),
        "status": issue.status,
        "priority": issue.priority,
        "reporter_id": people[issue.reporter].id,
        "assignee_id": people[issue.assignee].id if issue.assignee else None,
        "due_date": issue.due_date,
        "created_at": issue.created_at,
        "updated_at": issue.updated_at,
        "search": words(issue.title, issue.description),
    }


def _history_rows(issue: Issue, people: Mapping[str, UserRef]) -> Iterator[Row]:
    for change in issue.history:
        yield {
            "id": change.id,
            "issue_id": issue.id,
            "at": change.at,
            "actor_id": people[change.actor].id,
            "actor_username": people[change.actor].username,
            "field": change.field,
            "from": _history_value(change.field, change.before, people),
            "to": _history_value(change.field, change.after, people),
        }


def _history_value(field: str, value: str | None, people: Mapping[str, UserRef]) -> str:
    if field == "assignee" and value is not None:
        return json.dumps({"id": str(people[value].id), "username": people[value].username})
    return json.dumps(value)


def _comment_rows(issue: Issue, people: Mapping[str, UserRef]) -> Iterator[Row]:
    for comment in issue.comments:
        yield {
            "id": comment.id,
            "issue_id": issue.id,
            "author_id": people[comment.author].id,
            "content": comment.content,
            "content_html": render(comment.content),
            "created_at": comment.created_at,
            "updated_at": comment.edit[2] if comment.edit else comment.created_at,
        }


def _revision_rows(issue: Issue) -> Iterator[Row]:
    for comment in issue.comments:
        if comment.edit:
            revision_id, content, _ = comment.edit
            yield {
                "id": revision_id,
                "comment_id": comment.id,
                "content": content,
                "content_html": render(content),
                "created_at": comment.created_at,
            }
