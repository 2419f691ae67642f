"""Schemathesis plays the OpenAPI document against the API: neither promises what the other does not keep.

Two thousand and some requests, made from the document alone: what fits it and what breaks it, first each by itself,
then along the links. ``schemathesis.toml`` says which rules every answer is held against, and why two are left out.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Server
from tests.support.document import DOCUMENT, OPERATIONS

HERE = Path(__file__).parent
LONGEST_RUN_SECONDS = 400
"""Several times what it takes on two cores; then something hangs."""
PHASES = {"examples", "coverage", "fuzzing", "stateful"}
CHECKS = {
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
    "query_whitelist",
    "what_is_there_is_found",
}


@dataclass
class Run:
    """What schemathesis did, and what it says of it."""

    exit_code: int
    output: str = field(repr=False)
    phases: Counter[str] = field(default_factory=Counter)
    """Requests in each phase."""
    checks: Counter[str] = field(default_factory=Counter)
    """How often each rule was asked."""
    answers: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    """By operation, whether the request fitted the document ("positive") or broke it ("negative"), and status."""
    links: Counter[str] = field(default_factory=Counter)
    """How often a link was followed, by how schemathesis calls it."""

    def read(self, events: Path) -> None:
        """Count what the report of the run tells."""
        for line in events.read_text(encoding="utf-8").splitlines():
            finished = json.loads(line).get("ScenarioFinished")
            if finished:
                self._count(finished["phase"], finished["recorder"])

    def _count(self, phase: str, recorder: dict[str, Any]) -> None:
        for checks in recorder.get("checks", {}).values():
            self.checks.update(check["name"] for check in checks)
        for name, case in recorder.get("cases", {}).items():
            value = case["value"]
            answer = recorder["interactions"].get(name, {}).get("response")
            # What a check asks for itself, such as the same without a token, was not made from the document.
            if answer is None or not value.get("meta"):
                continue
            self.phases[phase] += 1
            mode = value["meta"]["generation"]["mode"]
            self.answers[f"{value['method']} {value['path']}", mode, answer["status_code"]] += 1
            if case["is_transition_applied"]:
                self.links[case["transition"]["id"]] += 1

    def statuses(self, operation: str, mode: str) -> set[int]:
        """What the requests of an operation were answered."""
        return {status for name, how, status in self.answers if (name, how) == (operation, mode)}


@pytest.fixture
def run(
    server: Server,
    environ: dict[str, str],
    database: str,
    clean: None,  # noqa: ARG001  # the cleaning is the point
    tmp_path: Path,
) -> Run:
    """A run against this process's server, from another process."""
    document, events = tmp_path / "openapi.json", tmp_path / "events.ndjson"
    document.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    finished = subprocess.run(  # noqa: S603  # our own program
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
            *("run", str(document), "--url", server.url, "--no-color"),
            *("--report", "ndjson", "--report-ndjson-path", str(events)),
        ],
        cwd=tmp_path,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(HERE.parent.parent),
            "FLYCATCHER_URL": server.url,
            "DATABASE_OWNER_URL": database,
            **environ,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST_RUN_SECONDS,
        check=False,
    )
    made = Run(finished.returncode, finished.stdout)
    if events.exists():
        made.read(events)
    return made


def success(operation: str) -> int:
    """The status of what succeeds."""
    return min(int(status) for status in OPERATIONS[operation]["responses"])


def refusal(operation: str) -> int | None:
    """A status of what breaks the document, or None where nothing can."""
    if "requestBody" in OPERATIONS[operation]:
        return 422
    if not OPERATIONS[operation]["parameters"]:
        return None
    return 404 if "{id}" in operation else 422


def links(operation: str) -> list[str]:
    """The links of what succeeds."""
    return list(OPERATIONS[operation]["responses"][str(success(operation))].get("links", {}))


def test_document_and_server_agree(run: Run) -> None:
    """One test, so that one worker makes one run of it."""
    assert run.exit_code == 0, run.output
    assert set(run.phases) == PHASES
    assert set(run.checks) == CHECKS
    assert sum(run.phases.values()) > 2000
    # A run proves little of an operation that never did what it is for, or that refused for other reasons.
    never_done = [name for name in OPERATIONS if success(name) not in run.statuses(name, "positive")]
    assert never_done == []
    never_refused = [name for name in OPERATIONS if refusal(name) not in {None, *run.statuses(name, "negative")}]
    assert never_refused == []
    documented = [link for name in OPERATIONS for link in links(name)]
    assert len(run.links) > len(documented) // 2
    assert sum(run.links.values()) > 100
