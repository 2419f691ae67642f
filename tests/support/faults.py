"""What a 422 says is wrong."""

import httpx2

Fault = tuple[str, str, str]
"""Where, which, and the code."""


def faults(response: httpx2.Response) -> list[Fault]:
    """Every entry of ``errors`` of a ``validation_failed``, sorted."""
    assert response.status_code == 422, response.text
    problem = response.json()
    assert problem["code"] == "validation_failed"
    return sorted((error["in"], error["path"], error["code"]) for error in problem["errors"])


def code(response: httpx2.Response) -> str:
    """The code of a problem."""
    found: str = response.json()["code"]
    return found
