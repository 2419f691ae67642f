"""That a candidate is asked what its function really answers so."""

import re
from importlib import import_module

import httpx2
import pytest

from delivery.deploy.smoke import questions
from shared.settings import FUNCTION_NAMES


@pytest.mark.parametrize("name", FUNCTION_NAMES)
def test_a_function_that_is_well_answers_what_is_right(name: str, client: httpx2.Client) -> None:
    asked = {
        url.removeprefix(f"http://candidate-{name}.there.svc.cluster.local"): right
        for url, right in questions("there", [name])
    }
    assert len(asked) == 2
    for path, right in asked.items():
        answer = client.get(path)
        assert f"{answer.status_code} {answer.headers['content-type'].partition(';')[0]}" == right
    endpoints = import_module(f"functions.{name}.app").ENDPOINTS
    owned = [re.compile(endpoint.path.replace("{id}", "[^/]+")) for endpoint in endpoints if endpoint.method == "GET"]
    assert any(path.fullmatch(read) for path in owned for read in asked)
