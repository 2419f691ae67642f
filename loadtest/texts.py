"""What the developers write: enough words that searching finds something, and Markdown as people use it."""

import random

PARTS = ("Login", "Search", "Export", "Invoice", "Calendar", "Upload", "Report", "Menu", "Printer", "Notification")
SYMPTOMS = (
    "is slow after lunch",
    "forgets the last entry",
    "shows an empty page",
    "counts one too many",
    "times out behind the proxy",
    "ignores the time zone",
)
DESCRIPTIONS = (
    "It happens **every time** with more than {n} entries.\n\n1. open the page\n2. press *Save*\n3. wait\n",
    "Seen on {n} of our machines.\n\n```\nTimeoutError: no answer after {n} s\n```\n",
    "| version | result |\n| --- | --- |\n| 4.{n} | fine |\n| 5.{n} | ~~fine~~ broken |\n",
    "",
)
COMMENTS = (
    "I see it too, on build {n}.",
    "Cannot reproduce it any more, after {n} attempts. Which browser was it?",
    "> it happens every time\n\nOnly behind the proxy, see https://wiki.example/runbook/{n}.",
    "Fixed in `main`; the cause was a missing index.\n\n- test added\n- rolled out to {n} %\n",
)
PRIORITIES = ("low", "medium", "medium", "high", "high", "critical")


def title() -> str:
    """Of an issue."""
    return f"{random.choice(PARTS)} {random.choice(SYMPTOMS)}"


def description() -> str:
    """Of an issue; some have none."""
    return filled(DESCRIPTIONS)


def comment() -> str:
    """Of somebody who works on it."""
    return filled(COMMENTS)


def filled(texts: tuple[str, ...]) -> str:
    """One of the texts, with a number in it, so that no two need be the same."""
    return random.choice(texts).format(n=random.randint(2, 99))
