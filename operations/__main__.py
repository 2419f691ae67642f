"""``python -m operations COMMAND``: what an operator does with a deployment."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

COMMANDS = {
    "migrate": "bring the database to a revision of the schema",
    "seed": "write the demo into the database",
    "create-admin": "add an administrator",
    "secrets": "make the secrets of a deployment",
    "certificate": "make a self-signed certificate",
    "keys": "make, rotate or show the keys of access tokens",
    "connections": "compare what the functions may open with what PostgreSQL gives",
    "openapi": "print the description of the API",
    "guide": "print the guide to the API as a page",
}


def main(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code: 0 when done, 1 when it failed, 2 when it was asked for wrongly."""
    parser = argparse.ArgumentParser(prog="python -m operations", description="The commands that run Flycatcher.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    chosen = next((name for name in COMMANDS if arguments[:1] == [name]), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        # A module costs time to import and may need more than another: only the chosen one is.
        if name == chosen:
            module = import_module(f"operations.{name.replace('-', '_')}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    args = parser.parse_args(arguments)
    code: int = args.run(args)
    return code


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
