"""Markdown of ours as a page: with a table of contents, an address for each heading, and nothing that runs."""

import re
from collections.abc import Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

from shared.docs import DOCS_PATH, GUIDE_STYLE_PATH, ICON_PATH

_COMMENT = re.compile(r"<!-- .*? -->\n")
_SLUG = re.compile(r"[^\w -]")
_WIDE = {"table_open": "Table", "fence": "Example"}
"""What may be wider than a narrow screen scrolls by itself, by keyboard too (WCAG 2.1.1): how it is called."""
_ENDS = {"table_close", "fence"}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="stylesheet" href="{style}">
<link rel="icon" type="image/png" href="{icon}">
</head>
<body>
<a class="skip" href="#guide">To the text</a>
<header><a href="{docs}">Reference</a></header>
<nav aria-label="Contents">
<ul>
{contents}
</ul>
</nav>
<main id="guide" tabindex="-1">
{text}
</main>
</body>
</html>
"""


def page(markdown: str) -> str:
    """The page of a text, whose first heading is its title."""
    parser = MarkdownIt("commonmark").enable("table")
    tokens = parser.parse(_COMMENT.sub("", markdown))
    headings = [(token, tokens[at + 1].content) for at, token in enumerate(tokens) if token.type == "heading_open"]
    for token, text in headings:
        token.attrSet("id", slug(text))
    return _PAGE.format(
        title=escape(headings[0][1]),
        style=GUIDE_STYLE_PATH,
        icon=ICON_PATH,
        docs=DOCS_PATH,
        contents="\n".join(
            f'<li><a href="#{slug(text)}">{escape(text)}</a></li>' for token, text in headings if token.tag == "h2"
        ),
        text=parser.renderer.render(_scrolling(tokens), parser.options, {}),
    )


def slug(heading: str) -> str:
    """What GitHub makes of a heading, so that a link leads to the same place on both."""
    return _SLUG.sub("", heading.lower()).replace(" ", "-")


def _scrolling(tokens: Sequence[Token]) -> list[Token]:
    """The same with a box that scrolls round everything that may be wide."""
    made: list[Token] = []
    for token in tokens:
        if name := _WIDE.get(token.type):
            made.append(_html(f'<div class="wide" role="group" aria-label="{name}" tabindex="0">'))
        made.append(token)
        if token.type in _ENDS:
            made.append(_html("</div>\n"))
    return made


def _html(content: str) -> Token:
    return Token("html_block", "", 0, content=content)
