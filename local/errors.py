"""What stops ``make run``."""


class StartError(Exception):
    """``make run`` cannot go on; the text is one line for the person who started it."""


class UsageError(StartError):
    """The start was asked for in a way that cannot work: a setting, a port, a directory."""
