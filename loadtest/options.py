"""What a run can be told, by the command line or by the environment: the story fixes no address and no account."""

import re
from dataclasses import dataclass
from typing import Any

from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

FUNCTIONS = ("auth", "projects", "issues", "comments")

# (option, type, default, what it is for); the variable of --sign-ins is LOADTEST_SIGN_INS, and so on
OPTIONS: tuple[tuple[str, type, object, str], ...] = (
    ("--pace", float, 1.0, "how many times as fast as a person everybody works"),
    ("--names", str, "dev1-40,manager1-9,admin", "the accounts that are played, in turn: names, or names with a range"),
    ("--password", str, "", "the password of all of them; better given as LOADTEST_PASSWORD"),
    ("--project", str, "", "the only project to work in, by its name; else every project that is not archived"),
    ("--admin", str, "", "prepare as this account: make the accounts and the project that are missing"),
    ("--admin-password", str, "", "its password; better given as LOADTEST_ADMIN_PASSWORD"),
    ("--sign-ins", float, 240.0, "sign-ins a minute, at most: each costs the server a slow hash on purpose"),
    ("--step-seconds", float, 60.0, "how long a step of loadtest/steps.py lasts"),
    ("--steps", str, "25,50,100,150,200,250", "how many users the steps of loadtest/steps.py have"),
    *((f"--{name}-url", str, "", f"where {name} answers, if not at --host") for name in FUNCTIONS),
)

_RANGE = re.compile(r"(.*?)(\d+)-(\d+)")


class OptionsError(Exception):
    """An option is missing or wrong; the text is one line that names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a run, checked."""

    addresses: dict[str, str]
    """Where each function answers."""
    pace: float
    names: list[str]
    password: str
    project: str
    admin: str
    admin_password: str
    sign_ins: float
    insecure: bool
    step_seconds: float
    steps: list[int]

    @classmethod
    def read(cls, environment: Environment) -> "Options":
        """The options that Locust has parsed.

        Raises:
            OptionsError: one is missing or wrong.
        """
        given: dict[str, Any] = vars(environment.parsed_options)
        if not given["host"]:
            raise OptionsError("--host is missing: the address of the API, such as http://127.0.0.1:8000")
        if not given["password"]:
            raise OptionsError("LOADTEST_PASSWORD is missing: the password of the accounts that are played")
        for name in ("pace", "sign_ins", "step_seconds"):
            if not given[name] > 0:
                raise OptionsError(f"--{name.replace('_', '-')} must be more than 0")
        if not re.fullmatch(r"[1-9]\d*(,[1-9]\d*)*", given["steps"]):
            raise OptionsError("--steps must be numbers of users, such as 10,20,40")
        return cls(
            addresses={name: (given[f"{name}_url"] or given["host"]).rstrip("/") for name in FUNCTIONS},
            names=expand(given["names"]),
            steps=[int(step) for step in given["steps"].split(",")],
            **{name: given[name] for name in cls.__slots__ if name not in ("addresses", "names", "steps")},
        )


def add_options(parser: LocustArgumentParser) -> None:
    """Teach them to Locust's own parser, so that ``--help`` shows them and a configuration file may hold them."""
    for option, kind, default, text in OPTIONS:
        variable = f"LOADTEST_{option.removeprefix('--').replace('-', '_').upper()}"
        secret = {"is_secret": True} if option.endswith("password") else {}
        parser.add_argument(option, type=kind, default=default, help=text, env_var=variable, **secret)
    text = "believe every certificate, such as one that nobody has signed"
    parser.add_argument("--insecure", action="store_true", help=text, env_var="LOADTEST_INSECURE")


def expand(names: str) -> list[str]:
    """``dev1-3,admin`` as dev1, dev2, dev3 and admin.

    Raises:
        OptionsError: there is no name in it.
    """
    expanded: list[str] = []
    for name in filter(None, (part.strip() for part in names.split(","))):
        if match := _RANGE.fullmatch(name):
            expanded += [f"{match[1]}{number}" for number in range(int(match[2]), int(match[3]) + 1)]
        else:
            expanded.append(name)
    if not expanded:
        raise OptionsError("--names has no name in it")
    return expanded
