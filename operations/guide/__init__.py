"""The guide for people who use the API: ``python -m operations guide`` makes the page of docs/api.md."""

import argparse
from functools import cache
from pathlib import Path

from operations.console import fail, write
from operations.guide.blocks import refreshed
from operations.guide.page import page

SOURCE = Path(__file__).parents[2] / "docs" / "api.md"


@cache
def guide_page() -> bytes:
    """The page that the public entry serves.

    Raises:
        OSError: docs/api.md cannot be read.
    """
    return page(SOURCE.read_text(encoding="utf-8")).encode()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's options."""
    parser.add_argument("--output", type=Path, help="write to this file instead of standard output")
    parser.add_argument("--refresh", action="store_true", help="make the parts of docs/api.md anew that are made")


def run(args: argparse.Namespace) -> int:
    """Write the page, or refresh its source; 0, or 1 where a file cannot be read or written."""
    try:
        if args.refresh:
            return write("guide", refreshed(SOURCE.read_text(encoding="utf-8")), SOURCE)
        return write("guide", guide_page().decode(), args.output)
    except OSError as error:
        return fail("guide", f"cannot read {error.filename}: {error.strerror}", 1)
