"""What a version promises, by Semantic Versioning 2.0.0 (semver.org)."""

import re
from typing import NamedTuple

_PATTERN = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


class Version(NamedTuple):
    """MAJOR.MINOR.PATCH; the order of versions is that of the tuples."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> "Version":
        """The version of a text such as ``1.4.0``.

        Raises:
            ValueError: it is no such text.
        """
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no version: write MAJOR.MINOR.PATCH")
        return cls(*map(int, match.groups()))


def may_break(base: str, now: str) -> bool:
    """Whether the step from one version to the other announces that clients may break.

    That takes a new major version (item 8), and a new minor one before 1.0.0, when nothing is promised yet (item 4).

    Raises:
        ValueError: one of them is no version.
    """
    before, after = Version.parse(base), Version.parse(now)
    if before.major == after.major == 0:
        return after.minor > before.minor
    return after.major > before.major
