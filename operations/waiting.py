"""What a command does that starts beside a PostgreSQL that is just starting: it waits, as long as it is told to."""

import argparse
import time
from collections.abc import Callable

from psycopg import pq
from psycopg.conninfo import make_conninfo

CONNECT_SECONDS = 2
PAUSE_SECONDS = 0.25
LONGEST = 86_400
NOT_YET = (pq.Ping.NO_RESPONSE, pq.Ping.REJECT)
"""Nobody listens, or nobody of that name is known; or PostgreSQL says that it is starting up."""


def add_wait(parser: argparse.ArgumentParser, what: str) -> None:
    """The option ``--wait``, which says for how long."""
    told = f"how long to wait for {what} (default: %(default)g)"
    parser.add_argument("--wait", type=_seconds, default=0.0, metavar="SECONDS", help=told)


def wait_for_postgres(url: str, seconds: float) -> None:
    """Wait until the PostgreSQL of ``url`` answers, at most so long; then whoever connects is told why not."""
    wait_until(lambda: answers(url), seconds)


def answers(url: str) -> bool:
    """Whether the PostgreSQL of ``url`` answers, with a refusal perhaps: a wrong password does not become right."""
    return pq.PGconn.ping(make_conninfo(url, connect_timeout=CONNECT_SECONDS).encode()) not in NOT_YET


def wait_until(is_so: Callable[[], bool], seconds: float) -> None:
    """Ask until it is so, at most so long; not even once where there is no time to wait."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not is_so():
        time.sleep(PAUSE_SECONDS)  # there is nothing that would tell us; the deadline is above


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= LONGEST:
        raise argparse.ArgumentTypeError(f"must be a number of seconds from 0 to {LONGEST}")
    return seconds
