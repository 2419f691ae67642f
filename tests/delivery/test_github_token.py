"""Credentials without a secret that somebody keeps: GitHub's token of a job, asked for by the real kubectl."""

import json
import os
import re
import subprocess
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from delivery.deploy import github_token, kubeconfig
from operations.certificate import make_certificate
from tests.support.cluster import served
from tests.support.manifests import KUBECTL, NAMESPACE
from tests.support.serving import serving

AUDIENCE = "flycatcher-production"
REQUEST_TOKEN = "token-to-ask-with"


def token(seconds: float) -> str:
    """A token with an end, whose signature nobody looks at here."""
    claims = urlsafe_b64encode(json.dumps({"exp": int(time.time() + seconds)}).encode()).decode().rstrip("=")
    return f"head.{claims}.signature"


@dataclass
class GitHub:
    """What gives out tokens."""

    port: int = 0
    life: float = 300
    status: int = 200
    given: list[str] = field(default_factory=list)
    asked: list[tuple[str | None, dict[str, list[str]]]] = field(default_factory=list)

    @property
    def environ(self) -> dict[str, str]:
        """What a job with the permission finds in its environment."""
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://127.0.0.1:{self.port}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
        }


@contextmanager
def github_served() -> Iterator[GitHub]:
    """Serve it on 127.0.0.1."""
    github = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            github.asked.append((self.headers["Authorization"], parse_qs(urlsplit(self.path).query)))
            github.given.append(token(github.life + len(github.given)))
            content = json.dumps({"value": github.given[-1]}).encode()
            self.send_response(github.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as github.port:
        yield github


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """A GitHub that this job may ask."""
    with github_served() as github:
        for name, value in github.environ.items():
            monkeypatch.setenv(name, value)
        yield github


def test_it_asks_for_its_audience_and_says_when_kubectl_has_to_ask_again(
    github: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert github_token.main(["--audience", AUDIENCE]) == 0
    told = json.loads(capsys.readouterr().out)
    assert github.asked == [(f"Bearer {REQUEST_TOKEN}", {"api-version": ["2.0"], "audience": [AUDIENCE]})]
    assert (told["apiVersion"], told["kind"]) == ("client.authentication.k8s.io/v1", "ExecCredential")
    assert told["status"]["token"] == github.given[0]
    left = datetime.fromisoformat(told["status"]["expirationTimestamp"]) - datetime.now(UTC)
    assert 240 < left.total_seconds() < github.life - 20


def test_without_the_permission_it_says_what_to_write(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert github_token.main(["--audience", AUDIENCE]) == 1
    out, err = capsys.readouterr()
    assert not out
    assert re.fullmatch("github_token: .*'permissions: id-token: write'\n", err)


@pytest.mark.parametrize("wrong", [{"status": 500}, {"life": None}, {"port": 1}], ids=str)
def test_a_github_that_gives_none_is_one_line_without_a_token(
    wrong: dict[str, int], github: GitHub, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    github.status = wrong.get("status", 200)
    if "life" in wrong:
        monkeypatch.setitem(globals(), "token", lambda _: "no-token-with-an-end")
    if "port" in wrong:
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "http://127.0.0.1:1/token?a=b")
    assert github_token.main(["--audience", AUDIENCE]) == 1
    out, err = capsys.readouterr()
    assert not out
    assert re.fullmatch("github_token: .*\n", err)
    assert "signature" not in err
    assert REQUEST_TOKEN not in err


def test_kubectl_signs_in_with_it_by_the_kubeconfig_that_is_printed(
    github: GitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_certificate(tmp_path / "tls", ["127.0.0.1"])
    with served(NAMESPACE, tmp_path / "tls") as cluster:
        server = f"https://127.0.0.1:{cluster.port}"
        authority = (tmp_path / "tls" / "tls.crt").read_text(encoding="utf-8")
        arguments = ["--server", server, "--ca", authority, "--audience", AUDIENCE]
        assert kubeconfig.main(arguments) == 0
        (tmp_path / "config").write_text(capsys.readouterr().out)
        # From anywhere, and each kubectl asks anew: a deploy takes longer than a token lives.
        environ = {**os.environ, "KUBECONFIG": str(tmp_path / "config"), "HOME": str(tmp_path)}
        for _ in range(2):
            command = [str(KUBECTL), "get", "configmaps"]
            done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S603  # ours
            assert done.returncode == 0, done.stderr
        assert len(github.given) == 2
        assert set(cluster.shown) == set(github.given)
    assert REQUEST_TOKEN not in (tmp_path / "config").read_text()


WRONG = {
    "a server without TLS": (["--server", "http://kubernetes"], "--server must be https"),
    "no audience": (["--audience", ""], "--audience is empty"),
    "a file's name": (["--ca", "/tls/ca.crt"], "--ca is the text of a certificate"),
}


@pytest.mark.parametrize(("arguments", "reason"), WRONG.values(), ids=WRONG)
def test_a_kubeconfig_that_could_not_work_is_not_printed(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    right = ["--server", "https://kubernetes", "--ca", kubeconfig.PEM, "--audience", AUDIENCE]
    assert kubeconfig.main([*right, *arguments]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert re.fullmatch(f"kubeconfig: {reason}.*\n", err)
