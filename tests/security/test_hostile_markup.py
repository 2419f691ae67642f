"""A writer hides something that acts in Markdown, for the browser of whoever reads it; two layers must each stop it.

The parser takes no HTML and no address of a dangerous scheme; the sanitiser holds alone, even behind a parser that lets
everything through and escapes nothing. What Markdown becomes otherwise is in tests/test_markdown.py.
"""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from shared.markdown import render
from tests.support.world import World

REL = "noopener noreferrer nofollow"
HARMFUL = {
    "script": "<script>alert(1)</script>",
    "script-in-mixed-case": "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "script-within-its-own-name": "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "script-left-open": "<script src=//evil.example/x.js\n",
    "script-with-a-slash-for-a-blank": "<script/x>alert(1)</script>",
    "script-with-a-null-in-its-name": "<scr\0ipt>alert(1)</script><script\0>alert(1)</script>",
    "script-as-entities": "&lt;script&gt;alert(1)&lt;/script&gt;",
    "tag-as-numeric-entities": "&#60;img src=x onerror=alert(1)&#62;",
    "tag-as-entities-without-semicolons": "&#x3Cimg src=x onerror=alert(1)&#x3E <img src=x onerror=alert(1)>",
    "handler-of-an-image": "<img src=x onerror=alert(1)>",
    "handler-in-upper-case": "<IMG SRC=x ONERROR=alert(1)>",
    "handler-between-slashes": "<img/src/onerror=alert(1)>",
    "handler-after-a-form-feed": "<p><img\fsrc=x\fonerror=alert(1)></p>",
    "handler-split-over-lines": "<img\nsrc=x\nonerror\n=\nalert(1)\n>",
    "handler-written-in-entities": "<img src=x onerror=&#97;&#108;ert&lpar;1&rpar;>",
    "handler-after-a-broken-quote": '<img """><img src=x onerror=alert(1)>">',
    "handler-of-an-allowed-tag": "<p onclick=alert(1)>x</p>",
    "handler-of-a-cell": "<table><tr><td onpointerover=alert(1)>x",
    "handler-that-needs-no-hand": "<p tabindex=0 autofocus onfocus=alert(1) contenteditable>x</p>",
    "body-onload": "<body onload=alert(1)>",
    "details-ontoggle": "<details open ontoggle=alert(1)>x",
    "video-onerror": "<video><source onerror=alert(1)></video>",
    "marquee-onstart": "<marquee onstart=alert(1)>x</marquee>",
    "popover-onbeforetoggle": "<button popovertarget=p>x</button><div popover id=p onbeforetoggle=alert(1)>y</div>",
    "svg-onload": "<svg/onload=alert(1)>",
    "svg-script": "<svg><script href=//evil.example/x.js /></svg>",
    "svg-animated-address": "<svg><a><animate attributeName=href values=javascript:alert(1) /><text>x</text></a></svg>",
    "svg-set-address": "<svg><a><set attributeName=href to=javascript:alert(1) /><text>x</text></a></svg>",
    "svg-use-of-data": "<svg><use href='data:image/svg+xml,<svg id=x onload=alert(1)>#x'></use></svg>",
    "svg-link-by-xlink": "<svg><a xlink:href=javascript:alert(1)><text>x</text></a></svg>",
    "svg-foreign-object": "<svg><foreignObject><img src=x onerror=alert(1)></foreignObject></svg>",
    "svg-title-back-to-html": "<svg><title><style><img title='</style><img src=x onerror=alert(1)>'></title></svg>",
    "svg-cdata-that-ends-the-svg": "<svg><![CDATA[</svg><img src onerror=alert(1)>]]></svg>",
    "svg-style-around-an-attribute": "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
    "math-href": "<math href=javascript:alert(1)><mtext>x</mtext></math>",
    "math-action": "<math><maction actiontype=statusline xlink:href=javascript:alert(1)>x</maction></math>",
    "math-annotation-in-html": "<math><annotation-xml encoding=text/html><img src=x onerror=alert(1)></annotation-xml>",
    "math-glyph-in-a-table": "<math><mtext><table><mglyph><style><img src onerror=alert(1)>",
    "math-glyph-with-a-comment": "<math><mtext><table><mglyph><style><!--</style><img title='--><img src onerror=x>'>",
    "math-in-two-forms": "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "mutation-by-noscript": '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
    "mutation-by-style": '<style><p title="</style><img src=x onerror=alert(1)>"></style>',
    "mutation-by-title": '<title><p title="</title><img src=x onerror=alert(1)>"></title>',
    "mutation-by-textarea": '<textarea><p title="</textarea><img src=x onerror=alert(1)>"></textarea>',
    "mutation-by-iframe": '<iframe><p title="</iframe><img src=x onerror=alert(1)>"></iframe>',
    "mutation-by-xmp": '<xmp><p title="</xmp><img src=x onerror=alert(1)>"></xmp>',
    "mutation-by-template": "<template><img src=x onerror=alert(1)></template>",
    "mutation-by-select": "<select><option><style></option></select><img src=x onerror=alert(1)></style>",
    "mutation-by-a-table": "<table><tr><td><a><table><img src=x onerror=alert(1)></a></table>",
    "mutation-by-plaintext": "<plaintext><img src=x onerror=alert(1)>",
    "comment-that-ends-at-once": "<!--><img src=x onerror=alert(1)>-->",
    "comment-that-ends-with-a-dash": "<!---><img src=x onerror=alert(1)>-->",
    "comment-that-ends-with-an-exclamation": "<!-- --!><img src=x onerror=alert(1)>-->",
    "conditional-comment": "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
    "cdata": "<![CDATA[<script>alert(1)</script>]]>",
    "processing-instruction": "<?php echo '<script>alert(1)</script>' ?>",
    "declaration": "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]><p>&y;</p>",
    "end-tag-that-is-none": "</ ><img src=x onerror=alert(1)>",
    "clobbered-by-id": "<a id=config><a id=config name=url href=//evil.example>x</a></a>",
    "clobbered-by-name": "<img name=body src=x>",
    "clobbered-form": "<form id=login><input name=action><input name=attributes></form>",
    "clobbered-window": "<iframe name=self src=//evil.example></iframe>",
    "style-element": "<style>*{background:url(//evil.example)}</style>",
    "style-import": "<style>@import'//evil.example/x.css';</style>",
    "style-of-an-allowed-tag": "<p style='position:fixed;inset:0;background:url(//evil.example)'>x</p>",
    "style-beside-the-allowed-one": "<table><tr><td style='text-align:center;position:fixed;inset:0'>x",
    "style-in-escapes": "<table><tr><td style='b\\61 ckground:\\75rl(//evil.example)'>x",
    "style-binding": "<table><tr><td style='-moz-binding:url(//evil.example/x.xml#x);behavior:url(x.htc)'>x",
    "style-address-as-the-allowed-one": "<table><tr><td style='text-align:url(//evil.example/x)'>x",
    "style-expression-as-the-allowed-one": "<table><tr><td style='text-align:expression(alert(1))'>x",
    "style-end-within-the-allowed-one": "<table><tr><td style='text-align:center}*{color:red'>x",
    "class-of-the-page-around-it": "<code class='modal fullscreen'>sign in again</code>",
    "meta-refresh": "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "base": "<base href=//evil.example>",
    "link-stylesheet": "<link rel=stylesheet href=//evil.example/x.css>",
    "link-prefetch": "<link rel=dns-prefetch href=//evil.example>",
    "form": "<form action=//evil.example><input name=password autofocus onfocus=alert(1)></form>",
    "button-with-an-action": "<form id=f></form><button form=f formaction=javascript:alert(1)>x</button>",
    "input-of-an-image": "<input type=image src=x onerror=alert(1)>",
    "iframe-with-a-document": "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "iframe-with-an-address": "<iframe src=javascript:alert(1)></iframe>",
    "object": "<object data=javascript:alert(1)></object>",
    "embed": "<embed src=//evil.example/x.swf allowscriptaccess=always>",
    "image-set": "<img src=/x srcset='//evil.example/x 2x' sizes=100vw>",
    "picture-source": "<picture><source srcset=//evil.example/x><img src=/x></picture>",
    "image-over-the-page": "<img src=/x width=9999 height=9999 style='position:fixed;inset:0'>",
    "image-map": "<img src=/x usemap=#m><map name=m><area shape=default href=javascript:alert(1)></map>",
    "background-of-a-table": "<table background=javascript:alert(1)><tr><td background=//evil.example/x>x",
    "citation": "<blockquote cite=javascript:alert(1)>x</blockquote>",
    "ping-of-a-link": "<a href=/x ping=//evil.example attributionsrc=//evil.example>x</a>",
    "opener-of-a-link": "<a href=https://evil.example target=_blank rel=opener>x</a>",
    "namespace-in-a-name": "<html:script xmlns:html=http://www.w3.org/1999/xhtml>alert(1)</html:script>",
    "custom-element": "<x-login is=x-login slot=x>y</x-login>",
    "raw-link-to-javascript": "<a href=javascript:alert(1)>x</a>",
    "raw-link-with-tabs-as-entities": "<a href='&#1;jav&Tab;asc&NewLine;ript&colon;alert(1)'>x</a>",
    "raw-image-of-data": "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
    "link-to-javascript": "[x](javascript:alert(1))",
    "link-in-mixed-case": "[x](JaVaScRiPt:alert(1))",
    "link-with-a-tab-inside": "[x](<java\tscript:alert(1)>)",
    "link-with-a-tab-as-entity": "[x](java&Tab;script:alert(1))",
    "link-with-a-line-feed-as-entity": "[x](java&NewLine;script:alert(1))",
    "link-after-a-control-character": "[x](<\x01javascript:alert(1)>)",
    "link-after-a-blank-as-entity": "[x](&#32;javascript:alert(1))",
    "link-with-a-decimal-entity": "[x](&#106;avascript:alert(1))",
    "link-with-a-hexadecimal-entity": "[x](&#x6A;avascript&colon;alert(1))",
    "link-with-the-colon-as-entity": "[x](javascript&#58;alert(1))",
    "link-with-an-escaped-colon": "[x](javascript\\:alert\\(1\\))",
    "link-that-looks-like-an-address": "[x](javascript://evil.example/%0aalert(1))",
    "link-to-vbscript": "[x](vbscript:msgbox(1))",
    "link-to-data": "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "link-to-data-that-names-an-image": "[x](data:image/png;base64,PHNjcmlwdD4=)",
    "link-to-a-file": "[x](file:///etc/passwd)",
    "link-to-a-blob": "[x](blob:https://a.example/0190)",
    "link-to-a-filesystem": "[x](filesystem:https://a.example/temporary/x.html)",
    "link-to-an-intent": "[x](intent://evil.example#Intent;scheme=https;end)",
    "link-to-an-office-program": "[x](ms-word:ofe|u|https://evil.example/x.docm)",
    "link-to-a-jar": "[x](jar:https://evil.example/x.jar!/x.html)",
    "link-by-reference": "[x]\n\n[x]: javascript:alert(1)",
    "link-by-full-reference": "[x][y]\n\n[y]: <javascript:alert(1)> 'title'",
    "link-by-footnote": "x[^1]\n\n[^1]: javascript:alert(1)",
    "link-within-a-link": "[[x](javascript:alert(1))](https://a.example)",
    "link-around-an-image": "[![x](javascript:alert(1))](javascript:alert(1))",
    "link-in-a-cell": "|a|\n|-|\n|[x](javascript:alert(1))|",
    "link-under-a-reversed-text": "[\u202egpj.tac\u202c](javascript:alert(1))",
    "autolink": "<javascript:alert(1)>",
    "image-of-javascript": "![x](javascript:alert(1))",
    "image-of-data": "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
    "image-by-reference": "![x]\n\n[x]: data:image/svg+xml,x",
    "quote-in-an-alternative-text": '![x" onerror="alert(1)](https://a.example/x.png)',
    "quote-in-the-title-of-an-image": "![x](https://a.example/x.png 'y\" onerror=\"alert(1)')",
    "quote-in-the-title-of-a-link": "[x](https://a.example 'y\" onmouseover=\"alert(1)')",
    "tag-in-the-title-of-a-link": "[x](https://a.example '\"><script>alert(1)</script>')",
    "tag-in-an-alternative-text": '![x"><script>alert(1)</script>](https://a.example/x.png)',
    "quote-in-the-language-of-a-fence": '```x"onmouseover="alert(1)\ny\n```',
    "quote-as-entity-in-a-language": "~~~x&quot;onmouseover=&quot;alert(1)\ny\n~~~",
    "tag-in-the-language-of-a-fence": '```"><script>alert(1)</script>\ny\n```',
    "tag-in-a-fence": "```\n</code></pre><script>alert(1)</script>\n```",
    "tag-in-code": "`<img src=x onerror=alert(1)>`",
    "tag-in-a-cell": "|a|\n|-|\n|<script>alert(1)</script>|",
    "tag-struck-out": "~~<img src=x onerror=alert(1)>~~",
    "tag-as-the-text-of-a-link": "[<img src=x onerror=alert(1)>](https://a.example)",
    "tag-after-a-link": "[a](https://a.example)<script>alert(1)</script>",
    "tag-under-a-reversed-text": "\u202e<img src=x onerror=alert(1)>\u202c",
}
TEXT = {"a", "br", "code", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "img", "p", "pre", "s", "strong"}
TAGS = TEXT | {"blockquote", "li", "ol", "table", "tbody", "td", "th", "thead", "tr", "ul"}
ATTRIBUTES = {"href", "title", "rel", "src", "alt", "start", "class", "style"}
HARMLESS = {"rel": REL, "class": r"language-\S*", "style": "(text-align:(left|center|right))?"}
SHOWN = {name: text for name, text in list(HARMFUL.items())[::12] if "\0" not in text}
each_attack = pytest.mark.parametrize("markdown", HARMFUL.values(), ids=HARMFUL.keys())


