"""Print a token of GitHub's for this job, as kubectl asks its plugins for one: the user of our kubeconfig."""

import argparse
import json
import os
import sys
import time
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.parse import quote
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from delivery.deploy.errors import DeliveryError

ASK, WITH = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
TIMEOUT_SECONDS = 20
EARLY_SECONDS = 30
"""kubectl asks again so long before a token ends: one that it sends is still good when it comes."""


def request_token(environ: Mapping[str, str], audience: str) -> str:
    """Ask GitHub for a token of this job with this audience.

    Raises:
        DeliveryError: this job may not ask, or GitHub does not answer; the text holds no token.
    """
    if not environ.get(ASK) or not environ.get(WITH):
        raise DeliveryError(f"{ASK} is missing: the job needs 'permissions: id-token: write'")
    url = f"{environ[ASK]}&audience={quote(audience, safe='')}"
    try:
        request = Request(url, headers={"Authorization": f"Bearer {environ[WITH]}"})  # noqa: S310  # GitHub's own URL
        with _opener().open(request, timeout=TIMEOUT_SECONDS) as answer:
            token = json.load(answer)["value"]
    # What http.client refuses of a header it shows in its error.
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        raise DeliveryError(f"GitHub gives no token: {getattr(error, 'code', type(error).__name__)}") from None
    if not isinstance(token, str):
        raise DeliveryError("GitHub gives no token: its value is no text")
    return token


def _opener() -> OpenerDirector:
    """By HTTP alone, and without redirects: what is asked with goes to nobody else."""
    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler(), HTTPErrorProcessor(), HTTPDefaultErrorHandler()):
        opener.add_handler(handler)
    return opener


def credential(token: str) -> dict[str, Any]:
    """What kubectl takes (ExecCredential, client.authentication.k8s.io/v1), good until a little before the token ends.

    Raises:
        DeliveryError: it is no JSON Web Token with an end.
    """
    try:
        claims = token.split(".")[1]
        ends = int(json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"])
    except (IndexError, ValueError, KeyError, TypeError) as error:
        raise DeliveryError("what GitHub gave is no token with an end") from error
    until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends - EARLY_SECONDS))
    return {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": token, "expirationTimestamp": until},
    }


def main(arguments: Sequence[str]) -> int:
    """Print the credential; 0 when done, 1 when there is none."""
    parser = argparse.ArgumentParser(prog="python -m delivery.deploy.github_token", description=__doc__)
    parser.add_argument("--audience", required=True, metavar="NAME", help="who the token is for")
    args = parser.parse_args(arguments)
    try:
        print(json.dumps(credential(request_token(os.environ, args.audience))))
    except DeliveryError as error:
        print(f"github_token: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
