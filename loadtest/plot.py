"""Latency over load: ``python -m loadtest.plot report_stats_history.csv latency.svg`` (or .png)."""

import argparse
import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import fmean, median

PERCENTILES = ("50%", "95%", "99%")
SETTLING_SECONDS = 15
"""Left out at the start of a step: the sign-ins, and Locust's percentiles, which look back ten seconds."""
LEAST_SECONDS = 5
"""Fewer rows than this are no step, but users on their way."""


@dataclass(frozen=True, slots=True)
class Step:
    """What was measured while the number of users stayed the same."""

    users: int
    rate: float
    failures: float
    latency: dict[str, float]


def read_steps(path: Path) -> Iterator[Step]:
    """The steps of a run, from the history that Locust writes with ``--csv``: one row a second."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Name"] == "Aggregated" and row["50%"] != "N/A"]
    for users, group in groupby(rows, key=lambda row: int(row["User Count"])):
        step = list(group)
        started = int(step[0]["Timestamp"])
        settled = [row for row in step if int(row["Timestamp"]) >= started + SETTLING_SECONDS]
        if users and len(settled) >= LEAST_SECONDS:
            yield Step(
                users,
                fmean(float(row["Requests/s"]) for row in settled),
                fmean(float(row["Failures/s"]) for row in settled),
                {name: median(float(row[name]) for row in settled) for name in PERCENTILES},
            )
        elif users and len(step) >= LEAST_SECONDS:
            print(f"plot: {users} users are left out, {len(step)} s are too short", file=sys.stderr)


def draw(steps: list[Step], path: Path) -> None:
    """One line for each percentile, one point for each step; the ending of the path chooses the format."""
    # Imported here: it takes longer than all the rest.
    import matplotlib as mpl

    mpl.use("agg")  # before pyplot looks for a screen

    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 5))
    for name in PERCENTILES:
        axes.plot([step.rate for step in steps], [step.latency[name] for step in steps], "o-", label=f"p{name[:-1]}")
    for step in steps:
        place = (step.rate, step.latency[PERCENTILES[-1]])
        axes.annotate(f"{step.users} users", place, xytext=(0, 6), textcoords="offset points", ha="center", fontsize=8)
    axes.set(xlabel="requests/s", ylabel="latency in ms", title="Latency over load", yscale="log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)


def main() -> int:
    """Draw, and print the same as a table; 1 where the history cannot be read or is too short for a step."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.plot", description="Draw latency over load.")
    parser.add_argument("history", type=Path, metavar="HISTORY.csv", help="what Locust writes with --csv")
    parser.add_argument("plot", type=Path, metavar="PLOT.svg", help="what to draw; the ending chooses the format")
    args = parser.parse_args()
    history: Path = args.history
    plot: Path = args.plot
    try:
        steps = list(read_steps(history))
    except OSError as error:
        print(f"plot: cannot read {history}: {error.strerror}; make loadtest-steps writes one", file=sys.stderr)
        return 1
    if not steps:
        print(
            f"plot: {history} has no step of {SETTLING_SECONDS + LEAST_SECONDS} s or more; see --step-seconds",
            file=sys.stderr,
        )
        return 1
    print(f"{'users':>6}{'requests/s':>12}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'failures/s':>12}")
    for step in steps:
        latency = "".join(f"{step.latency[name]:>9.0f}" for name in PERCENTILES)
        print(f"{step.users:>6}{step.rate:>12.1f}{latency}{step.failures:>12.1f}")
    draw(steps, plot)
    print(f"drawn in {plot}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
