"""The life of an issue: the status machine as data, and the rules that hang on it as pure functions."""

from collections.abc import Mapping

from shared.http.problems import Problem
from shared.vocabulary import STATUSES, PriorityName, StatusName

TRANSITIONS: Mapping[StatusName, frozenset[StatusName]] = {
    "open": frozenset({"in_progress"}),
    "in_progress": frozenset({"resolved"}),
    "resolved": frozenset({"closed", "reopened"}),
    "closed": frozenset({"reopened"}),
    "reopened": frozenset({"in_progress"}),
}


def allowed_statuses(status: StatusName) -> list[StatusName]:
    """Where an issue of this status may move, in the order of the statuses."""
    return [target for target in STATUSES if target in TRANSITIONS[status]]


def check_move(before: StatusName, after: StatusName) -> None:
    """Staying is always allowed and no move.

    Raises:
        Problem: invalid_transition, saying where it may go.
    """
    allowed = allowed_statuses(before)
    if after != before and after not in allowed:
        raise Problem(
            "invalid_transition",
            f"An issue that is {before} cannot become {after}.",
            members={"from": before, "to": after, "allowed": allowed},
        )


def needs_comment(
    before: StatusName, after: StatusName, priority_before: PriorityName, priority_after: PriorityName
) -> bool:
    """Whether this change closes an issue that is critical before or after it."""
    return before != after == "closed" and "critical" in (priority_before, priority_after)
