"""The directory with the data of ``make run``, which one process at a time may use."""

import fcntl
import os
from pathlib import Path
from typing import IO

from local.errors import UsageError


def hold(directory: Path) -> IO[str]:
    """Make the directory if missing and hold it until the returned file is closed, if only by our end.

    Raises:
        UsageError: another process holds it, or it cannot be used.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (directory / "lock").open("a+", encoding="ascii")
    except OSError as error:
        raise UsageError(f"LOCAL_DATA_DIR: cannot use {directory}: {error.strerror}; name another directory") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip()
        file.close()
        raise UsageError(
            f"the data directory {directory} is in use by process {holder}; stop that, or LOCAL_DATA_DIR names another"
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file
