"""What ends a command of this package early; the text of each is one line that says why."""


class UsageError(Exception):
    """The command was asked for wrongly; exit code 2."""


class DeliveryError(Exception):
    """It was asked for rightly and did not come about; exit code 1."""


class KubectlError(DeliveryError):
    """kubectl failed, or did not end in time."""


class StoppedError(DeliveryError):
    """A signal asked for the end."""
