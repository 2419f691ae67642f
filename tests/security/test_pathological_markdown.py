"""A description of 5,000 characters that a parser reads again and again, or that becomes far more HTML than it is text.

The parser is linear but for a few shapes; shared/markdown.py bounds the cells of tables, which it fills up, and what
definitions of links are repeated, and sends to a thread what takes longer than other requests notice.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from time import monotonic, process_time
from typing import TypeVar

import pytest

from shared.markdown import QUICK, render, rendered
from shared.workers import Workers
from tests.support.api import untraced

T = TypeVar("T")

LENGTH = 5000
SECONDS = 1.0
NOTICED = 40
"""How many times the time of an ordinary comment the event loop may stand still for a text: about 20 ms."""
ORDINARY = (
    "A **word** of it, some `code`, https://example.com/a?b=c and a list:\n\n- first\n- second\n\nThat is all.\n" * 2
)
HTML = 150_000
"""Characters that a text may become: a page of a hundred issues is to stay below some megabytes."""


def table(columns: int, delimiter: str, row: str, before: str = "", length: int = LENGTH) -> str:
    """A table with as many short rows as fit; the parser fills them up."""
    head = f"{before}{'|a' * columns}\n{before}{delimiter * columns}\n"
    return head + f"{before}{row}\n" * ((length - len(head)) // len(f"{before}{row}\n"))


def definition(target: str, link: str, length: int = LENGTH) -> str:
    """A link that is defined once, at half of the length, and used as often as fits."""
    start, _, end = target.partition("…")
    defined = f"[a]: {start}{'é' * (length // 2)}{end}\n\n"
    return defined + link * ((length - len(defined)) // len(link))


REPEATED = {
    "brackets": "[",
    "closed-brackets": "[]",
    "links-that-do-not-end": "[a](",
    "links-in-angle-brackets": "[a](<",
    "links-to-nothing": "[]()",
    "links-in-links": "[a][",
    "images": "![",
    "images-on-lines": "\n![",
    "images-that-do-not-end": "![](",
    "addresses": "http://",
    "addresses-with-a-bracket": "://[",
    "addresses-on-their-own": "http://a ",
    "addresses-in-angle-brackets": "<http:",
    "e-mail-addresses": "a@",
    "e-mail-addresses-in-angle-brackets": "<a@b>",
    "backticks": "`",
    "backticks-with-text": "``a",
    "fences": "```\n",
    "asterisks": "*",
    "emphasis": "_a",
    "strong-emphasis": "**a ",
    "emphasis-in-emphasis": "*a_",
    "strikethrough": "~~a",
    "quotes": ">",
    "lists": "- ",
    "numbered-lists": "1. ",
    "lists-in-lists": "- - ",
    "definitions": "[a]: /\n",
    "definitions-that-do-not-end": "[a]:\n",
    "pipes": "|a",
    "tags": "<",
    "comments": "<!--",
    "instructions": "<?",
    "character-data": "<![CDATA[",
    "backslashes": "\\",
    "ampersands": "&",
    "entities": "&a;",
    "quotation-marks": '"',
    "underlines": "a\n=\n",
    "tabs": "\t",
    "carriage-returns": "\r",
}
TEXTS = {
    **{name: (piece * LENGTH)[:LENGTH] for name, piece in REPEATED.items()},
    "backtick-strings-of-every-length": "".join(f"{'`' * number}a" for number in range(98))[:LENGTH],
    "quotes-in-quotes": ("> " * 2499 + "a"),
    "lists-ever-deeper": "".join(f"{'  ' * number}- a\n" for number in range(68))[:LENGTH],
    "brackets-round-a-link": "[" * 2490 + "](a)" + "]" * 2490,
    "table-of-short-rows": table(50, "|-", "a"),
    "table-of-the-most-cells": table(833, "|-", "a"),
    "table-of-aligned-cells": table(40, "|:-:", "a"),
    "table-of-as-many-aligned-cells-as-are-drawn": table(40, "|:-:", "a", length=720),
    "table-in-a-quote": table(50, "|-", "a", before="> "),
    "table-in-a-list": "- " + table(50, "|-", "a", before="  ").lstrip(),
    "many-tables": (table(20, "|-", "a", length=250) + "\n") * 19,
    "a-link-defined-at-length": definition("/…", "[a] "),
    "a-link-with-a-long-title": definition("/ '…'", "[a] "),
    "a-link-with-a-title-of-quotation-marks": definition("/ '…'", "[a] ").replace("é", '"'),
    "an-image-defined-at-length": definition("/…", "![a]"),
}


class Thread(Workers):
    """Says whether it was asked to work."""

    asked = False

    async def run(self, work: Callable[[], T], deadline: float) -> T:  # noqa: ARG002  # it works at once
        """Note it."""
        self.asked = True
        return work()


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_no_text_takes_long_or_becomes_much(text: str) -> None:
    assert len(text) <= LENGTH
    started = process_time()
    html = untraced(partial(render, text))
    assert process_time() - started < SECONDS
    assert len(html) < HTML


SHORT = {
    "brackets": "[" * QUICK,
    "addresses-with-a-bracket": ("://[" * QUICK)[:QUICK],
    "images-on-lines": ("\n![" * QUICK)[:QUICK],
    "lists-in-lists": ("- - " * QUICK)[:QUICK],
    "table-of-short-rows": table(60, "|-", "a", length=QUICK),
    "table-of-aligned-cells": table(40, "|:-:", "a", length=QUICK),
    "a-link-defined-at-length": definition("/…", "[a] ", QUICK),
}


def fastest(text: str, workers: Workers) -> float:
    """Seconds of processor time, the least of five."""
    times = []
    for _ in range(5):
        started = process_time()
        untraced(partial(asyncio.run, rendered(text, workers, monotonic() + 10)))
        times.append(process_time() - started)
    return min(times)


@pytest.mark.parametrize("text", SHORT.values(), ids=SHORT.keys())
def test_what_takes_longer_than_others_notice_is_rendered_in_a_thread(text: str) -> None:
    thread = Thread("markdown", 1)
    assert fastest(text, thread) < NOTICED * fastest(ORDINARY, Thread("markdown", 1)) or thread.asked
