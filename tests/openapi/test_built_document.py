"""The document that the image is built with, and what is told where there is none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from functions.projects import app as projects
from shared import docs
from shared.docs import built_document, built_guide
from shared.http.problems import Problem


@pytest.mark.parametrize(
    ("place", "read", "command"),
    [
        ("DOCUMENT", built_document, "openapi --output openapi.json"),
        ("GUIDE_PAGE", built_guide, "guide --output guide.html"),
    ],
)
def test_it_is_read_once_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, read: Callable[[], bytes], command: str
) -> None:
    path = tmp_path / command.rpartition(" ")[2]
    monkeypatch.setattr(docs, place, path)
    with pytest.raises(Problem) as refused:
        read()
    assert refused.value.code == "not_found"
    assert refused.value.detail == f"There is no {path.name} here: python -m operations {command} makes it."
    path.write_bytes(b"{}")
    assert read() == b"{}"


def test_the_function_projects_serves_it_and_the_pages_round_it() -> None:
    paths = {getattr(route, "path", "") for route in projects.app.routes}
    assert {
        "/api/openapi.json",
        "/api/docs",
        "/api/docs/guide",
        "/api/docs/start.js",
        "/api/docs/swagger-ui.css",
    } <= paths
