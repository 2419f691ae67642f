"""Markdown to HTML that is safe to put into a page as it is. Rendered when written, not when read."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

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
STYLES = {"text-align"}
URL_SCHEMES = {"http", "https", "mailto"}


@cache
def _parser() -> "MarkdownIt":
    """Raw HTML is off, so that it is shown as text; imported here because only writing needs it."""
    from linkify_it import LinkifyIt  # type: ignore[import-untyped]  # it has no annotations
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "linkify": True})
    # A link needs a scheme: .md, .py and .rs are top-level domains, and README.md is no web site.
    parser.linkify = LinkifyIt(options={"fuzzy_link": False}).add("//", None)
    return parser.enable(["table", "strikethrough", "linkify"])


def render(markdown: str) -> str:
    """CommonMark with tables, strikethrough and autolinks as sanitised HTML.

    The sanitiser runs on the parser's output (OWASP: Cross Site Scripting Prevention), so that a fault of one is
    caught by the other.
    """
    if not markdown:
        return ""
    import nh3

    return nh3.clean(
        _parser().render(markdown),
        tags=INLINE_TAGS | BLOCK_TAGS | TABLE_TAGS,
        attributes=ATTRIBUTES,
        filter_style_properties=STYLES,
        url_schemes=URL_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    ).strip()
