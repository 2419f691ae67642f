"""Conditional requests (RFC 9110, section 13)."""

from hashlib import blake2b


def etag(representation: bytes) -> str:
    """The strong entity tag of what is shown. It depends on nothing else: not on who asks, not on the token."""
    return f'"{blake2b(representation, digest_size=16).hexdigest()}"'


def _tags(header: str) -> list[str]:
    return [tag.strip() for tag in header.split(",")]


def unchanged(if_none_match: str | None, tag: str) -> bool:
    """Whether the client has what would be sent: 304. Compared weakly, as the RFC says for ``If-None-Match``."""
    if if_none_match is None:
        return False
    tags = _tags(if_none_match)
    return tags == ["*"] or tag in [candidate.removeprefix("W/") for candidate in tags]


def may_change(if_match: str | None, tag: str) -> bool:
    """Whether the client has seen what it is about to change. Compared strongly: a weak tag never matches."""
    return if_match is None or _tags(if_match) == ["*"] or tag in _tags(if_match)
