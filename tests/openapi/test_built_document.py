"""The document that the image is built with, and what is told where there is none."""

from pathlib import Path

import pytest

from functions.projects import app as projects
from shared import docs
from shared.docs import built_document
from shared.http.problems import Problem


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the document is looked for; nothing is there yet."""
    path = tmp_path / "openapi.json"
    monkeypatch.setattr(docs, "DOCUMENT", path)
    docs._document.cache_clear()
    return path


def test_it_is_read_once_it_is_there(document: Path) -> None:
    with pytest.raises(Problem) as refused:
        built_document()
    assert refused.value.code == "not_found"
    assert refused.value.detail == "There is no openapi.json here: python -m operations openapi makes it."
    document.write_bytes(b"{}")
    assert built_document() == b"{}"


def test_the_function_projects_serves_it_and_the_pages_round_it() -> None:
    paths = {getattr(route, "path", "") for route in projects.app.routes}
    assert {"/api/openapi.json", "/api/docs", "/api/docs/start.js", "/api/docs/swagger-ui.css"} <= paths
