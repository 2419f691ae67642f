"""What ``make run`` says while it starts."""

import sys


def say(text: str) -> None:
    """A line of its own, at once."""
    print(text, flush=True)


def show(step: str, done: int, total: int) -> None:
    """How far a step is: one line that is written over on a terminal, a line when it is done elsewhere."""
    if sys.stdout.isatty():
        print(f"\r  {step}: {done} of {total}", end="\n" if done == total else "", flush=True)
    elif done == total:
        say(f"  {step}: {done} of {total}")
