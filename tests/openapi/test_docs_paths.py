"""The paths of the documentation are answered as all others are: whoever asks, whatever is asked for."""

import pytest

from shared.docs import docs_endpoints
from tests.support.api import Api
from tests.support.faults import code, faults

PATHS = [endpoint.path for endpoint in docs_endpoints(bytes, bytes)]
NOWHERE = {
    "a slash behind the page": ("GET", "/api/docs/"),
    "a slash behind a file": ("GET", "/api/docs/start.js/"),
    "a file that is not there": ("GET", "/api/docs/nothing"),
    "a file that the wheel has and nobody needs": ("GET", "/api/docs/swagger-ui.js"),
    "the page by the name of its file": ("GET", "/api/docs/page.html"),
    "our code": ("GET", "/api/docs/__init__.py"),
    "a form that is sent to nothing": ("POST", "/api/docs/nothing"),
}


@pytest.mark.parametrize(("method", "path"), NOWHERE.values(), ids=NOWHERE.keys())
def test_what_is_not_there_is_404(api: Api, method: str, path: str) -> None:
    answer = api.request(method, path)
    assert (answer.status_code, code(answer)) == (404, "not_found")


@pytest.mark.parametrize("path", PATHS)
def test_each_is_read_and_nothing_else(api: Api, path: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        refused = api.request(method, path)
        assert (refused.status_code, code(refused)) == (405, "method_not_allowed")
        assert set(refused.headers["Allow"].split(", ")) == {"GET", "HEAD"}
    unknown = api.get(f"{path}?x=1")
    assert (unknown.status_code, faults(unknown)) == (422, [("query", "x", "extra_forbidden")])
    get, head = api.get(path), api.request("HEAD", path)
    own = {"date", "x-request-id", "ratelimit-remaining", "ratelimit-reset"}
    assert (head.status_code, head.content) == (200, b"")
    assert set(head.headers.items()) - set(get.headers.items()) <= {(name, head.headers.get(name)) for name in own}


@pytest.mark.parametrize(
    ("given", "status"),
    [("{tag}", 304), ("W/{tag}", 304), ('"other", {tag}', 304), ("*", 304), ('"other"', 200), ("", 200)],
)
def test_what_somebody_has_is_not_sent_again(api: Api, given: str, status: int) -> None:
    tag = api.get("/api/docs").headers["ETag"]
    answer = api.get("/api/docs", headers={"If-None-Match": given.format(tag=tag)})
    assert (answer.status_code, answer.headers["ETag"]) == (status, tag)
    assert "style-src 'self';" in answer.headers["Content-Security-Policy"]
    assert (answer.content == b"") == (status == 304)
