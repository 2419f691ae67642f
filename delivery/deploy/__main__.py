"""Bring a release to the cluster of the present context, by steps, and take all back where one fails."""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

from delivery.deploy.errors import DeliveryError, StoppedError, UsageError
from delivery.deploy.kubectl import Kubectl
from delivery.deploy.release import Image, chosen, divide, render
from delivery.deploy.rollout import Rollout, Times

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""What ends a job of CI, and a person's Ctrl-C or closed terminal."""


def main(arguments: Sequence[str]) -> int:
    """Deploy; 0 when the release serves, 1 when it failed (what was before serves), 2 when it was asked for wrongly."""
    parser = argparse.ArgumentParser(prog="python -m delivery.deploy", description=__doc__)
    parser.add_argument("--image", required=True, help="REGISTRY/flycatcher:TAG@sha256:DIGEST")
    parser.add_argument("--overlay", default="production", help="of knative/overlays (default: %(default)s)")
    parser.add_argument("--functions", default="", help="these alone, with commas between; the schema stays as it is")
    parser.add_argument("--dry-run", action="store_true", help="print what would be applied, and ask no cluster")
    for name, told in (
        ("pause", "how long each step of the traffic is watched"),
        ("poll", "the time between two questions to the cluster"),
        ("watch", "the time between two looks at a step of the traffic"),
        ("within", "how long a revision may take to be ready, and traffic to move"),
        ("smoke", "how long a new candidate may take to answer well"),
    ):
        help_ = f"{told} (default: %(default)g)"
        parser.add_argument(f"--{name}", type=_seconds, default=getattr(Times, name), metavar="SECONDS", help=help_)
    args = parser.parse_args(arguments)
    try:
        image, functions = Image.parse(args.image), chosen(args.functions)
        rendering = render(args.overlay, image)
        if args.dry_run:
            print(rendering, end="")
            return 0
        release = divide(rendering, image.tag, functions)
        times = Times(args.pause, args.poll, args.watch, args.within, args.smoke)
        return _roll_out(Rollout(release, Kubectl(release.namespace), times, _Clock()))
    except UsageError as error:
        print(f"deploy: {error}", file=sys.stderr)
        return 2
    except DeliveryError as error:
        print(f"deploy: {error}", file=sys.stderr)
        return 1


def _roll_out(rollout: Rollout) -> int:
    former = {number: signal.signal(number, _stop) for number in SIGNALS}
    try:
        rollout.run()
    except BaseException as error:  # whatever it is, what serves must be what was before
        for number in SIGNALS:
            signal.signal(number, _be_deaf)
        rollout.say(f"going back: {error or type(error).__name__}")
        is_back = rollout.back()
        if isinstance(error, DeliveryError):
            print(f"deploy: {error}" + ("" if is_back else " (and what serves has to be looked at)"), file=sys.stderr)
            return 1
        raise
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    rollout.say("done")
    return 0


def _stop(number: int, _: FrameType | None) -> None:
    # A second signal would end the way back.
    for each in SIGNALS:
        signal.signal(each, _be_deaf)
    raise StoppedError(f"stopped by {signal.Signals(number).name}")


def _be_deaf(_: int, __: FrameType | None) -> None:
    """Hear no signal while going back: it takes seconds."""


class _Clock:
    """Print lines with the seconds since the start before them."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, text: str) -> None:
        # A terminal that was closed is no reason not to go back.
        with suppress(OSError):
            print(f"{time.monotonic() - self._start:7.1f} s  {text}", flush=True)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError("must be a number of seconds from 0 to 86400")
    return seconds


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
