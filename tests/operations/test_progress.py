"""The bar: on a terminal of any width, with what its encoding can, and plain lines elsewhere."""

import io
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TextIO

import pytest

from operations.progress import Bar, draw
from tests.support.terminal import Terminal

Make = Callable[[int, str], tuple[TextIO, Callable[[], str]]]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Makes a terminal of so many columns and an encoding: what to write to, and what it has been sent."""
    monkeypatch.setenv("TERM", "xterm")
    with ExitStack() as opened:

        def make(columns: int, encoding: str) -> tuple[TextIO, Callable[[], str]]:
            made = opened.enter_context(Terminal(columns))
            return os.fdopen(made.file, "w", encoding=encoding, closefd=False), lambda: made.shown().decode(encoding)

        yield make


@pytest.mark.parametrize(("encoding", "full", "empty"), [("utf-8", "█", "░"), ("ascii", "#", ".")])
def test_a_terminal_sees_a_line_that_is_written_over(terminal: Make, encoding: str, full: str, empty: str) -> None:
    stream, shown = terminal(60, encoding)
    with Bar(stream) as bar:
        for done in (6, 12):
            bar("seeding", done, 12)
    half = f"  seeding  [{full * 12}{empty * 12}]  6 of 12"
    assert shown() == f"{half}\r  seeding  [{full * 24}]  12 of 12\r\n"


def test_a_step_that_does_not_end_leaves_nothing_behind(terminal: Make) -> None:
    stream, shown = terminal(60, "ascii")
    with Bar(stream) as bar:
        bar("seeding", 1, 2, " s")
        bar("seeding", 1, 2)
    first, second, *rest = shown().split("\r")
    shorter = second.rstrip()
    assert len(first) == len(second) > len(shorter)
    assert rest == [" " * len(shorter), ""]


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (5, "  see"),
        (25, "  seeding: 6 of 12"),
        (26, "  seeding  [##..]  6 of 12"),
        (30, "  seeding  [####....]  6 of 12"),
        (200, f"  seeding  [{'#' * 12}{'.' * 12}]  6 of 12"),
    ],
)
def test_no_line_is_wider_than_it_may_be(width: int, line: str) -> None:
    assert draw("seeding", 0.5, "6 of 12", width, ("#", ".")) == line


def _seed(stream: TextIO) -> None:
    with Bar(stream) as bar, Bar(stream, lines=False) as silent:
        for done in (1, 2):
            bar("seeding", done, 2)
            silent("hashing", done, 2)


def test_elsewhere_a_step_is_one_line_when_it_is_done() -> None:
    stream = io.StringIO()
    _seed(stream)
    assert stream.getvalue() == "  seeding: 2 of 2\n"


def test_a_terminal_that_cannot_write_over_a_line_gets_plain_ones(
    terminal: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, shown = terminal(80, "utf-8")
    monkeypatch.setenv("TERM", "dumb")
    _seed(stream)
    assert shown() == "  seeding: 2 of 2\r\n"
