"""Break each rule that matters: ``faults.py DOCUMENT WRONG`` writes a wrong document, and prints which must notice."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MISSING = object()
OK = ("responses", "200", "content", "application/json")
FAULTS: Mapping[str, tuple[tuple[str, ...], object]] = {
    "operation-operationId": (("/api/projects", "get", "operationId"), MISSING),
    "operation-id-snake-case": (("/api/issues", "get", "operationId"), "listIssues"),
    "operation-description": (("/api/users", "get", "description"), MISSING),
    "operation-tags": (("/api/users/{id}", "get", "tags"), MISSING),
    "success-example": (("/api/projects/{id}", "get", *OK, "example"), MISSING),
    "oas3-valid-media-example": (("/api/issues/{id}", "get", *OK, "example", "comment_count"), "many"),
    "error-is-problem": (("/api/comments/{id}", "get", "responses", "404"), {"description": "No", "content": {}}),
}
"""By the rule of Spectral: what is changed below ``paths``, and into what."""


def plant(document: Any, path: tuple[str, ...], value: object) -> None:
    """Change one member.

    Raises:
        KeyError: the document has no such member.
    """
    *parents, name = path
    for parent in parents:
        document = document[parent]
    del document[name]
    if value is not MISSING:
        document[name] = value


def main() -> None:
    source, target = map(Path, sys.argv[1:])
    document = json.loads(source.read_text(encoding="utf-8"))
    for rule, (path, value) in FAULTS.items():
        plant(document["paths"], path, value)
        print(rule)
    target.write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    main()
