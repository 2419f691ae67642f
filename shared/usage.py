"""``--help`` of a command that takes no arguments."""

import sys


def take_no_arguments(program: str, told: str) -> None:
    """Go on where none is given. ``--help`` is answered with what the command does, all others are refused.

    Raises:
        SystemExit: with 0 after ``--help``, 2 after any other argument.
    """
    if len(sys.argv) > 1:
        import argparse  # what is started without arguments has no use for it: a function's cold start

        argparse.ArgumentParser(prog=program, description=told).parse_args()
