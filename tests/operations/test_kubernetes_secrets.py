"""The secrets of a deployment as Secrets of the namespace, made through Kubernetes' API (a stand-in of it, by TLS)."""

import json
import ssl
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from operations import kubernetes
from operations.__main__ import main
from operations.certificate import make_certificate
from operations.keys import rotate_keys
from operations.secrets import PLACES

TOKEN = "token-of-the-pod"
PREFIX = "/api/v1/namespaces/trial/secrets/"


@dataclass
class Api:
    """What the API keeps, and what it was asked."""

    port: int = 0
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    refusal: int | None = None

    def files(self, name: str) -> dict[str, bytes]:
        return {key: b64decode(value) for key, value in self.kept[name]["data"].items()}


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        def _name(self) -> str:
            assert self.headers["Authorization"] == f"Bearer {TOKEN}"
            parts = urlsplit(self.path)
            assert parts.path.startswith(PREFIX)
            name = parts.path.removeprefix(PREFIX)
            api.asked.append((self.command, name))
            return name

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(api.refusal or status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            secret = self._name()
            if secret in api.kept:
                self._answer(200, api.kept[secret])
            else:
                self._answer(404, {"message": f'secrets "{secret}" not found'})

        def do_PATCH(self) -> None:
            secret = self._name()
            assert self.headers["Content-Type"] == "application/apply-patch+yaml"
            assert parse_qs(urlsplit(self.path).query) == {"fieldManager": ["flycatcher"], "force": ["true"]}
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert (body["apiVersion"], body["kind"], body["metadata"]["name"]) == ("v1", "Secret", secret)
            if not api.refusal:
                api.kept[secret] = body
            self._answer(201, {"message": "no rights"})

        def log_message(self, *_: object) -> None:
            pass

    account = tmp_path / "account"
    make_certificate(account, ["127.0.0.1"])
    (account / "tls.crt").rename(account / "ca.crt")
    (account / "token").write_text(TOKEN)
    (account / "namespace").write_text("trial")
    monkeypatch.setattr(kubernetes, "ACCOUNT", account)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(account / "ca.crt", account / "tls.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        api.port = server.server_port
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(api.port))
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield api
        server.shutdown()
        thread.join()


def _run(tmp_path: Path, run: int = 0) -> int:
    """The command as a new pod runs it, whose directory is empty."""
    return main(["secrets", str(tmp_path / f"pod{run}"), "--kubernetes"])


def test_a_new_namespace_gets_a_secret_for_each_place(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(tmp_path) == 0
    out, err = capsys.readouterr()
    assert out == f"the secrets are in the namespace: {', '.join(PLACES)}\n"
    assert err == ""
    assert set(api.kept) == set(PLACES)
    assert {name: secret["type"] for name, secret in api.kept.items() if secret["type"] != "Opaque"} == {
        "tls": "kubernetes.io/tls"
    }
    assert set(api.files("tls")) == {"tls.crt", "tls.key"}
    assert api.files("owner")["database-owner-url"].endswith(b"@postgres:5432/flycatcher")
    assert {secret["metadata"]["labels"]["app.kubernetes.io/part-of"] for secret in api.kept.values()} == {"flycatcher"}


def test_what_is_there_stays_and_is_not_written_again(api: Api, tmp_path: Path) -> None:
    assert _run(tmp_path) == 0
    before = {name: api.files(name) for name in api.kept}
    api.asked.clear()
    assert _run(tmp_path, 1) == 0
    assert api.asked == [("GET", name) for name in PLACES]
    assert {name: api.files(name) for name in api.kept} == before


def test_a_secret_of_somebody_else_is_built_upon(api: Api, tmp_path: Path) -> None:
    url = b"postgresql://theirs:secret@elsewhere/db"
    api.kept["owner"] = {"data": {key: b64encode(url).decode() for key in ("database-owner-url", "password")}}
    assert _run(tmp_path) == 0
    assert api.files("owner")["database-owner-url"] == url
    assert ("PATCH", "owner") not in api.asked


def test_a_rotation_of_the_signing_key_is_published(api: Api, tmp_path: Path) -> None:
    assert _run(tmp_path) == 0
    signing, old = tmp_path / "signing", api.files("public")["public.json"]
    signing.mkdir()
    for name, content in api.files("signing").items():
        (signing / name).write_bytes(content)
    rotate_keys(signing)
    kubernetes.write_secret("signing", {path.name: path.read_bytes() for path in signing.iterdir()})
    api.asked.clear()
    assert _run(tmp_path, 1) == 0
    assert [name for method, name in api.asked if method == "PATCH"] == ["public"]
    keys = [key["kid"] for key in json.loads(api.files("public")["public.json"])["keys"]]
    assert len(keys) == 2
    assert keys[1:] == [key["kid"] for key in json.loads(old)["keys"]]


def test_a_refusal_is_one_line_that_shows_no_secret(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.refusal = 403
    assert _run(tmp_path) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("secrets: Kubernetes' API refuses: 403 ")
    assert err.count("\n") == 1
    assert TOKEN not in err
    assert api.kept == {}


def test_an_api_that_somebody_else_certified_is_not_told_the_token(api: Api, tmp_path: Path) -> None:
    other = tmp_path / "other"
    make_certificate(other, ["127.0.0.1"])
    (kubernetes.ACCOUNT / "ca.crt").write_bytes((other / "tls.crt").read_bytes())
    assert _run(tmp_path) == 1
    assert api.asked == []


def test_outside_of_a_pod_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kubernetes, "ACCOUNT", tmp_path / "nothing")
    assert _run(tmp_path) == 1
    assert capsys.readouterr().err.startswith("secrets: this is no pod with a token for Kubernetes' API: ")
