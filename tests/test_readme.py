"""The README and docs/security.md tell what there is."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from local.greeting import DEMO_PASSWORD, greet
from operations.roles import GROUPS
from shared.settings import Settings

TESTS = Path(__file__).parent
README = (TESTS.parent / "README.md").read_text(encoding="utf-8")
SECURITY = (TESTS.parent / "docs" / "security.md").read_text(encoding="utf-8")
BESIDE = {"FUNCTION", "PORT", "DATABASE_OWNER_URL", "LOCAL_DATA_DIR", "SEED_PASSWORD", *GROUPS} - {"DATABASE_URL"}
"""Variables that are not a function's settings."""


def test_every_variable_is_in_the_configuration_table_and_no_other() -> None:
    table = README.partition("## Configuration")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)} == BESIDE | {
        setting.name.upper() for setting in fields(Settings)
    }


def test_every_folder_of_the_map_is_there() -> None:
    table = README.partition("| folder |")[2].partition("\n\n")[0]
    named = re.findall(r"^\| `([\w/.]+)`", table, re.MULTILINE)
    assert len(named) > 8
    assert [path for path in named if not (Path(__file__).parent.parent / path).exists()] == []


def test_every_family_of_attacks_is_told_of_and_no_other() -> None:
    told = set(re.findall(r"`(test_\w+\.py)`", SECURITY))
    assert told == {path.name for path in (TESTS / "security").glob("test_*.py")}


def test_every_place_that_the_threats_name_is_there() -> None:
    named = re.findall(r"`((?:tests|shared|functions)/[\w/.]*)`", SECURITY) + [
        f"docs/{link}" for link in re.findall(r"\]\((decisions/[^)]+)\)", SECURITY)
    ]
    assert len(named) > 8
    assert [path for path in named if not (TESTS.parent / path).exists()] == []


def test_make_run_says_what_the_readme_shows(capsys: pytest.CaptureFixture[str]) -> None:
    shown = README.partition("$ make run\n")[2].partition("```")[0]
    greet("http://127.0.0.1:8000", DEMO_PASSWORD, 3.3)
    assert shown.endswith(capsys.readouterr().out.rstrip("\n") + "\n")
    pins = re.findall(r"^\S+==", (TESTS.parent / "requirements" / "local.txt").read_text(), re.MULTILINE)
    assert f"fetching packages: {len(pins)} of {len(pins)}\n" in shown
    migrations = list((TESTS.parent / "migrations" / "versions").glob("*.py"))
    assert f"applying migrations: {len(migrations)} of {len(migrations)}\n" in shown
