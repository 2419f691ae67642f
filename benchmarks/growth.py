"""``make bench-growth``: what each operation costs at a hundred times the data, server and PostgreSQL together."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from benchmarks.cost import Subject, median, ratios
from benchmarks.reads import READS, Subjects
from benchmarks.report import Line, table
from benchmarks.subjects import FUNCTIONS, compile_everything
from benchmarks.work import ALL, Operation
from benchmarks.world import World, make_world

SIZES = {"small": (10_000, 50_000), "large": (1_000_000, 5_000_000)}
"""Issues and comments."""
ROUNDS = 5
SECONDS = 0.1
"""Of each operation, size and round; the processor's clocks are fine enough for that."""
FEWEST, WARM_UP = 3, 10
"""Requests; every connection of the pool has to prepare a statement first."""
GOAL = 2.0


def main() -> int:
    """Measure; 1 where an operation costs more than twice as much on the large data."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__.partition(": ")[2])
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY", help="keep the data here, for the next time")
    keep: Path | None = parser.parse_args().keep
    compile_everything()
    with ExitStack() as stack:
        served = {size: stack.enter_context(_served(size, keep)) for size in SIZES}
        lines = list(_compare(served))
    print(table(sorted(lines, key=lambda line: -line.ratio), {}))
    return 1 if any(line.verdict({}) for line in lines) else 0


def _count(subject: Subject, operation: Operation) -> int:
    rate = max(subject.run(operation, WARM_UP).rate for _ in range(2))
    return max(FEWEST, round(rate * SECONDS))


@contextmanager
def _served(size: str, keep: Path | None) -> Iterator[tuple[World, Subject]]:
    issues, comments = SIZES[size]
    with make_world(issues=issues, comments=comments, directory=keep / size if keep else None) as world:
        servers = [world.start(name) for name in FUNCTIONS]
        try:
            yield world, Subject(world, servers, world.sign_in(servers[0], ["admin"]))
        finally:
            for server in servers:
                server.stop()


def _compare(served: Mapping[str, tuple[World, Subject]]) -> Iterator[Line]:
    reads = {size: dict(_reads(world)) for size, (world, _) in served.items()}
    for name in (*ALL, *READS):
        operations = {size: ALL.get(name) or reads[size][name] for size in SIZES}
        costs: dict[str, list[float]] = {size: [] for size in SIZES}
        counts = {size: _count(subject, operations[size]) for size, (_, subject) in served.items()}
        for _ in range(ROUNDS):
            for size, (_, subject) in served.items():
                cost = subject.run(operations[size], counts[size])
                costs[size].append(cost.server + cost.postgres)
        shown = {size: f"{median(figures):.2f} ms" for size, figures in costs.items()}
        line = Line(name, GOAL, ratios(costs["large"], costs["small"]), shown["large"], shown["small"])
        print(f"{line.ratio:6.2f}  {name}", file=sys.stderr)
        yield line


def _reads(world: World) -> Iterator[tuple[str, Operation]]:
    with psycopg.connect(world.owner_url) as owner:
        subjects = vars(Subjects.choose(owner))
    for path in READS:
        yield path, _read(path.format(**subjects))


def _read(target: str) -> Operation:
    return lambda work: work.get(target.replace(" ", "+"))


if __name__ == "__main__":
    sys.exit(main())
