"""Which function answers a path: the contract's table."""

import re

ROUTES = (
    (re.compile(r"/api/(comments|issues/[^/]+/comments)"), "comments"),
    (re.compile(r"/api/(issues|projects/[^/]+/issues)"), "issues"),
    (re.compile(r"/api/projects"), "projects"),
    (re.compile(r""), "auth"),
)
"""The first that matches."""


def function_of(path: str) -> str:
    """The name of the function, for a path or for its template."""
    return next(name for route, name in ROUTES if route.match(path))
