"""The README's first session does what the README says, command by command, on a server of the tests."""

from pathlib import Path

import psycopg
import pytest
from psycopg.rows import TupleRow

from functions.auth.passwords import hash_password
from local.greeting import DEMO_PASSWORD
from tests.support.api import Server
from tests.support.people import People
from tests.support.sessions import console, fits, play

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
WRITTEN = 'a "id" : "01a20430-49fa-77ec-b36c-acb9934a4424" at 2026-11-22T16:56:43.257528Z …'


def test_it_says_what_the_readme_says(
    server: Server, people: People, housekeeper: psycopg.Connection[TupleRow], tmp_path: Path
) -> None:
    manager = people.manager("manager1")
    housekeeper.execute("UPDATE users SET password_hash = %s WHERE id = %s", (hash_password(DEMO_PASSWORD), manager.id))
    commands = console(README, "A first session")
    assert len(commands) >= 8
    here = [command._replace(typed=command.typed.replace("http://127.0.0.1:8000", server.url)) for command in commands]
    for command, said in zip(commands, play(here, tmp_path), strict=True):
        assert fits(said, command.said), f"{command.typed}\nsays\n{said}\nand the README\n{command.said}"


@pytest.mark.parametrize(
    ("said", "same"),
    [
        ('a "id" : "01b20430-49fa-77ec-b36c-acb9934a4424" at 2027-01-02T06:56:43.257528Z b', True),
        ('a "ID" : "01b20430-49fa-77ec-b36c-acb9934a4424" at 2027-01-02T06:56:43.257528Z b', False),
        ('a "id" : "none" at 2027-01-02T06:56:43.257528Z b', False),
        ('a "id" : "01b20430-49fa-77ec-b36c-acb9934a4424" at noon b', False),
        ('a "id" : "01b20430-49fa-77ec-b36c-acb9934a4424" at 2027-01-02T06:56:43.257528Z ', False),
    ],
)
def test_what_is_another_is_noticed(said: str, same: bool) -> None:
    assert fits(said, WRITTEN) == same
