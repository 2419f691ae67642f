"""Every link of the documents leads to something that is there, and every document is reached from the README."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from operations.guide.page import slug

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
FENCED = re.compile(r"```.*?```", re.DOTALL)
ELSEWHERE = ("http:", "https:", "mailto:")
SERVED = ("/api/",)
"""Paths of the API, which docs/api.md may name: a test of the guide asks for them."""
DOCUMENTS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not {part for part in path.relative_to(ROOT).parts if part.startswith(".") and part != ".github"}
)


def text_of(document: Path) -> str:
    """Without what is code."""
    return FENCED.sub("", document.read_text(encoding="utf-8"))


def links_of(document: Path) -> list[str]:
    """Those that lead to something of ours."""
    found = LINK.findall(text_of(document))
    return [link for link in found if not link.startswith(ELSEWHERE) and not link.startswith(SERVED)]


def target_of(document: Path, link: str) -> Path:
    """The file or folder that a link leads to."""
    path = urlsplit(link).path
    return (document.parent / path).resolve() if path else document


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_link_leads_somewhere(document: Path) -> None:
    for link in links_of(document):
        target = target_of(document, link)
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if fragment := urlsplit(link).fragment:
            assert fragment in {slug(heading) for heading in HEADING.findall(text_of(target))}, link


def test_every_document_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        document = waiting.pop()
        if document in reached:
            continue
        reached.add(document)
        targets = [target_of(document, link) for link in links_of(document)]
        for target in targets:
            waiting += [target] if target.suffix == ".md" else sorted(target.glob("*.md")) if target.is_dir() else []
    assert {path for path in DOCUMENTS if ".github" not in path.parts} <= reached
