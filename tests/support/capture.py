"""Answers of the running API as examples: what differs from run to run makes way for what does not."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_TAG = re.compile(r'(?<=\\")[0-9a-f]{32}(?=\\")')
"""What is within the quotation marks of an entity tag, as JSON has it."""
_TIME = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_BEGIN = datetime(2026, 11, 23, 8, 0, 0, 120_000, tzinfo=UTC)
_STEP = timedelta(minutes=7, seconds=41, microseconds=613_077)
_LIVES = timedelta(hours=1)
"""What is further ahead than this is the end of a session's life."""
_WEEK = timedelta(days=7)
SECRETS = {
    "access_token": "header.payload.signature",
    "refresh_token": "the-refresh-token",
    "kid": "the-thumbprint-of-the-key",
    "n": "the-modulus",
}
"""Members whose values nobody has to see, or that no run has twice."""


def stable(captured: dict[str, Any]) -> dict[str, Any]:
    """The same with other ids, times and secrets: always the same ones, alike where they were alike, in their order."""
    text = json.dumps(_hidden(captured))
    text = _replaced(text, _ID, _id)
    text = _replaced(text, _TAG, lambda number: sha256(str(number).encode()).hexdigest()[:32])
    times = sorted({datetime.fromisoformat(found) for found in _TIME.findall(text)})
    shown = {time: _time(time, rank) for rank, time in enumerate(times)}
    text = _TIME.sub(lambda found: shown[datetime.fromisoformat(found[0])], text)
    made: dict[str, Any] = json.loads(text)
    return made


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: SECRETS[name] if name in SECRETS else _hidden(member) for name, member in value.items()}
    return [_hidden(item) for item in value] if isinstance(value, list) else value


def _replaced(text: str, pattern: re.Pattern[str], other: Callable[[int], str]) -> str:
    seen: dict[str, str] = {}
    return pattern.sub(lambda found: seen.setdefault(found[0], other(len(seen))), text)


def _id(number: int) -> str:
    """A UUIDv7 (RFC 9562) of our own time."""
    milliseconds = int((_BEGIN + number * _STEP).timestamp() * 1000)
    digits = f"{milliseconds:012x}7{sha256(str(number).encode()).hexdigest()}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-8{digits[17:20]}-{digits[20:32]}"


def _time(time: datetime, rank: int) -> str:
    shown = _BEGIN + rank * _STEP + (_WEEK if time > datetime.now(UTC) + _LIVES else timedelta())
    return shown.isoformat().replace("+00:00", "Z")
