"""What a start imports: a start from zero pays for every package, so that a new one has to be wanted."""

import json
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


@pytest.mark.parametrize(
    ("collector", "is_imported"), [({}, False), ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, True)]
)
def test_traces_are_imported_only_where_a_collector_is_configured(
    environ: Environ, collector: Environ, is_imported: bool
) -> None:
    given = {**base_environ(environ, "issues"), **collector}
    shown = subprocess.run([sys.executable, "-c", START], check=True, capture_output=True, text=True, env=given).stdout  # noqa: S603  # our own program
    assert [line.split() for line in shown.splitlines()] == [
        [f"lifespan.{phase}.complete", str(is_imported), str(is_imported)] for phase in ("startup", "shutdown")
    ]


@pytest.mark.parametrize("name", BUDGET)
def test_a_start_imports_what_the_first_answer_needs(name: str) -> None:
    look = [sys.executable, "-c", LOOK.format(name=name)]
    shown = subprocess.run(look, check=True, capture_output=True, text=True).stdout  # noqa: S603  # our own program
    imported = set(json.loads(shown))
    found = {package for package in imported if not package.startswith("_")} - {"functions", "shared"}
    assert found - {"coverage"} == BUDGET[name]
