"""A load that rises in steps, beside the story: ``--locustfile loadtest/locustfile.py,loadtest/steps.py``.

Locust uses a shape wherever it finds one, so it is a file of its own.
"""

import time

from locust import LoadTestShape

from loadtest.options import Options


class Steps(LoadTestShape):
    """As many users as --steps says, each number for --step-seconds."""

    def tick(self) -> tuple[int, float] | None:
        """How many users there should be now. They come no faster than they are let in to sign in."""
        if self.runner is None:
            return None
        options = Options.read(self.runner.environment)
        step = int((time.perf_counter() - self.start_time) // options.step_seconds)
        return (options.steps[step], options.sign_ins / 60) if step < len(options.steps) else None
