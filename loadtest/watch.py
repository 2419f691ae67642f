"""How much of the run is over, on a terminal; elsewhere Locust's own lines are enough."""

import sys
import time
from threading import Thread

from locust.env import Environment
from locust.runners import Runner

from loadtest.options import Options
from operations.progress import Bar, is_terminal

LOOK_SECONDS = 0.5


def watch(environment: Environment, options: Options) -> None:
    """Show it from the start of the test on, beside the users, where there is a terminal and an end."""
    seconds = run_seconds(environment, options)
    runner = environment.runner
    if seconds and runner and is_terminal(sys.stderr):
        thread = Thread(target=_show, args=(runner, seconds), daemon=True)
        environment.events.test_start.add_listener(lambda **_: thread.start())


def run_seconds(environment: Environment, options: Options) -> int:
    """How long the run lasts: until all steps are done, or as long as ``--run-time`` says; 0 without an end."""
    if environment.shape_class:
        return round(len(options.steps) * options.step_seconds)
    return int(environment.parsed_options.run_time or 0) if environment.parsed_options else 0


def _show(runner: Runner, seconds: int) -> None:
    begun = time.monotonic()
    with Bar(sys.stderr) as bar:
        while (passed := int(time.monotonic() - begun)) < seconds and runner.state not in ("stopping", "stopped"):
            bar("playing", passed, seconds, told(runner))
            time.sleep(LOOK_SECONDS)  # there is nothing else to do until the next look
        if passed >= seconds:
            bar("playing", seconds, seconds, told(runner))


def told(runner: Runner) -> str:
    """What follows the numbers of the bar."""
    return f" s, {runner.user_count} users, {runner.stats.num_requests} requests"
