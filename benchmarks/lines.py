"""The lines that fill a database: texts, ids and times from one seed, in the order in which a tracker would write them.

Fields are in the text format of COPY; the vocabulary holds nothing that it would have to escape.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from shared.text import fold

SEED = 20_261_122
END = datetime(2026, 11, 1, tzinfo=UTC)
SPAN = timedelta(days=730)
START = END - SPAN
TITLE_WORDS, DESCRIPTION_WORDS, COMMENT_WORDS = (4, 8), (20, 60), (5, 30)
VOCABULARY = 20_000
SAMPLE = 1 << 20
"""Words drawn once, by Zipf's law; every text is a slice of them."""

STATUSES = {"open": 8, "in_progress": 5, "resolved": 25, "closed": 58, "reopened": 4}
PRIORITIES = {"low": 30, "medium": 50, "high": 16, "critical": 4}
ACTIONS = {
    "auth.refresh": 70,
    "auth.login": 20,
    "auth.logout": 5,
    "permission.denied": 4,
    "user.role_change": 0.5,
    "project.edit": 0.5,
}
"""Shares in percent."""

UNASSIGNED, DUE, EDITED = 0.25, 0.4, 0.02
"""Shares of the issues without an assignee, of those with a due date, and of the comments with a revision."""

NOTHING = r"\N"
_SYLLABLES = [consonant + vowel for consonant in "bcdfghjklmnprstvwz" for vowel in "aeiou"]
Line = tuple[str, ...]


@dataclass
class Lines:
    """Everything random. The same numbers of issues and comments give the same lines.

    ``users`` and ``projects`` are ids, without hyphens as PostgreSQL takes them too.
    """

    issues: int
    comments: int
    users: list[str]
    projects: list[str]
    usernames: list[str]
    random: Random = field(default_factory=lambda: Random(SEED))
    issue_ids: list[str] = field(default_factory=list)
    revised: list[Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        words = vocabulary(self.random)
        weights = itertools.accumulate(1 / rank for rank in range(1, len(words) + 1))
        self._words = self.random.choices(words, cum_weights=list(weights), k=SAMPLE)

    def issue_lines(self) -> Iterator[Line]:
        """In the order of their creation; it fills ``issue_ids``."""
        statuses, priorities = self._drawn(STATUSES), self._drawn(PRIORITIES)
        for created in self._times(self.issues):
            title = " ".join(self._text(*TITLE_WORDS)).capitalize()
            folded = fold(title)
            body = self._text(*DESCRIPTION_WORDS)
            description = " ".join(body)
            issue_id = uuid7(self.random, created)
            self.issue_ids.append(issue_id)
            due = (created + timedelta(days=self.random.randrange(180))).date() if self._is(DUE) else None
            yield (
                issue_id,
                self.random.choice(self.projects),
                title,
                folded,
                description,
                f"<p>{description}</p>",
                next(statuses),
                next(priorities),
                self.random.choice(self.users),
                NOTHING if self._is(UNASSIGNED) else self.random.choice(self.users),
                str(due) if due else NOTHING,
                str(created),
                str(
                    created
                    + min(timedelta(days=self.random.expovariate(1 / 20)), (END - created) * self.random.random())
                ),
                " ".join({*folded.split(), *body}),
            )

    def comment_lines(self) -> Iterator[Line]:
        """In the order of time, on issues of the last weeks; a tenth of the issues gets half, a few get hundreds."""
        for number, created in enumerate(self._times(self.comments)):
            issue = self._recent(number * self.issues // self.comments)
            draw = self.random.random()
            issue -= issue % 1000 if draw < 0.01 else issue % 10 if draw < 0.5 else 0
            content = " ".join(self._text(*COMMENT_WORDS))
            comment_id, updated = uuid7(self.random, created), created
            if self._is(EDITED):
                updated += timedelta(minutes=5)
                html = f"<p>{content}</p>"
                self.revised.append((uuid7(self.random, updated), comment_id, content, html, str(created)))
                content += " " + self.random.choice(self._words)
            author = self.random.choice(self.users)
            html = f"<p>{content}</p>"
            yield comment_id, self.issue_ids[issue], author, content, html, str(created), str(updated)

    def revision_lines(self) -> Iterator[Line]:
        """The earlier texts of the comments that were edited."""
        return iter(self.revised)

    def history_lines(self) -> Iterator[Line]:
        """Two changes of status for each issue, on average."""
        for number, at in enumerate(self._times(2 * self.issues)):
            issue = self.issue_ids[self._recent(number // 2)]
            actor = self.random.randrange(len(self.users))
            change = ("status", '"open"', '"in_progress"')
            yield uuid7(self.random, at), issue, str(at), self.users[actor], self.usernames[actor], *change

    def event_lines(self) -> Iterator[Line]:
        """As many events of the audit log as there are issues."""
        actions = self._drawn(ACTIONS)
        for at in self._times(self.issues):
            actor = self.random.randrange(len(self.users))
            target, request = self.random.choice(self.users), f"{self.random.getrandbits(128):032x}"
            who = (self.users[actor], self.usernames[actor], "user", target)
            origin = ("192.0.2.1", "Mozilla/5.0", request, "{}")
            yield uuid7(self.random, at), str(at), next(actions), "success", *who, *origin

    def _recent(self, newest: int) -> int:
        """The number of an issue, of those that are there at the time: mostly one of the last five weeks."""
        age = int(self.random.expovariate(20 / self.issues))
        return newest - age if age <= newest else self.random.randint(0, newest)

    def _times(self, count: int) -> Iterator[datetime]:
        """Evenly over the two years, each a little off."""
        step = SPAN / count
        for number in range(count):
            yield START + step * (number + self.random.random())

    def _text(self, low: int, high: int) -> list[str]:
        start = int(self.random.random() * (SAMPLE - high))
        return self._words[start : start + self.random.randint(low, high)]

    def _drawn(self, shares: Mapping[str, float]) -> Iterator[str]:
        while True:
            yield from self.random.choices(list(shares), list(shares.values()), k=1000)

    def _is(self, share: float) -> bool:
        return self.random.random() < share


def vocabulary(random: Random) -> list[str]:
    """Distinct words of two to four syllables, the most frequent first."""
    words: dict[str, None] = {}
    while len(words) < VOCABULARY:
        words["".join(random.choices(_SYLLABLES, k=random.randint(2, 4)))] = None
    return list(words)


def uuid7(random: Random, at: datetime) -> str:
    """A UUIDv7 (RFC 9562) of that moment, without hyphens."""
    bits = random.getrandbits(74)
    milliseconds = int(at.timestamp() * 1000)
    return f"{milliseconds:012x}7{bits & 0xFFF:03x}{0x8000000000000000 | (bits >> 12):016x}"
