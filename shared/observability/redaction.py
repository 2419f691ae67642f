"""The one redaction: what no log line, no answer to an error and no row of the audit log may hold."""

import re
from collections.abc import Iterable
from contextvars import ContextVar

REDACTED = "[redacted]"
SHORTEST = 4
"""Characters of the shortest value that is concealed: a password of one letter would blank the whole log."""

PATTERNS = {
    "JSON Web Token": r"eyJ[\w-]{1,500}(?:\.[\w-]*)+",
    "refresh token": r"(?<![\w-])[\w-]{43}(?![\w-])",
    "password hash": r"\$argon2[^\s\"']*",
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    "credentials of a URL": r"(?<=://)[^/@\s]*(?=@)",
    "credentials of a header": r"(?<=\bbearer )\S+|(?<=\bbasic )\S+",
    "named secret": r"(?<=password=)\S+|(?<=token=)\S+|(?<=secret=)\S+",
    "values of a row": r"(?<=^DETAIL:).*|(?<=^CONTEXT:).*",
}
"""What can be known by its looks."""

_KNOWN = re.compile(
    "|".join(f"(?:{pattern})" for pattern in PATTERNS.values()), re.IGNORECASE | re.DOTALL | re.MULTILINE
)
_PLAIN = re.compile(r"[\w/{}-]{0,42}")
"""What no pattern can be in: names, numbers and ids, of which most of a log is made."""
_concealed: ContextVar[tuple[str, ...]] = ContextVar("concealed", default=())


def conceal(values: Iterable[str]) -> None:
    """From now on in this request, these values are not shown: a password looks like nothing in particular."""
    spellings = {spelling for value in values for spelling in (value, repr(value)[1:-1]) if len(value) >= SHORTEST}
    _concealed.set((*_concealed.get(), *sorted(spellings, key=len, reverse=True)))


def redact(text: str) -> str:
    """The text without secrets and without what this request has concealed."""
    for value in _concealed.get():
        text = text.replace(value, REDACTED)
    return redact_known(text)


def redact_known(text: str) -> str:
    """The text without what can be known by its looks; for words of our own, which a client must not blank."""
    return text if _PLAIN.fullmatch(text) else _KNOWN.sub(REDACTED, text)
