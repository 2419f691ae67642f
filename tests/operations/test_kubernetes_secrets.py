"""The secrets of a deployment as Secrets of the namespace, made through Kubernetes' API (a stand-in of it, by TLS)."""

import json
import socket
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from operations import kubernetes
from operations.__main__ import main
from operations.certificate import make_certificate
from operations.keys import rotate_keys
from operations.secrets import PLACES
from tests.support.kubernetes_api import TOKEN, Api, served


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    with served(tmp_path, "trial") as api:
        monkeypatch.setattr(kubernetes, "ACCOUNT", api.account)
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(api.port))
        yield api


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


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_one_line_that_shows_no_secret(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    """404 is what there is not yet for who reads, and a namespace that is not there for who writes."""
    api.refusal = status
    assert _run(tmp_path) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"secrets: Kubernetes' API refuses: {status} ")
    assert err.count("\n") == 1
    assert TOKEN not in err
    assert api.kept == {}


def test_a_token_that_ends_in_a_line_end_is_the_token(api: Api, tmp_path: Path) -> None:
    (api.account / "token").write_text(f"{TOKEN}\n")
    assert _run(tmp_path) == 0
    assert set(api.kept) == set(PLACES)


def test_a_port_that_is_none_is_one_line(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "tcp://10.0.0.1:443")
    assert _run(tmp_path) == 1
    assert capsys.readouterr().err.startswith("secrets: this is no pod with a token for Kubernetes' API: ")
    assert api.asked == []


def test_an_api_that_does_not_answer_is_one_line(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(kubernetes, "TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(port))
        assert _run(tmp_path) == 1
    assert capsys.readouterr().err.startswith(f"secrets: cannot ask Kubernetes' API at 127.0.0.1:{port}: ")
    assert api.asked == []


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
