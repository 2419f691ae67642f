"""One deployment for the faults of a file, and the table of what was seen, printed at the end."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.faults.instances import functions, manager, owner, patient, race, running, staff, strict
from tests.support.stack import Stack, make_stack

__all__ = ["functions", "manager", "owner", "patient", "race", "running", "staff", "strict"]

ROWS = pytest.StashKey[list["Row"]]()


@dataclass(frozen=True)
class Row:
    """What was seen of one fault."""

    fault: str
    answers: str
    slowest: float
    """Seconds."""
    recovery: float
    """Seconds from the mending to the first moment from which all succeeds."""


@pytest.fixture(scope="session")
def rows(pytestconfig: pytest.Config) -> list[Row]:
    """What was seen so far."""
    return pytestconfig.stash.setdefault(ROWS, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    seen = config.stash.get(ROWS, [])
    if not seen:
        return
    terminalreporter.section("faults")
    terminalreporter.line("| fault | answers while it lasted | slowest | recovery |")
    terminalreporter.line("| --- | --- | --- | --- |")
    for row in seen:
        terminalreporter.line(f"| {row.fault} | {row.answers} | {row.slowest:.2f} s | {row.recovery:.2f} s |")


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A deployment of the file's own."""
    with make_stack() as made:
        yield made
