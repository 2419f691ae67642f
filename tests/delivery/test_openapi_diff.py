import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from delivery.contract.cases import BREAKING, COMPATIBLE
from delivery.contract.diff import Change, Judge, JudgeError, report
from delivery.contract.versions import may_break
from delivery.contract.words import in_words_of_3_0
from operations.openapi import whole_api

ROOT = Path(__file__).parents[2]

STEPS = [
    ("0.1.0", "0.1.0", False),
    ("0.1.0", "0.1.1", False),
    ("0.1.9", "0.2.0", True),
    ("0.2.0", "0.1.9", False),
    ("0.9.0", "0.10.0", True),
    ("0.9.0", "1.0.0", True),
    ("1.2.3", "1.3.0", False),
    ("1.2.3", "2.0.0", True),
    ("2.0.0", "1.9.9", False),
    ("1.0.0", "0.9.0", False),
]

WORDS: list[tuple[Any, Any]] = [
    (True, {}),
    (False, {"not": {}}),
    ({"const": "bearer"}, {"enum": ["bearer"]}),
    ({"exclusiveMinimum": 0, "type": "integer"}, {"minimum": 0, "exclusiveMinimum": True, "type": "integer"}),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string", "nullable": True}),
    (
        {"anyOf": [{"$ref": "#/components/schemas/Name"}, {"type": "null"}], "default": None},
        {"type": "string", "default": None, "nullable": True},
    ),
    (
        {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
        {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True},
    ),
    ({"properties": {"details": {"items": {"const": 1}}}}, {"properties": {"details": {"items": {"enum": [1]}}}}),
    ({"additionalProperties": False}, {"additionalProperties": False}),
]


@pytest.mark.parametrize(("base", "now", "allowed"), STEPS)
def test_a_version_announces_that_clients_may_break(base: str, now: str, allowed: bool) -> None:
    assert may_break(base, now) is allowed


@pytest.mark.parametrize("text", ["", "1", "1.0", "v1.0.0", "1.0.0-rc1", "01.0.0", "1.0.0\n"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"MAJOR\.MINOR\.PATCH"):
        may_break("0.1.0", text)


@pytest.mark.parametrize(("schema", "words"), WORDS)
def test_a_schema_of_3_1_is_said_in_the_words_of_3_0(schema: Any, words: Any) -> None:
    document = {"openapi": "3.1.0", "components": {"schemas": {"Name": {"type": "string"}, "It": schema}}}
    assert in_words_of_3_0(document)["components"]["schemas"]["It"] == words


def test_a_parameter_that_takes_several_values_is_judged_by_each() -> None:
    parameter = {"in": "query", "name": "status", "schema": {"type": "array", "items": {"const": "open"}}}
    answer = {"schema": {"type": "array", "items": {"type": "string"}}}
    document = {"components": {"schemas": {}}, "paths": {"/": {"parameters": [parameter], "answer": answer}}}
    said = in_words_of_3_0(document)["paths"]["/"]
    assert said["parameters"][0]["schema"] == {"enum": ["open"]}
    assert said["answer"] == answer


def test_every_known_change_changes_our_api() -> None:
    document = whole_api()
    for what, change in {**BREAKING, **COMPATIBLE}.items():
        changed = deepcopy(document)
        change(changed)
        assert changed != document, what


STATUS = "the enum value `parked` is new in the response for the status `{}`"
FOUND = [
    {"text": STATUS.format("404"), "level": 2, "operation": "GET", "path": "/api/issues", "section": "paths"},
    {"text": STATUS.format("200"), "level": 2, "operation": "GET", "path": "/api/issues", "section": "paths"},
    {"text": "endpoint added", "level": 1, "operation": "POST", "path": "/api/teams", "section": "paths"},
    {"text": "removed the schema `X`", "level": 1, "section": "components"},
]
NOTHING: dict[str, Any] = {"paths": {}, "components": {"schemas": {}}}
CHANGES = [
    Change("GET /api/issues", STATUS.format("200`, `404"), breaking=True),
    Change("POST /api/teams", "endpoint added", breaking=False),
    Change("components", "removed the schema `X`", breaking=False),
]


@pytest.fixture
def judge(tmp_path: Path) -> Callable[[str, int], Judge]:
    """A program that says the same of any two documents."""

    def says(text: str, code: int) -> Judge:
        program = tmp_path / "oasdiff"
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}\nEND\nexit {code}\n", encoding="utf-8")
        program.chmod(stat.S_IRWXU)
        return Judge(str(program))

    return says


def test_what_is_said_of_several_statuses_is_one_change(judge: Callable[[str, int], Judge]) -> None:
    assert judge(json.dumps(FOUND), 0).changes(NOTHING, NOTHING) == CHANGES


def test_a_judge_that_understands_nothing_is_no_judge(judge: Callable[[str, int], Judge]) -> None:
    with pytest.raises(JudgeError, match="oasdiff says"):
        judge("", 102).changes(NOTHING, NOTHING)
    with pytest.raises(JudgeError, match="cannot run /nowhere"):
        Judge("/nowhere").changes(NOTHING, NOTHING)


def test_a_judge_that_sees_nothing_is_no_judge(judge: Callable[[str, int], Judge]) -> None:
    with pytest.raises(JudgeError, match="does not see it when a path is removed"):
        judge("[]", 0).check(whole_api())


def test_a_judge_who_lets_everything_pass_is_no_judge(judge: Callable[[str, int], Judge]) -> None:
    with pytest.raises(JudgeError, match="judges it wrongly when a path is removed"):
        judge(json.dumps(FOUND[2:]), 0).check(whole_api())


def test_what_breaks_is_told_first_and_what_may_be_done() -> None:
    text = report("0.1.0", "0.1.1", CHANGES, same=False)
    assert text.index("## Breaking changes\n\n- GET /api/issues: the enum") < text.index("## Other changes\n\n- POST")
    assert "0.1.1 promises that clients of 0.1.0 go on working" in text
    assert "announces that clients may break" in report("0.1.0", "0.2.0", CHANGES, same=False)


def test_no_change_is_told_apart_from_other_words() -> None:
    assert report("0.1.0", "0.1.0", [], same=True).endswith("\nno change\n")
    assert report("0.1.0", "0.1.0", [], same=False).endswith("its words have changed\n")


def test_a_base_that_is_no_commit_is_refused_in_one_line() -> None:
    environment = {**os.environ, "BASE": "no-such-commit", "VENV": sys.prefix}
    done = subprocess.run([".ci/openapi-diff"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "openapi-diff: no-such-commit is no commit here: fetch it, or name another by BASE\n"
