"""The self-signed certificate: what TLS clients make of it, and when it is made anew."""

import socket
import ssl
import stat
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from operations import certificate
from operations.__main__ import main
from operations.certificate import make_certificate


def _hello(directory: Path, name: str) -> None:
    """A handshake with a client that trusts this certificate alone, as strictly as Python can."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(directory / "tls.crt", directory / "tls.key")
    client = ssl.create_default_context(cafile=str(directory / "tls.crt"))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()

    def answer() -> None:
        with ours, suppress(OSError):  # the client says what it thinks of the certificate
            server.wrap_socket(ours, server_side=True).close()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        with theirs:
            client.wrap_socket(theirs, server_hostname=name).close()
    finally:
        thread.join(10)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_clients_take_it_for_the_names_that_it_is_for(tmp_path: Path, name: str) -> None:
    assert make_certificate(tmp_path)
    _hello(tmp_path, name)


def test_clients_do_not_take_it_for_another_name(tmp_path: Path) -> None:
    make_certificate(tmp_path, ["localhost"])
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        _hello(tmp_path, "example.com")


def test_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    assert stat.S_IMODE((tmp_path / "tls.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "tls.crt").stat().st_mode) == 0o644


def test_one_that_serves_is_kept_and_another_is_made_for_other_names(tmp_path: Path) -> None:
    make_certificate(tmp_path, ["localhost"])
    first = (tmp_path / "tls.crt").read_bytes()
    assert not make_certificate(tmp_path, ["LocalHost"])
    assert (tmp_path / "tls.crt").read_bytes() == first
    assert make_certificate(tmp_path, ["localhost", "*.corp.example"])
    _hello(tmp_path, "bugs.corp.example")


@pytest.mark.parametrize(("days", "made"), [(31, False), (29, True), (-1, True)])
def test_it_is_made_anew_in_its_last_thirty_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, made: bool
) -> None:
    monkeypatch.setattr(certificate, "LIFE", timedelta(days=days, minutes=1))
    monkeypatch.setattr(certificate, "CLOCKS_APART", timedelta(days=2))
    make_certificate(tmp_path)
    assert make_certificate(tmp_path) is made


def test_one_that_somebody_else_signed_is_never_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_certificate(tmp_path)
    kept = x509.load_pem_x509_certificate((tmp_path / "tls.crt").read_bytes())
    monkeypatch.setattr(x509, "load_pem_x509_certificate", lambda _: _Signed(kept))
    assert not make_certificate(tmp_path, ["another.example"])


class _Signed:
    """A certificate whose issuer is not its subject."""

    def __init__(self, certificate: x509.Certificate) -> None:
        self.subject = certificate.subject
        self.issuer = x509.Name([])
        self.public_key = certificate.public_key


NO_NAMES = ("", "a b", "-x.example", "x..example", "https://x.example", "x" * 64, "a." * 130 + "b")


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["certificate", str(tmp_path), f"--name={name}"]) == 2
    assert capsys.readouterr().err == f"certificate: {name} is no host name and no IP address\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lost", ["tls.key", "tls.crt"])
def test_half_of_a_pair_is_no_pair(tmp_path: Path, lost: str) -> None:
    make_certificate(tmp_path / "other")
    make_certificate(tmp_path)
    (tmp_path / lost).unlink()
    assert make_certificate(tmp_path)
    (tmp_path / "other" / lost).replace(tmp_path / lost)
    assert make_certificate(tmp_path)
    _hello(tmp_path, "localhost")


def test_the_command_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for word in ("made", "kept"):
        assert main(["certificate", str(tmp_path / "tls")]) == 0
        assert capsys.readouterr().out == f"{word} {tmp_path}/tls/tls.crt\n"


def test_what_cannot_be_read_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tls.crt").write_text("not a certificate")
    (tmp_path / "tls.key").write_text("not a key")
    assert main(["certificate", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("certificate: ")
    assert (tmp_path / "tls.crt").read_text() == "not a certificate"
