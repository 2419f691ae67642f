"""Before the first developer comes in: is the server there, does it let us, and has it what the story needs?"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment

from loadtest.client import Answer, Client
from loadtest.options import Options
from loadtest.session import Gate

log = logging.getLogger(__name__)

TIGHT_PER_MINUTE = 10_000


class PrepareError(Exception):
    """The run cannot start; the text is one line that says why."""


def prepare(options: Options) -> None:
    """Look at the server, and make the accounts and the project where an admin is named.

    None of this is in the statistics: the requests belong to an environment that nobody reads.

    Raises:
        PrepareError: the server does not answer, or refuses.
    """
    session = FastHttpSession("", Environment().events.request, None, insecure=options.insecure)
    client = Client(session, options.addresses)
    answer = client.call("GET", "/.well-known/jwks.json")
    demand(answer, "200", "The first look at the server")
    if (limit := int(answer.headers.get("RateLimit-Limit") or TIGHT_PER_MINUTE)) < TIGHT_PER_MINUTE:
        log.warning("The server takes %s requests a minute from us all: raise its RATE_LIMIT_PER_MINUTE.", limit)
    if options.admin:
        make_accounts(client, options)
        if options.project:
            make_project(client, options)
    look_in(client, options)


def make_accounts(client: Client, options: Options) -> None:
    """Register every account that is missing. Registering is open to anyone, and takes as long as signing in."""
    gate = Gate(options.sign_ins)
    made = 0
    for name in options.names:
        gate.wait()
        account = {"username": name, "email": f"{name}@loadtest.example", "password": options.password}
        answer = client.call("POST", "/api/auth/register", body=account)
        demand(answer, "201", f"Registering {name}", or_else="409 already_exists")
        made += answer.outcome == "201"
    log.info("Registered %s of %s accounts; the others were there.", made, len(options.names))


def make_project(client: Client, options: Options) -> None:
    """Only a manager or an admin may."""
    with signed_in(client, options.admin, options.admin_password) as headers:
        project = {"name": options.project, "description": "Made by the load test, for the load test."}
        answer = client.call("POST", "/api/projects", body=project, headers=headers)
        demand(answer, "201", f"Making the project {options.project}", or_else="409 already_exists")


def look_in(client: Client, options: Options) -> None:
    """Whether the accounts and the project are there, told by one account: fifty would fail for the same reason."""
    with signed_in(client, options.names[0], options.password) as headers:
        answer = client.call("GET", "/api/projects", query={"limit": 100}, headers=headers)
        demand(answer, "200", "Looking for the projects")
        names = {project["name"] for project in answer.body["items"]}
        if not names or options.project not in {"", *names}:
            raise PrepareError(
                f"There is no project {options.project} to work in, or it is archived: name another, or an --admin."
            )


@contextmanager
def signed_in(client: Client, name: str, password: str) -> Iterator[dict[str, str]]:
    """A short session: what says who is calling.

    Raises:
        PrepareError: the account is refused.
    """
    answer = client.call("POST", "/api/auth/login", body={"username": name, "password": password})
    demand(answer, "200", f"Signing in as {name}")
    try:
        yield {"Authorization": f"Bearer {answer.body['access_token']}"}
    finally:
        client.call("POST", "/api/auth/logout", body={"refresh_token": answer.body["refresh_token"]})


def demand(answer: Answer, outcome: str, what: str, *, or_else: str = "") -> None:
    """Go on only after this outcome, or the other.

    Raises:
        PrepareError: it was something else.
    """
    if answer.outcome not in (outcome, or_else):
        detail = (answer.body or {}).get("detail") or "and nothing more is said"
        if answer.outcome.startswith("no answer"):
            detail = "is it running there? make run starts one, URL=https://… names another"
        raise PrepareError(f"{what}: {answer.outcome}, {detail}")


def refuse(error: Exception) -> None:
    """End before anything has started, as for a wrong command line."""
    print(f"loadtest: {error}", file=sys.stderr)
    sys.exit(2)
