"""TLS as Mozilla's "intermediate" has it, a certificate for the names that it is asked by, and no way around either."""

import socket
import ssl
import warnings
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2 as httpx
import pytest

from shared.http.headers import SECURITY_HEADERS
from tests.containers.conftest import Stack
from tests.containers.gateway import functions_that_saw, new_id
from tests.support.wire import connect, exchange

HSTS = "Strict-Transport-Security"
REDIRECTED = {
    "GET-/": "/",
    "GET-/api/issues?search=a%20b&page=2": "/api/issues?search=a%20b&page=2",
    "GET-/api/issues/%2e%2e?x=%0d%0ay": "/api/issues/%2e%2e?x=%0d%0ay",
    "POST-/api/auth/login": "/api/auth/login",
    "PATCH-/api/users/x?y=z": "/api/users/x?y=z",
    "DELETE-/api/users/x": "/api/users/x",
    "GET-/metrics": "/metrics",
}
"""What is sent in the clear, and where it is sent to."""
TOLD_EVERYWHERE = {
    "/api/issues": 401,
    "/nothing": 404,
    "/.well-known/jwks.json": 200,
    "/api/openapi.json": 200,
    "/api/docs": 200,
    "/api/issues/%zz": 400,
}


class Offer(NamedTuple):
    """What a client offers: a version of TLS, and ciphers of TLS 1.2 and before (OpenSSL's names)."""

    version: ssl.TLSVersion
    ciphers: str = "ALL:@SECLEVEL=0"


AGREED = {
    "tls-1.3": Offer(ssl.TLSVersion.TLSv1_3),
    "tls-1.2": Offer(ssl.TLSVersion.TLSv1_2),
    "tls-1.2-aes-128-gcm": Offer(ssl.TLSVersion.TLSv1_2, "ECDHE+AESGCM"),
    "tls-1.2-chacha20": Offer(ssl.TLSVersion.TLSv1_2, "ECDHE+CHACHA20"),
}
REFUSED = {
    "tls-1.1": Offer(ssl.TLSVersion.TLSv1_1),
    "tls-1.0": Offer(ssl.TLSVersion.TLSv1),
    "no-forward-secrecy": Offer(ssl.TLSVersion.TLSv1_2, "kRSA:@SECLEVEL=0"),
    "cbc": Offer(ssl.TLSVersion.TLSv1_2, "ECDHE+AES:!AESGCM:!AESCCM:@SECLEVEL=0"),
    "no-authentication": Offer(ssl.TLSVersion.TLSv1_2, "aNULL:@SECLEVEL=0"),
    "no-encryption": Offer(ssl.TLSVersion.TLSv1_2, "eNULL:@SECLEVEL=0"),
    "finite-field": Offer(ssl.TLSVersion.TLSv1_2, "DHE:@SECLEVEL=0"),
}


def offering(context: ssl.SSLContext, offer: Offer) -> ssl.SSLContext:
    """The context with nothing but the offer."""
    with warnings.catch_warnings(category=DeprecationWarning, action="ignore"):  # old versions are the point
        context.minimum_version = context.maximum_version = offer.version
    context.set_ciphers(offer.ciphers)
    return context


def refused_by(context: ssl.SSLContext, port: int) -> str:
    """Why the handshake failed, as OpenSSL has it: an alert is what the other side said."""
    with socket.create_connection(("localhost", port), timeout=5) as connection, pytest.raises(ssl.SSLError) as error:
        context.wrap_socket(connection, server_hostname="localhost")
    return error.value.reason


@pytest.mark.parametrize("offer", AGREED.values(), ids=AGREED.keys())
def test_what_every_client_can_do_is_agreed_on(stack: Stack, offer: Offer) -> None:
    with connect(stack.address, offering(stack.tls(), offer)) as connection:
        assert isinstance(connection, ssl.SSLSocket)
        assert connection.version() == offer.version.name.replace("_", ".")
        name, _, bits = connection.cipher() or ("", "", 0)
    assert bits >= 128
    assert "GCM" in name or "CHACHA20" in name


