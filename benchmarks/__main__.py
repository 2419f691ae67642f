"""``make bench``: measure, compare with the floor and with what was recorded, and say what is worse."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

from benchmarks import cost, load, starts
from benchmarks.cost import Cost, Costs, Subject, median, ratios
from benchmarks.load import Round
from benchmarks.report import Line, plot, table
from benchmarks.starts import Start
from benchmarks.subjects import FLOOR, FUNCTIONS, ROOT, compile_everything
from benchmarks.work import Work
from benchmarks.world import World, make_world

OURS = "ours"
BASELINE = Path(__file__).with_name("baseline.json")
RESULTS = ROOT / ".bench"


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    issues: int
    comments: int
    rounds: int
    requests: int
    """Of each operation, subject and round."""
    load_requests: int
    load_seconds: float


WHOLE = Extent(10_000, 50_000, rounds=5, requests=500, load_requests=4000, load_seconds=3.0)
QUICK = Extent(2_000, 4_000, rounds=1, requests=20, load_requests=200, load_seconds=1.0)
"""Each part once, to see that it works; the figures mean nothing."""

CPU_GOAL, START_GOAL, MEMORY_GOAL, TAIL_GOAL, FLOOD_GOAL = 1.5, 1.5, 1.3, 5.0, 2.0


def main() -> int:
    """Measure; 1 where a goal is missed or a ratio has become worse by a fifth."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition(": ")[2])
    parser.add_argument("--record", action="store_true", help="make what is measured now the baseline")
    parser.add_argument("--quick", action="store_true", help="only see that every part works, and judge nothing")
    given = parser.parse_args()
    recording, extent = given.record, QUICK if given.quick else WHOLE
    compile_everything()
    with make_world(issues=extent.issues, comments=extent.comments) as world:
        costs, highest, latencies, token = _serve(world, extent)
        begun = starts.measure(world, token, extent.rounds)
    lines = [*_cost_lines(costs), *_start_lines(begun), *_latency_lines(highest, latencies)]
    baseline: dict[str, float] = {} if recording or not BASELINE.exists() else json.loads(BASELINE.read_text("utf-8"))
    report = table(lines, baseline)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "report.md").write_text(report + "\n", "utf-8")
    (RESULTS / "ratios.svg").write_text(plot(lines), "utf-8")
    print(f"{report}\n\nplot: {RESULTS / 'ratios.svg'}")
    if recording:
        recorded = {line.name: round(line.ratio, 2) for line in lines if line.recorded}
        BASELINE.write_text(json.dumps(recorded, indent=2) + "\n", "utf-8")
    return 1 if not given.quick and any(line.verdict(baseline) for line in lines) else 0


def _serve(world: World, extent: Extent) -> tuple[Mapping[str, Costs], float, list[Round], str]:
    servers = [world.start(name) for name in (*FUNCTIONS, FLOOR)]
    try:
        by_name = {server.name: server for server in servers}
        tokens = world.sign_in(by_name["auth"])
        subjects = {
            FLOOR: Subject(world, [by_name[FLOOR]], tokens),
            OURS: Subject(world, [by_name["issues"], by_name["comments"]], tokens),
        }
        costs = cost.measure(subjects, extent.rounds, extent.requests)
        ports = {server.name: server.port for server in servers}
        work = Work(world, tokens)
        highest, rounds = load.measure(
            ports, work, rounds=extent.rounds, total=extent.load_requests, seconds=extent.load_seconds
        )
        return costs, highest, rounds, tokens[0]
    finally:
        for server in servers:
            server.stop()


def _cost_lines(costs: Mapping[str, Costs]) -> Iterator[Line]:
    for name, by_subject in costs.items():
        ours, floor = by_subject[OURS], by_subject[FLOOR]
        found = ratios([run.server for run in ours], [run.server for run in floor])
        yield Line(name, CPU_GOAL, found, _told(ours), _told(floor))


def _told(runs: list[Cost]) -> str:
    server, postgres, rate, p50, p99 = (median(values) for values in zip(*map(astuple, runs), strict=True))
    return f"{server:.2f} ms, PostgreSQL {postgres:.2f} ms; {rate:.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms"


def _start_lines(begun: Mapping[str, list[Start]]) -> Iterator[Line]:
    cpu = {name: [start.cpu for start in runs] for name, runs in begun.items()}
    memory = {name: [start.memory for start in runs] for name, runs in begun.items()}
    wall = {name: [start.wall for start in runs] for name, runs in begun.items()}
    for name in FUNCTIONS:
        ours, floor = (
            f"{median(cpu[subject]):.2f} s; {median(wall[subject]):.2f} s by the clock" for subject in (name, FLOOR)
        )
        yield Line(f"cold start of {name}", START_GOAL, ratios(cpu[name], cpu[FLOOR]), ours, floor)
    for name in FUNCTIONS:
        ours, floor = (f"{median(memory[subject]):.0f} MiB" for subject in (name, FLOOR))
        yield Line(f"idle memory of {name}", MEMORY_GOAL, ratios(memory[name], memory[FLOOR]), ours, floor)


def _latency_lines(highest: float, rounds: list[Round]) -> Iterator[Line]:
    p50, p99, calm, flooded = (
        f"{median([result.percentile(share) for result in results]):.1f} ms"
        for results, share in (
            ([one.half for one in rounds], 0.50),
            ([one.half for one in rounds], 0.99),
            ([one.calm for one in rounds], 0.99),
            ([one.flooded for one in rounds], 0.99),
        )
    )
    guesses = sum(one.guesses for one in rounds)
    yield Line(
        "p99 of the mix at half of the highest load",
        TAIL_GOAL,
        [one.at_half for one in rounds],
        f"p99 {p99} at half of {highest:.0f}/s",
        f"p50 {p50}",
        recorded=False,
    )
    yield Line(
        f"p99 of the mix beside {load.FLOODERS} clients at the login",
        FLOOD_GOAL,
        [one.in_flood for one in rounds],
        f"{flooded} beside {guesses} guesses",
        f"calm {calm} at {highest * load.FLOOD_SHARE:.0f}/s",
        recorded=False,
    )


if __name__ == "__main__":
    sys.exit(main())
