"""What ``make run`` says while it starts."""


def say(text: str) -> None:
    """A line of its own, at once."""
    print(text, flush=True)