def rendered(markdown: str) -> str:
    """What a reader's browser gets."""
    return render(markdown)


def scheme(url: str) -> str:
    """As a browser finds it (WHATWG URL, section 4.4)."""
    found = re.match(r"([a-z][a-z0-9+.-]*):", re.sub(r"^[\0- ]+|[\t\n\r]", "", url).lower())
    return found[1] if found else ""


class Harmless(HTMLParser):
    """Fails at any tag, attribute or address that could do something."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS
        for name, value in attrs:
            assert name in ATTRIBUTES
            assert re.fullmatch(HARMLESS.get(name, r"(?s).*"), value or "")
            if name in ("href", "src"):
                assert scheme(value or "") in ("", "http", "https", "mailto")

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    handle_pi = unknown_decl = handle_comment


def check_harmless(html: str) -> None:
    """Read it as a browser does, in a page that goes on: a tag left open would take what follows into it."""
    parser = Harmless(convert_charrefs=True)
    parser.feed(f"{html}>")
    parser.close()


@each_attack
def test_nothing_that_acts_comes_out(markdown: str) -> None:
    check_harmless(rendered(markdown))


@each_attack
def test_a_fault_of_the_parser_is_caught_by_the_sanitiser(monkeypatch: pytest.MonkeyPatch, markdown: str) -> None:
    careless = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    monkeypatch.setattr(careless, "validateLink", lambda _url: True)
    monkeypatch.setattr(careless, "normalizeLink", lambda url: url)
    monkeypatch.setattr("markdown_it.renderer.escapeHtml", lambda text: text)
    monkeypatch.setattr("shared.markdown._parser", lambda **_: careless)
    check_harmless(rendered(markdown))


@given(st.text("<>\"'&;:/()[]!`*~|\\-#=\n\tajvsx", max_size=80), st.sampled_from(list(HARMFUL.values())))
def test_nothing_that_acts_comes_out_whatever_is_around_it(around: str, harmful: str) -> None:
    check_harmless(rendered(around + harmful))
    check_harmless(rendered(harmful + around))


@pytest.mark.parametrize("harmful", SHOWN.values(), ids=SHOWN.keys())
def test_whatever_shows_it_shows_it_harmless(standing: World, harmful: str) -> None:
    admin, text = standing.admin, harmful.strip()
    issue = admin.issue(standing.project, title=harmful, description=harmful)
    comment = admin.comment(issue, harmful)
    admin.api.patch(f"/api/issues/{issue['id']}", json={"description": "Other"})
    admin.api.patch(f"/api/comments/{comment['id']}", json={"content": "Other"})
    (change,) = admin.api.get(f"/api/issues/{issue['id']}/history").json()["items"]
    (revision,) = admin.api.get(f"/api/comments/{comment['id']}/revisions").json()["items"]
    assert (issue["title"], issue["description"], change["from"]) == (text, text, text)
    assert [comment["content"], revision["content"]] == [text, text]
    for html in (issue["description_html"], comment["content_html"], revision["content_html"]):
        assert html == rendered(text)
        check_harmless(html)


def test_an_innocent_text_is_shown(standing: World) -> None:
    comment = standing.admin.comment(standing.issue, "**See** [it](https://a.example) ![x](/x.png)")
    link = f'<a href="https://a.example" rel="{REL}">it</a>'
    assert comment["content_html"] == f'<p><strong>See</strong> {link} <img src="/x.png" alt="x"></p>'
