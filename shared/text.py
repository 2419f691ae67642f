"""How text is compared and searched.

Decided here, not by the database's locale, so that every server agrees (decision 0003).
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby

_WORD = re.compile(r"[^\W_]+")
SEARCH_LENGTH = 200
"""Longest search, in code points; no longer prefix of a word can ever be asked for, so none is indexed."""


def nfc(text: str) -> str:
    """Normalization Form C (UAX #15), in linear time.

    unicodedata sorts a run of combining marks by insertion: half a megabyte of them would take it minutes.
    """
    if unicodedata.is_normalized("NFC", text):
        return text
    return unicodedata.normalize("NFC", "".join(_in_canonical_order(text)))


def _in_canonical_order(text: str) -> Iterator[str]:
    decomposed = (part for character in text for part in unicodedata.normalize("NFD", character))
    for _, run in groupby(decomposed, lambda character: unicodedata.combining(character) > 0):
        yield from sorted(run, key=unicodedata.combining)


def fold(text: str) -> str:
    """The form in which two texts that differ only in case are equal (Unicode default caseless matching)."""
    return nfc(nfc(text).casefold())


def words(*texts: str | None) -> list[str]:
    """The distinct words of the texts, folded and sorted. A word is a run of Unicode letters and digits."""
    return sorted({word[:SEARCH_LENGTH] for text in texts if text for word in _WORD.findall(fold(text))})


def prefix_query(search: str) -> str | None:
    """A ``tsquery`` that every word of ``search`` begins a word, or None where there is no word in it.

    Words hold letters and digits alone, so nothing in them is an operator of the query language.
    """
    return " & ".join(f"{word}:*" for word in words(search)) or None
