"""Logs: one JSON object a line on standard output, each text of it redacted."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

from shared.observability.redaction import redact, redact_known

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}

CAUSES = 10
"""Exceptions of a chain that are told."""


class JsonFormatter(logging.Formatter):
    """A record as JSON; whatever was given as ``extra`` becomes a member."""

    def __init__(self, function: str) -> None:
        super().__init__()
        self._function = function

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            "function": self._function,
            **{name: value for name, value in record.__dict__.items() if name not in _STANDARD},
        }
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["traceback"] = _story(record.exc_info[1])
        return json.dumps({name: _shown(value) for name, value in line.items()})


def _shown(value: object) -> object:
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
    """Send every log line of the process to standard output; ``level`` is one of debug, info, warning, error."""
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
