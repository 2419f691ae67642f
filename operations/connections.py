"""Whether PostgreSQL has enough connections for every function at full scale: ``python -m operations connections``."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg

from operations.console import finish, owner_url
from shared.settings import FUNCTION_NAMES, FunctionName, SettingsError, read_pool_size

MAX_SCALE: Mapping[FunctionName, int] = {"auth": 4, "projects": 2, "issues": 8, "comments": 4}
"""Instances of each function at full scale, unless said otherwise; with the default pool they fit into PostgreSQL's
default of 100 connections. During a rollout two revisions share this number: traffic moves, it does not double."""
OPERATIONS = 5
"""Connections for a migration, a backup, and an operator who looks what is wrong."""


_AVAILABLE = """
    SELECT current_setting('max_connections')::int - coalesce(sum(setting::int), 0)
    FROM pg_settings WHERE name IN ('superuser_reserved_connections', 'reserved_connections')
"""
"""PostgreSQL has the second kind of reserve from 16 on."""


class TooManyError(Exception):
    """The functions may open more connections than there are; the text says how many."""


@dataclass(frozen=True)
class Budget:
    """What may be opened."""

    instances: Mapping[FunctionName, int]
    pool_size: int

    @property
    def functions(self) -> int:
        """Connections of all functions at full scale."""
        return sum(self.instances.values()) * self.pool_size

    @property
    def total(self) -> int:
        """Connections of everybody."""
        return self.functions + OPERATIONS

    def lines(self) -> list[str]:
        """The sum, a line for each part."""
        parts = [
            (f"{name}: {count} instances with {self.pool_size} each", count * self.pool_size)
            for name, count in self.instances.items()
        ]
        return [f"{what:40}{number:5}" for what, number in [*parts, ("operations", OPERATIONS), ("in all", self.total)]]


def available(url: str) -> int:
    """Connections that PostgreSQL gives to other roles than superusers.

    Raises:
        psycopg.Error: it cannot be asked.
    """
    with psycopg.connect(url) as connection:
        row = connection.execute(_AVAILABLE).fetchone()
    assert row is not None  # noqa: S101  # an aggregate has a row
    return int(row[0])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    scale = ", ".join(f"{name}={count}" for name, count in MAX_SCALE.items())
    parser.description = "Compare what the functions may open with what the PostgreSQL of DATABASE_OWNER_URL gives."
    parser.add_argument(
        "--instances",
        metavar="FUNCTION=COUNT",
        action="append",
        default=[],
        help=f"instances of a function at full scale; may be given for each (default: {scale})",
    )


def run(args: argparse.Namespace) -> int:
    """The command: 0 when all fits, 1 when not or PostgreSQL fails, 2 when something given to it is wrong."""

    def work() -> str:
        budget = Budget({**MAX_SCALE, **_instances(args.instances)}, read_pool_size(os.environ))
        spare = available(owner_url()) - budget.total
        told = "\n".join([*budget.lines(), f"{'PostgreSQL gives':40}{spare + budget.total:5}"])
        if spare < 0:
            print(told)
            raise TooManyError(f"{-spare} too many; lower DATABASE_POOL_SIZE or the scale, or raise max_connections")
        return f"{told}\nall fit, {spare} to spare"

    return finish("connections", work, TooManyError)


def _instances(given: Sequence[str]) -> dict[FunctionName, int]:
    instances: dict[FunctionName, int] = {}
    for part in given:
        name, _, count = part.partition("=")
        if name not in FUNCTION_NAMES or not (count.isascii() and count.isdigit()):
            raise SettingsError(f"--instances {part}: must be one of {', '.join(FUNCTION_NAMES)}, = and a number")
        instances[name] = int(count)
    return instances
