"""Logs: one JSON object a line on standard output, each text of it redacted."""

import json
import logging
import os
import sys
import time
import traceback
from functools import lru_cache
from typing import Any

from shared.observability.redaction import redact, redact_known

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}

PLATFORM = {"service": "K_SERVICE", "revision": "K_REVISION"}
"""What Knative tells a container of itself: which rollout wrote a line. Elsewhere no line has these members."""
CAUSES = 10
"""Exceptions of a chain that are told."""


class JsonFormatter(logging.Formatter):
    """A record as JSON; whatever was given as ``extra`` becomes a member."""

    def __init__(self, function: str) -> None:
        super().__init__()
        given = {member: os.environ.get(variable, "") for member, variable in PLATFORM.items()}
        self._writer = {"function": function, **{member: text for member, text in given.items() if text}}

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": f"{_second(int(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "message": redact_known(record.getMessage()),
            **self._writer,
        }
        for name, value in record.__dict__.items():
            if name not in _STANDARD:
                line[name] = _shown(value)
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["traceback"] = redact_known(_story(record.exc_info[1]))
        return json.dumps(line)


@lru_cache(8)
def _second(moment: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))


def _shown(value: Any) -> Any:
    return value if value is None or isinstance(value, int | float) else redact_known(str(value))


def _story(error: BaseException | None) -> str:
    """The exception and what caused it, the first cause first: frames as they are, words without what was sent."""
    told: list[str] = []
    while error and len(told) < CAUSES:
        frames = traceback.format_tb(error.__traceback__)
        told.insert(0, "".join([*frames, redact("".join(traceback.format_exception_only(error)))]))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(told)


def configure_logging(function: str, level: str) -> None:
    """Send every log line of the process to standard output; ``level`` is one of debug, info, warning, error.

    No line shows where in the code it was written, or by which thread, so that nothing has to find that out.
    """
    for detail in ("logThreads", "logProcesses", "logMultiprocessing", "logAsyncioTasks"):
        setattr(logging, detail, False)
    logging._srcfile = None  # as Python's logging HOWTO has it
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(function))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
    for name in ("psycopg", "psycopg.pool", "asyncio"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
