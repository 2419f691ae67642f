"""Markdown: what it becomes. What never comes out of it, and how soon it does, is in tests/security."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.markdown import render

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


@given(st.from_regex(r"[A-Za-z]([A-Za-z0-9 ,.;?!()]{0,40}[A-Za-z0-9,.;?!()])?", fullmatch=True))
def test_a_plain_sentence_is_the_same_alone_and_beside_something_that_needs_a_parser(sentence: str) -> None:
    assert render(sentence) == f"<p>{sentence}</p>"
    assert render(f"{sentence} *x*") == f"<p>{sentence} <em>x</em></p>"


@given(st.text(st.sampled_from("http:/s@.a&#x2F;\\ -*\n"), max_size=30))
def test_addresses_are_found_wherever_the_text_may_have_one(text: str) -> None:
    """A link that ends a text of its own paragraph makes the whole be looked through."""
    alone = render(text)
    beside = render(f"{text}\n\n# https://a.example")
    assert beside.removesuffix("</h1>").rpartition("<h1>")[0].strip() == alone
