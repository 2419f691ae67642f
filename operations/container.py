"""What a container runs: the function or the command that ``FUNCTION`` names: ``python -m operations.container``.

What follows the image's name on the command line goes to a command as its arguments.
"""

import os
import sys
from collections.abc import Sequence

from shared.settings import FUNCTION_NAMES, SettingsError, read_variable


def main(arguments: Sequence[str]) -> int:
    """Run it until it ends, and return its exit code; 2 where there is no such function, said in one line."""
    try:
        name = read_variable(os.environ, "FUNCTION", str)
    except SettingsError as error:
        return _refuse(error)
    # Imported here, and nothing else of either: what a container does not run costs its cold start nothing.
    if name in FUNCTION_NAMES and not _asks_for_help(arguments):
        if arguments:
            return _refuse(f"a function takes no arguments: {' '.join(arguments)}")
        from functions.__main__ import main as serve

        return serve()
    from operations.__main__ import COMMANDS
    from operations.__main__ import main as operate

    if name in COMMANDS:
        return operate([name, *arguments])
    there_is = ", ".join([*FUNCTION_NAMES, *COMMANDS])
    if _asks_for_help(arguments):
        print(f"usage: FUNCTION=NAME python -m operations.container [ARGUMENT]...\n\nRun what NAME says: {there_is}.")
        return 0
    problem = "is missing" if name is None else f"{name} is none of ours"
    return _refuse(f"FUNCTION {problem}; it is one of {there_is}")


def _asks_for_help(arguments: Sequence[str]) -> bool:
    return list(arguments) in (["-h"], ["--help"])


def _refuse(problem: object) -> int:
    print(f"flycatcher: {problem}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
