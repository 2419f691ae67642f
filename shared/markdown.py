"""Markdown to HTML that is safe to put into a page as it is. Rendered when written, not when read."""

import re
from functools import cache, partial
from typing import TYPE_CHECKING

from shared.workers import Workers

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from nh3 import Cleaner

INLINE_TAGS = {"a", "br", "code", "em", "img", "s", "strong"}
BLOCK_TAGS = {"blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul"}
TABLE_TAGS = {"table", "tbody", "td", "th", "thead", "tr"}
ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "ol": {"start"},
    "code": {"class"},
    "td": {"style"},
    "th": {"style"},
}
VALUES = {"class": re.compile(r"language-\S*"), "style": re.compile(r"text-align:(left|center|right)")}
"""What the parser writes into these attributes; anything else in them is not its own."""
URL_SCHEMES = {"http", "https", "mailto"}

QUICK = 200
"""Characters that take less time to render, whatever they are, than other requests notice; more go to a thread."""
CELLS = 5_000
"""Cells that a text's tables may come to. The parser fills short rows up: 5,000 characters can ask for 65,000 cells."""
LONGEST = 150_000
"""Characters of HTML. One long address that is referred to a thousand times would come to three million."""
_SENTENCE = re.compile(r"[A-Za-z](?:[A-Za-z0-9 ,.;?!()]*[A-Za-z0-9,.;?!()])?")
"""One line in which nothing means anything to Markdown or HTML, as many a comment is: it needs no parser."""
_ADDRESS = re.compile(r"//|@")
"""Without one of these no text has an address in it."""
_DELIMITER_ROW = re.compile(r"[\s>]*[|:-][|:\s-]*")


async def rendered(markdown: str, workers: Workers, deadline: float) -> str:
    """The same as ``render``, without keeping other requests waiting.

    Raises:
        Problem: service_unavailable, when too many texts wait already, or it is not done by ``deadline``.
    """
    if len(markdown) <= QUICK:
        return workers.run_here(partial(render, markdown))
    async with workers.turn(deadline):
        return await workers.run(partial(render, markdown), deadline)


@cache
def _parser(*, plain: bool, linked: bool) -> "MarkdownIt":
    """Raw HTML is off, so that it is shown as text; imported here because only writing needs it.

    The plain one leaves out what can make much of little: tables and link reference definitions. The linked one looks
    for addresses in the text, which takes a third of the time.
    """
    from linkify_it import LinkifyIt  # type: ignore[import-untyped]  # it has no annotations
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "linkify": True})
    # A link needs a scheme: .md, .py and .rs are top-level domains, and README.md is no web site.
    parser.linkify = LinkifyIt(options={"fuzzy_link": False}).add("//", None)
    parser.enable(["table", "strikethrough", "linkify"])
    if not linked:
        parser.disable("linkify")
    return parser.disable(["table", "reference"]) if plain else parser


@cache
def _sanitiser() -> "Cleaner":
    from nh3 import Cleaner

    return Cleaner(
        tags=INLINE_TAGS | BLOCK_TAGS | TABLE_TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_value,
        url_schemes=URL_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )


def _most_cells(markdown: str) -> int:
    """A bound on the cells of all tables: as if every line were a row of the widest."""
    lines = markdown.replace("\r", "\n").split("\n")
    return len(lines) * max((line.count("|") + 1 for line in lines if _DELIMITER_ROW.fullmatch(line)), default=0)


def _value(_tag: str, attribute: str, value: str) -> str | None:
    allowed = VALUES.get(attribute)
    return value if allowed is None or allowed.fullmatch(value) else None


def render(markdown: str) -> str:
    """CommonMark with tables, strikethrough and autolinks as sanitised HTML.

    The sanitiser runs on the parser's output (OWASP: Cross Site Scripting Prevention), so that a fault of one is
    caught by the other. A text that would come to far more than it is gets neither tables nor link references.
    """
    if not markdown:
        return ""
    if _SENTENCE.fullmatch(markdown):
        return f"<p>{markdown}</p>"
    linked = _ADDRESS.search(markdown) is not None
    html: str = _parser(plain=_most_cells(markdown) > CELLS, linked=linked).render(markdown)
    if len(html) > LONGEST:
        html = _parser(plain=True, linked=linked).render(markdown)
    return _sanitiser().clean(html).strip()
