"""Print a kubeconfig without a secret: its user is whoever GitHub says that this job is (docs/decisions/0024)."""

import argparse
import json
import sys
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PEM = "-----BEGIN CERTIFICATE-----"


def kubeconfig(server: str, authority: str, namespace: str, audience: str) -> dict[str, Any]:
    """A kubeconfig (v1) for a server whose certificate this authority has signed, with a plugin that asks GitHub."""
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-m", "delivery.deploy.github_token", "--audience", audience],
        "env": [{"name": "PYTHONPATH", "value": str(ROOT)}],
        "interactiveMode": "Never",
    }
    cluster = {"server": server, "certificate-authority-data": b64encode(authority.encode()).decode()}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": "github", "user": {"exec": plugin}}],
        "contexts": [{"name": "deploy", "context": {"cluster": "cluster", "user": "github", "namespace": namespace}}],
        "current-context": "deploy",
    }


def main(arguments: Sequence[str]) -> int:
    """Print it; 0 when done, 2 when it was asked for wrongly."""
    parser = argparse.ArgumentParser(prog="python -m delivery.deploy.kubeconfig", description=__doc__)
    parser.add_argument("--server", required=True, metavar="URL", help="of the cluster's API: https://…")
    parser.add_argument("--ca", required=True, metavar="PEM", help="certificate authority of that server, as text")
    parser.add_argument("--namespace", default="flycatcher", help="default: %(default)s")
    parser.add_argument("--audience", required=True, metavar="NAME", help="that the cluster wants in a token")
    args = parser.parse_args(arguments)
    if not args.server.startswith("https://"):
        print("kubeconfig: --server must be https://…: a token goes there", file=sys.stderr)
        return 2
    if not args.audience:
        print("kubeconfig: --audience is empty; it is the one of the cluster's authentication.yaml", file=sys.stderr)
        return 2
    if not args.ca.startswith(PEM):
        print(f"kubeconfig: --ca is the text of a certificate, {PEM}… and not the name of its file", file=sys.stderr)
        return 2
    # JSON is YAML too.
    print(json.dumps(kubeconfig(args.server, args.ca, args.namespace, args.audience), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
