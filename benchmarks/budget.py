"""Where the processor time of a start goes: ``python -m benchmarks.budget`` starts each function, phase by phase."""

import json
import subprocess
import sys

from benchmarks.cost import median
from benchmarks.starts import FIRST
from benchmarks.subjects import FUNCTIONS, ROOT, compile_everything
from benchmarks.world import World, make_world

PHASES = ("interpreter", "imports", "settings and keys", "first connection", "first request")
ROUNDS = 5


def main() -> None:
    """Print a table: milliseconds of processor time in each phase, the middle of some rounds."""
    compile_everything()
    with make_world(issues=1000, comments=5000) as world:
        auth = world.start("auth")
        (token, *_) = world.sign_in(auth)
        auth.stop()
        print(f"| | {' | '.join(PHASES)} | all |\n|{' --- |' * (len(PHASES) + 2)}")
        for name in FUNCTIONS:
            rounds = [_start(world, name, token) for _ in range(ROUNDS)]
            parts = [[now - before for before, now in zip([0.0, *spent], spent, strict=False)] for spent in rounds]
            cells = [median(phase) for phase in zip(*parts, strict=True)] + [median([spent[-1] for spent in rounds])]
            print(f"| {name} | {' | '.join(f'{1000 * cell:.0f}' for cell in cells)} |")


def _start(world: World, name: str, token: str) -> list[float]:
    target = FIRST[name].format(issue=world.issues[0], project=world.projects[0])
    shown = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-m", "benchmarks.phases", name, target, token],
        cwd=ROOT,
        env=world.environ,
        check=True,
        capture_output=True,
        text=True,
    )
    found: list[float] = json.loads(shown.stderr)
    return found


if __name__ == "__main__":
    main()
