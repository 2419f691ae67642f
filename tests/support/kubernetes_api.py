"""A stand-in of Kubernetes' API, by TLS, which knows Secrets and nothing else."""

import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from operations.certificate import make_certificate
from tests.support.serving import serving

TOKEN = "token-of-the-pod"
APPLY = {"fieldManager": ["flycatcher"], "force": ["true"]}
"""How a Secret is written: "server-side apply"."""


@dataclass
class Api:
    """What the API keeps, and what it was asked."""

    namespace: str
    account: Path
    """What a pod with a token finds at /var/run/secrets/kubernetes.io/serviceaccount."""
    port: int = 0
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    refusal: int | None = None
    """The status of every answer, where it is to refuse."""

    def files(self, name: str) -> dict[str, bytes]:
        """What is in a Secret."""
        return {key: b64decode(value) for key, value in self.kept[name]["data"].items()}

    def answer(self, method: str, url: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """What is answered to a request, with its status."""
        parts = urlsplit(url)
        prefix = f"/api/v1/namespaces/{self.namespace}/secrets/"
        assert headers["authorization"] == f"Bearer {TOKEN}"
        assert parts.path.startswith(prefix)
        name = parts.path.removeprefix(prefix)
        self.asked.append((method, name))
        if self.refusal:
            return self.refusal, {"message": "no rights"}
        if method == "PATCH":
            assert headers["content-type"] == "application/apply-patch+yaml"
            assert parse_qs(parts.query) == APPLY
            secret = json.loads(body)
            assert (secret["apiVersion"], secret["kind"], secret["metadata"]["name"]) == ("v1", "Secret", name)
            self.kept[name] = secret
            return 201, secret
        if name in self.kept:
            return 200, self.kept[name]
        return 404, {"message": f'secrets "{name}" not found'}


@contextmanager
def served(directory: Path, namespace: str, host: str = "127.0.0.1") -> Iterator[Api]:
    """Serve the API on an address of this machine."""
    account = directory / "account"
    make_certificate(account, [host])
    (account / "tls.crt").rename(account / "ca.crt")
    (account / "token").write_text(TOKEN)
    (account / "namespace").write_text(namespace)
    api = Api(namespace, account)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, told = api.answer(self.command, self.path, headers, body)
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_PATCH(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with serving(ThreadingHTTPServer((host, 0), Handler), account / "ca.crt", account / "tls.key") as api.port:
        (account / "tls.key").unlink()
        yield api