@pytest.mark.parametrize("offer", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_weak_is_refused_by_the_gateway(stack: Stack, offer: Offer) -> None:
    """By the gateway: a client that cannot offer it would prove nothing."""
    reason = refused_by(offering(stack.tls(), offer), stack.https_port)
    assert reason in ("TLSV1_ALERT_PROTOCOL_VERSION", "SSLV3_ALERT_HANDSHAKE_FAILURE")


@pytest.mark.parametrize(("offered", "chosen"), [(["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), ([], None)])
def test_the_client_chooses_the_version_of_http(stack: Stack, offered: list[str], chosen: str | None) -> None:
    context = stack.tls()
    if offered:
        context.set_alpn_protocols(offered)
    with connect(stack.address, context) as connection:
        assert isinstance(connection, ssl.SSLSocket)
        assert connection.selected_alpn_protocol() == chosen


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_the_certificate_is_for_the_names_that_it_is_asked_by(stack: Stack, tls: ssl.SSLContext, name: str) -> None:
    with socket.create_connection(("127.0.0.1", stack.https_port), timeout=5) as connection:
        tls.wrap_socket(connection, server_hostname=name).close()


@pytest.mark.parametrize("name", ["evil.example", "localhost.evil.example", "127.0.0.2"])
def test_the_certificate_is_for_no_other_name(stack: Stack, tls: ssl.SSLContext, name: str) -> None:
    with (
        socket.create_connection(("127.0.0.1", stack.https_port), timeout=5) as connection,
        pytest.raises(ssl.SSLCertVerificationError, match=r"Hostname mismatch|IP address mismatch"),
    ):
        tls.wrap_socket(connection, server_hostname=name)


@pytest.mark.parametrize(("path", "status"), TOLD_EVERYWHERE.items())
def test_every_answer_has_the_security_headers_once(client: httpx.Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    for name, value in SECURITY_HEADERS.items():
        (found,) = answer.headers.get_list(name)
        assert found == value or name in ("Cache-Control", "Content-Security-Policy"), name
    assert answer.headers[HSTS].startswith("max-age=63072000")
    assert answer.headers["Server"] == "nginx"


@pytest.mark.parametrize("request_line", REDIRECTED)
def test_what_comes_in_the_clear_is_sent_to_https(stack: Stack, request_line: str) -> None:
    method, path = request_line.split("-", 1)
    sent = new_id()
    answer = exchange(f"http://localhost:{stack.http_port}", method, path, headers={"X-Request-ID": sent})
    assert answer.status == 308
    assert answer.headers["location"] == f"{stack.address}{REDIRECTED[request_line]}"
    assert answer.headers["x-request-id"] == sent


def test_nothing_in_the_clear_reaches_a_function(stack: Stack) -> None:
    """Nor by the word of a client that it came by TLS: only a trusted proxy is believed."""
    url = f"http://localhost:{stack.http_port}"
    spoofs = ({"X-Forwarded-Proto": "https"}, {"Forwarded": "proto=https"}, {"X-Forwarded-Ssl": "on"})
    ids = [new_id() for _ in spoofs]
    for sent, spoof in zip(ids, spoofs, strict=True):
        answer = exchange(url, "GET", "/api/issues", headers={"X-Request-ID": sent, **spoof})
        assert answer.status == 308
    seen = functions_that_saw(stack)
    assert not any(seen[sent] for sent in ids)


def test_a_client_follows_from_http_to_https_with_its_method_and_body(stack: Stack, tls: ssl.SSLContext) -> None:
    with httpx.Client(verify=tls, follow_redirects=True) as client:
        credentials = {"username": f"nobody-{uuid4().hex}", "password": "wrong"}
        answer = client.post(f"http://localhost:{stack.http_port}/api/auth/login", json=credentials)
    assert urlsplit(str(answer.url)).scheme == "https"
    assert (answer.request.method, answer.status_code, answer.json()["code"]) == ("POST", 401, "invalid_credentials")
