"""How far a command is: a bar on a terminal, elsewhere a line when a step is done.

It stands on the standard library alone: make shows with it how far the installation is, before any package is there.
"""

import os
import sys
from collections.abc import Callable
from typing import Self, TextIO

Progress = Callable[[str, int, int], None]
"""Called with the name of a step, how much of it is done, and how much there is."""

CELLS = 24
"""Of the bar, at most."""
FEWEST_CELLS = 4
"""A shorter bar would say nothing, so there is none."""
COLUMNS = 80
"""Of a terminal that does not say how wide it is."""
BLOCKS = ("█", "░")
ASCII = ("#", ".")


class Bar:
    """Shows steps one after another. What is left of one that did not end is wiped out when the bar is closed."""

    def __init__(self, stream: TextIO | None = None, *, lines: bool = True) -> None:
        """Show on ``stream``: standard output, unless another is given.

        Without ``lines`` only a terminal is told: for what says by itself that it is done.
        """
        self._stream = stream or sys.stdout
        self._lines = lines
        self._shown = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._write(" " * self._shown + "\r")

    def __call__(self, step: str, done: int, total: int, more: str = "") -> None:
        """So much of the step is done; ``more`` stands behind the numbers."""
        count = f"{done} of {total}{more}"
        is_done = done == total
        if is_terminal(self._stream):
            line = draw(step, done / total, count, _columns(self._stream) - 1, _cells(self._stream))
            # The cursor waits at the line's beginning: whoever else writes to the terminal writes over the bar.
            self._write(line.ljust(self._shown) + ("\n" if is_done else "\r"))
            self._shown = 0 if is_done else len(line)
        elif is_done and self._lines:
            self._write(f"  {step}: {count}\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def is_terminal(stream: TextIO) -> bool:
    """Whether a line of it can be written over."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def draw(step: str, share: float, count: str, width: int, cells: tuple[str, str]) -> str:
    """One line that is no longer than ``width``; without the bar where there is no room for it."""
    room = min(CELLS, width - len(f"  {step}  []  {count}"))
    if room < FEWEST_CELLS:
        return f"  {step}: {count}"[:width]
    full = int(room * share)
    return f"  {step}  [{cells[0] * full}{cells[1] * (room - full)}]  {count}"


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or COLUMNS
    except (OSError, ValueError):
        return COLUMNS


def _cells(stream: TextIO) -> tuple[str, str]:
    try:
        "".join(BLOCKS).encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return ASCII
    return BLOCKS
