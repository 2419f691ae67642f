"""What a start imports: a start from zero pays for every package, so that a new one has to be wanted."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.processes import Environ, base_environ

COMMON = {
    "annotated_types",
    "anyio",
    "click",
    "cryptography",
    "hiredis",
    "httptools",
    "jwt",
    "psycopg",
    "psycopg_binary",
    "psycopg_pool",
    "pydantic",
    "pydantic_core",
    "starlette",
    "typing_extensions",
    "typing_inspection",
    "uuid_utils",
    "uvicorn",
}
"""Not among them: what renders Markdown, tells metrics, judges passwords and addresses, or describes tables."""
BUDGET = {"auth": COMMON | {"argon2"}, "projects": COMMON, "issues": COMMON, "comments": COMMON}

LOOK = """
import json, sys
import functions.__main__, functions.{name}.app
packages = {{module.partition(".")[0] for module in sys.modules if getattr(sys.modules[module], "__file__", None)}}
print(json.dumps(sorted(packages - sys.stdlib_module_names)))
"""

START = """
import asyncio, os, sys
from functions.issues.app import app

async def start():
    steps = asyncio.Queue()
    steps.put_nowait({"type": "lifespan.startup"})
    steps.put_nowait({"type": "lifespan.shutdown"})
    await app({"type": "lifespan", "state": {}}, steps.get, told)

async def told(message):
    print(message["type"], "opentelemetry" in sys.modules, "requests" in sys.modules)

asyncio.run(start())
"""


def printed(code: str, environ: Environ) -> str:
    """What code prints in a process of its own, which measures no coverage: that would be one more import."""
    given = {name: value for name, value in environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=given).stdout  # noqa: S603  # our own program


@pytest.mark.parametrize(
    ("collector", "is_imported"), [({}, False), ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, True)]
)
def test_traces_are_imported_only_where_a_collector_is_configured(
    environ: Environ, collector: Environ, is_imported: bool
) -> None:
    given = {**base_environ(environ, "issues"), **collector}
    assert [line.split() for line in printed(START, given).splitlines()] == [
        [f"lifespan.{phase}.complete", str(is_imported), str(is_imported)] for phase in ("startup", "shutdown")
    ]


@pytest.mark.parametrize("name", BUDGET)
def test_a_start_imports_what_the_first_answer_needs(name: str) -> None:
    imported = set(json.loads(printed(LOOK.format(name=name), dict(os.environ))))
    found = {package for package in imported if not package.startswith("_")} - {"functions", "shared"}
    assert found == BUDGET[name]
