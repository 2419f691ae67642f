"""The Secrets of the namespace in which this pod runs, by Kubernetes' API."""

import json
import os
import ssl
from base64 import b64decode, b64encode
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where every pod that may ask finds its token, the API's certificate authority and its namespace."""
TIMEOUT_SECONDS = 10
MANAGER = "flycatcher"
LABELS = {"app.kubernetes.io/part-of": "flycatcher"}
TYPES = {frozenset({"tls.crt", "tls.key"}): "kubernetes.io/tls"}
"""Of a Secret with just these keys; all others are opaque."""

Files = Mapping[str, bytes]


class KubernetesError(Exception):
    """The API cannot be asked, or refuses; the text is one line that says why."""


def read_secret(name: str) -> Files:
    """The files of a Secret; none where there is no Secret of this name.

    Raises:
        KubernetesError: the API cannot be asked, or refuses.
    """
    found = _ask("GET", name)
    return {key: b64decode(value) for key, value in (found.get("data") or {}).items()}


def write_secret(name: str, files: Files) -> None:
    """Make a Secret of these files, or replace the one that is there ("server-side apply").

    Raises:
        KubernetesError: the API cannot be asked, or refuses.
    """
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": LABELS},
        "type": TYPES.get(frozenset(files), "Opaque"),
        "data": {key: b64encode(content).decode() for key, content in files.items()},
    }
    _ask("PATCH", name, json.dumps(secret).encode())


def _ask(method: str, name: str, body: bytes | None = None) -> dict[str, Any]:
    try:
        # What http.client refuses of a header, a line's end for one, it shows in its error.
        token, namespace = ((ACCOUNT / part).read_text(encoding="utf-8").strip() for part in ("token", "namespace"))
        host, port = os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"])
        trust = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    except (OSError, KeyError, ValueError) as error:
        problem = f"this is no pod with a token for Kubernetes' API: {error}"
        raise KubernetesError(f"{problem}; outside of one leave --kubernetes out") from error
    path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/apply-patch+yaml"}
    connection = HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS, context=trust)
    try:
        query = f"?fieldManager={MANAGER}&force=true" if body else ""
        connection.request(method, path + query, body, headers)
        response = connection.getresponse()
        answer: dict[str, Any] = json.loads(response.read() or b"{}")
    except (OSError, HTTPException, ValueError) as error:
        raise KubernetesError(f"cannot ask Kubernetes' API at {host}:{port}: {error}") from error
    finally:
        connection.close()
    if response.status == HTTPStatus.NOT_FOUND and method == "GET":
        return {}
    if response.status >= HTTPStatus.BAD_REQUEST:
        raise KubernetesError(f"Kubernetes' API refuses: {response.status} {answer.get('message', '')}".strip())
    return answer
