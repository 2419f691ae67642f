"""Console sessions of the documents: played by bash, and what comes is held against what is written."""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

_CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
_VARYING = {
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}": r"[0-9a-f-]{36}",
    r"\d{4}-\d\d-\d\dT[\d:.]+Z": r"[\d:.T-]+Z",
    r"\b[0-9a-f]{32}\b": r"[0-9a-f]{32}",
    r"…": r"[^\"]+",
}
"""What differs from run to run: as a document has it, and what may be in its place."""
_SEPARATOR = "=== next ==="


class Command(NamedTuple):
    """A command as it is written, and what it says."""

    typed: str
    said: str


def console(text: str, section: str) -> list[Command]:
    """The commands of the first console session of a section."""
    found = _CONSOLE.search(text, text.index(f"## {section}\n"))
    assert found, section
    commands = []
    for block in re.split(r"^\$ ", found[1], flags=re.MULTILINE)[1:]:
        lines = block.rstrip("\n").split("\n")
        last = next(number for number, line in enumerate(lines) if not line.endswith("\\"))
        commands.append(Command("\n".join(lines[: last + 1]), "\n".join(lines[last + 1 :])))
    return commands


def play(commands: list[Command], directory: Path) -> list[str]:
    """What the commands say, in one shell."""
    script = "\n".join(f"{command.typed}\nprintf '\\n{_SEPARATOR}\\n'" for command in commands)
    played = subprocess.run(  # noqa: S603  # our own documents
        ["/bin/bash", "-e", "-o", "pipefail", "-c", script],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert played.stderr == ""
    return [said.strip("\n") for said in played.stdout.split(_SEPARATOR)[:-1]]


def fits(said: str, written: str) -> bool:
    """Whether what came is what is written, but for what differs from run to run."""
    return re.fullmatch(_pattern(written.strip("\n")), said) is not None


def _pattern(written: str) -> str:
    pieces = re.split(f"({'|'.join(_VARYING)})", written)
    return "".join(re.escape(piece) if number % 2 == 0 else _allowed(piece) for number, piece in enumerate(pieces))


def _allowed(piece: str) -> str:
    return next(allowed for varying, allowed in _VARYING.items() if re.fullmatch(varying, piece))
