"""Markdown: what it becomes, and what never comes out of it."""

import re
from html.parser import HTMLParser
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from shared.markdown import render
from tests.support.people import People

REL = 'rel="noopener noreferrer nofollow"'
RENDERED = {
    "": "",
    "a *b* **c** `d`": "<p>a <em>b</em> <strong>c</strong> <code>d</code></p>",
    "~~gone~~": "<p><s>gone</s></p>",
    "# One\n\n###### Six": "<h1>One</h1>\n<h6>Six</h6>",
    "> quoted": "<blockquote>\n<p>quoted</p>\n</blockquote>",
    "- one\n- two": "<ul>\n<li>one</li>\n<li>two</li>\n</ul>",
    "7. one\n8. two": '<ol start="7">\n<li>one</li>\n<li>two</li>\n</ol>',
    "one  \ntwo\nthree": "<p>one<br>\ntwo\nthree</p>",
    "---": "<hr>",
    "```python\nif a < b:\n```": '<pre><code class="language-python">if a &lt; b:\n</code></pre>',
    "[x](https://a.example/b 'T')": f'<p><a href="https://a.example/b" title="T" {REL}>x</a></p>',
    "[x](/api/docs)": f'<p><a href="/api/docs" {REL}>x</a></p>',
    "![cat](https://a.example/c.png)": '<p><img src="https://a.example/c.png" alt="cat"></p>',
    "|a|b|\n|-|:-:|\n|1|2|": (
        '<table>\n<thead>\n<tr>\n<th>a</th>\n<th style="text-align:center">b</th>\n</tr>\n</thead>\n'
        '<tbody>\n<tr>\n<td>1</td>\n<td style="text-align:center">2</td>\n</tr>\n</tbody>\n</table>'
    ),
    "see https://a.example/b_c_d.": f'<p>see <a href="https://a.example/b_c_d" {REL}>https://a.example/b_c_d</a>.</p>',
    "http://localhost:8000/x": f'<p><a href="http://localhost:8000/x" {REL}>http://localhost:8000/x</a></p>',
    "<https://a.example>": f'<p><a href="https://a.example" {REL}>https://a.example</a></p>',
    "mail dev@example.com": f'<p>mail <a href="mailto:dev@example.com" {REL}>dev@example.com</a></p>',
    "`https://a.example`": "<p><code>https://a.example</code></p>",
    "a & b < c": "<p>a &amp; b &lt; c</p>",
    "<b>raw</b>": "<p>&lt;b&gt;raw&lt;/b&gt;</p>",
}


@pytest.mark.parametrize(("markdown", "html"), RENDERED.items(), ids=map(repr, RENDERED))
def test_commonmark_with_tables_strikethrough_and_autolinks(markdown: str, html: str) -> None:
    assert render(markdown) == html


@pytest.mark.parametrize(
    "text",
    ["README.md", "see main.py.", "lib.rs and build.sh", "a.example.com", "//main.py", "1.2.3.4", "//a.example/b"],
)
def test_names_of_files_are_no_links(text: str) -> None:
    assert render(text) == f"<p>{text}</p>"


HARMFUL = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href=javascript:alert(1)>x</a>",
    "<style>*{background:url(//evil.example)}</style>",
    "<base href=//evil.example>",
    "<form action=//evil.example><input autofocus onfocus=alert(1)></form>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo '<script>alert(1)</script>' ?>",
    "<math><mtext><table><mglyph><style><img src onerror=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;img src=x onerror=alert(1)&#62;",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](\x01javascript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](&#x6A;avascript&colon;alert(1))",
    "[x](javascript&#58;alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](file:///etc/passwd)",
    "[x]\n\n[x]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
    '![x" onerror="alert(1)](https://a.example/x.png)',
    "![x](https://a.example/x.png 'y\" onerror=\"alert(1)')",
    "[x](https://a.example \"y' onmouseover='alert(1)\")",
    '[x](https://a.example/"onmouseover="alert(1))',
    '<https://a.example/"onmouseover="alert(1)>',
    'https://a.example/"onmouseover="alert(1)',
    '```x"onmouseover="alert(1)\ny\n```',
    '```"><script>alert(1)</script>\ny\n```',
    "|a|\n|-|\n|<script>alert(1)</script>|",
    "~~<img src=x onerror=alert(1)>~~",
    "`<img src=x onerror=alert(1)>`",
    "    <script>alert(1)</script>",
    "[<img src=x onerror=alert(1)>](https://a.example)",
    "[a](https://a.example)<script>alert(1)</script>",
]
TEXT = {"a", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "img", "p", "pre", "s", "strong"}
TAGS = TEXT | {"blockquote", "li", "ol", "table", "tbody", "td", "th", "thead", "tr", "ul"}
ATTRIBUTES = {"href", "title", "rel", "src", "alt", "start", "class", "style"}


def _scheme(url: str) -> str:
    """As a browser finds it (WHATWG URL, section 4.4)."""
    found = re.match(r"([a-z][a-z0-9+.-]*):", re.sub(r"^[\0- ]+|[\t\n\r]", "", url).lower())
    return found[1] if found else ""


class _Harmless(HTMLParser):
    """Fails at any tag, attribute or address that could do something."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        for name, value in attrs:
            assert name in ATTRIBUTES
            if name in ("href", "src"):
                assert _scheme(value or "") in ("", "http", "https", "mailto")
            if name == "style":
                assert value in ("text-align:left", "text-align:center", "text-align:right")

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)


def _check(html: str) -> None:
    parser = _Harmless(convert_charrefs=True)
    parser.feed(html)
    parser.close()


@pytest.mark.parametrize("markdown", HARMFUL)
def test_nothing_that_acts_comes_out(markdown: str) -> None:
    _check(render(markdown))


@pytest.mark.parametrize("markdown", HARMFUL)
def test_a_fault_of_the_parser_is_caught_by_the_sanitiser(monkeypatch: pytest.MonkeyPatch, markdown: str) -> None:
    careless = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    monkeypatch.setattr(careless, "validateLink", lambda _url: True)
    monkeypatch.setattr("shared.markdown._parser", lambda **_: careless)
    _check(render(markdown))


@given(st.text(alphabet="<>\"'&;:/()[]!`*~|\\-#=\n\tajvsx", max_size=80), st.sampled_from(HARMFUL))
def test_nothing_that_acts_comes_out_whatever_is_around_it(around: str, harmful: str) -> None:
    _check(render(around + harmful))
    _check(render(harmful + around))


@pytest.mark.parametrize("harmful", HARMFUL[:4] + HARMFUL[15:17])
def test_issues_and_comments_are_shown_harmless(people: People, harmful: str) -> None:
    manager = people.manager()
    issue = manager.issue(manager.project(), title=harmful, description=harmful)
    comment = manager.comment(issue, harmful)
    assert (issue["title"], issue["description"], comment["content"]) == (harmful, harmful, harmful)
    assert issue["description_html"] == comment["content_html"] == render(harmful)
    _check(issue["description_html"])


REPEATED = ["[", ">", "*", "`", "![", "- ", "|a", "<", "a@", "http://", "[a](", "**a ", "~~a", "_a", "\\", "&", "1. "]


@pytest.mark.parametrize("piece", REPEATED)
def test_no_description_takes_long(piece: str) -> None:
    started = process_time()
    _check(render((piece * 5000)[:5000]))
    assert process_time() - started < 1
