"""Make the first administrator of a deployment: ``python -m operations create-admin``."""

import argparse
import sys
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path

import psycopg
from pydantic import ValidationError
from uuid_utils.compat import uuid7

from functions.auth.schemas import Registration
from operations.accounts import Account, user_row, weaknesses
from operations.console import finish, owner_url
from operations.rows import add
from shared.settings import SettingsError


class TakenError(Exception):
    """The user name or the e-mail address belongs to someone; the text says so."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command. None takes the password: arguments can be read by every process of the machine."""
    parser.description = "Make an administrator in the database of DATABASE_OWNER_URL. Asks for the password twice."
    parser.add_argument("--username", required=True, metavar="NAME")
    parser.add_argument("--email", required=True, metavar="ADDRESS")
    parser.add_argument("--password-file", metavar="FILE", help="read the password from here; - for standard input")


def run(args: argparse.Namespace) -> int:
    """The command: 0 when made, 1 when taken or PostgreSQL fails, 2 when something given to it is wrong."""
    return finish("create-admin", lambda: _create(args), TakenError, EOFError)


def _create(args: argparse.Namespace) -> str:
    url = owner_url()
    new = _checked(args.username, args.email, _read_password(args.password_file))
    account = Account(uuid7(), new.username, new.email, "admin", datetime.now(UTC))
    with psycopg.connect(url) as connection:
        if not add(connection, "users", [user_row(account, new.password)]):
            raise TakenError(f"the user name {new.username} or the e-mail address {new.email} is taken")
    return f"made the administrator {new.username}, id {account.id}"


def _read_password(path: str | None) -> str:
    """The password: typed twice, or the first line of a file."""
    if path is None:
        if not sys.stdin.isatty():
            raise SettingsError("there is no terminal to ask for the password; use --password-file")
        password = getpass("Password: ")
        if getpass("Again: ") != password:
            raise SettingsError("the passwords differ")
        return password
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(f"cannot read {path}: {reason}") from None
    return text.split("\n")[0].removesuffix("\r")


def _checked(username: str, email: str, password: str) -> Registration:
    try:
        new = Registration(username=username, email=email, password=password)
    except ValidationError as error:
        wrong = [f"--{fault['loc'][0]}: {fault['msg']}" for fault in error.errors(include_input=False)]
        raise SettingsError("\n".join(wrong)) from None
    if weak := weaknesses(new.password, new.username):
        raise SettingsError("\n".join(f"password: {weakness}" for weakness in weak))
    return new
