"""A terminal that tests write to, and what it was sent."""

import fcntl
import os
import pty
import struct
import termios
from types import TracebackType
from typing import Self

_END = b"\0"
"""What nothing of ours sends."""
_LINES = 24


class Terminal:
    """``file`` is what a program writes to as it does to a terminal."""

    def __init__(self, columns: int = 80) -> None:
        self._ours, self.file = pty.openpty()
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, columns, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _tb: TracebackType | None
    ) -> None:
        os.close(self._ours)
        os.close(self.file)

    def shown(self) -> bytes:
        """All that it was sent since the last time; the kernel hands it on in pieces, when it gets to it."""
        os.write(self.file, _END)
        sent = b""
        while not sent.endswith(_END):
            sent += os.read(self._ours, 65_536)
        return sent.removesuffix(_END)
