"""The parts of the guide that are made: of the permission matrix, the problems, the settings, captured answers."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from functions.auth.passwords import MAXIMUM, MINIMUM
from functions.issues.workflow import allowed_statuses
from operations.openapi.examples import operation_example, problem_example
from operations.openapi.problems import MEANINGS
from operations.openapi.who import STANDINGS
from shared.http.input import BODY_LIMIT
from shared.http.problems import PROBLEMS
from shared.security.permissions import MATRIX, RELATIONS, Permission, Standing
from shared.settings import Settings
from shared.vocabulary import ROLES, STATUSES

_BLOCK = re.compile(r"(<!-- made: (\w+)(?: (\w+))? -->\n).*?(\n<!-- end -->)", re.DOTALL)


def refreshed(text: str) -> str:
    """The text with every part between ``<!-- made: NAME -->`` and ``<!-- end -->`` made anew.

    Raises:
        KeyError: there is no such part, operation or code.
    """
    return _BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]](found[3] or '')}{found[4]}", text)


def _table(head: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    listed = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in listed)


def _permissions(_: str) -> str:
    rows = []
    for permission, granted in MATRIX.items():
        if permission is Permission.ENTER:
            continue
        by_role = ["yes" if role in granted else "no" for role in map(Standing, ROLES)]
        relations = [words for standing, words in STANDINGS.items() if standing in granted & RELATIONS]
        rows.append([permission.value, *by_role, ", ".join(relations)])
    return _table(["to", *ROLES, "also"], rows)


def _moves(_: str) -> str:
    return _table(
        ["status", "may become"],
        ([f"`{status}`", ", ".join(f"`{target}`" for target in allowed_statuses(status))] for status in STATUSES),
    )


def _limits(_: str) -> str:
    default: dict[str, Any] = {setting.name: setting.default for setting in fields(Settings)}
    rows = [
        ("requests of one client address", f"{default['rate_limit_per_minute']} a minute"),
        ("attempts to sign in, of one address and of one account", f"{default['login_limit_per_minute']} a minute"),
        (
            "wrong passwords in a row that lock an account",
            f"{default['lockout_threshold']}, for {default['lockout_seconds'] // 60} minutes",
        ),
        ("life of an access token", f"{default['access_token_seconds'] // 60} minutes"),
        ("life of a refresh token, which is used once", f"{default['refresh_token_seconds'] // 86_400} days"),
        ("life of a session, however often it is refreshed", f"{default['session_seconds'] // 86_400} days"),
        ("a body", f"{BODY_LIMIT // 1024 // 1024} MiB"),
        ("a password", f"{MINIMUM} to {MAXIMUM} characters"),
    ]
    return _table(["what", "limit"], rows)


def _problems(_: str) -> str:
    return "\n\n".join(
        f"### {code}\n\n{kind.status}: “{kind.title}”. {MEANINGS[code]}" for code, kind in PROBLEMS.items()
    )


def _problem(code: str) -> str:
    return _fenced("json", _shown(problem_example(code)))


def _example(operation_id: str) -> str:
    """The request as it was sent, without what every request has, and the answer."""
    example = operation_example(operation_id)
    sent = [f"{example['method']} {example['path']}"]
    sent += [f"{name}: {value}" for name, value in example.get("headers", {}).items()]
    if "body" in example:
        sent += ["", json.dumps(example["body"], ensure_ascii=False)]
    told = [str(example["status"])]
    told += [f"{name}: {value}" for name, value in example.get("answer_headers", {}).items()]
    if "answer" in example:
        told += ["", _shown(example["answer"])]
    return _fenced("http", "\n".join(sent)) + "\n\n" + _fenced("http", "\n".join(told))


def _shown(answer: object) -> str:
    return json.dumps(answer, indent=2, ensure_ascii=False)


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


BLOCKS: Mapping[str, Callable[[str], str]] = {
    "example": _example,
    "limits": _limits,
    "moves": _moves,
    "permissions": _permissions,
    "problem": _problem,
    "problems": _problems,
}
"""What makes a part, given what follows its name."""
