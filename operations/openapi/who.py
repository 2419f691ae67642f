"""Who may, in words, from the permission matrix."""

from collections.abc import Mapping

from shared.security.permissions import (
    ADMIN,
    ANYONE,
    ASSIGNEE,
    AUTHOR,
    CREATOR,
    DEVELOPER,
    MANAGER,
    MATRIX,
    REPORTER,
    SIGNED_IN,
    Permission,
    Standing,
)

STANDINGS: Mapping[Standing, str] = {
    DEVELOPER: "developers",
    MANAGER: "managers",
    ADMIN: "admins",
    CREATOR: "the project's creator",
    REPORTER: "the issue's reporter",
    ASSIGNEE: "the issue's assignee",
    AUTHOR: "the comment's author",
}
"""In the order in which they are told."""


def who(permission: Permission) -> str:
    """Such as "managers, admins and the project's creator"."""
    granted = MATRIX[permission]
    if granted >= ANYONE:
        return "everybody, signed in or not"
    if granted >= SIGNED_IN:
        return "everybody who is signed in"
    *others, last = [words for standing, words in STANDINGS.items() if standing in granted]
    return f"{', '.join(others)} and {last}" if others else f"{last} alone"
