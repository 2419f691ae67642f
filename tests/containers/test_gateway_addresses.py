"""Whose request it is is what the gateway saw, not what a client says of itself."""

import ssl
from ipaddress import ip_address
from typing import Any
from uuid import uuid4

import httpx2 as httpx
import pytest

from tests.containers.conftest import Stack
from tests.containers.gateway import access_log, new_id, second_gateway
from tests.support.story import PASSWORD, bearer

LIE = "203.0.113.9"
SPOOFS: dict[str, list[tuple[str, str]]] = {
    "nothing": [],
    "x-forwarded-for": [("X-Forwarded-For", LIE)],
    "chain": [("X-Forwarded-For", f"{LIE}, 10.0.0.1, 172.16.0.1")],
    "two-lines": [("X-Forwarded-For", LIE), ("X-Forwarded-For", "10.0.0.1")],
    "underscores": [("X_Forwarded_For", LIE)],
    "forwarded": [("Forwarded", f"for={LIE};proto=https")],
    "x-real-ip": [("X-Real-IP", LIE)],
    "x-client-ip": [("X-Client-IP", LIE), ("True-Client-IP", LIE), ("CF-Connecting-IP", LIE)],
    "connection-that-names-it": [("X-Forwarded-For", LIE), ("Connection", "X-Forwarded-For, close")],
}


def session_address(client: httpx.Client, extra: list[tuple[str, str]]) -> tuple[str, str]:
    """The request id of a login that has these headers, and the address that the function kept of it."""
    name = new_id()
    headers = [("X-Request-ID", name), *extra]
    login = client.post("/api/auth/login", headers=headers, json={"username": "dev4", "password": PASSWORD})
    assert login.status_code == 200, login.text
    sessions: list[dict[str, Any]] = client.get("/api/auth/sessions", headers=bearer(login.json())).json()["items"]
    (current,) = (session for session in sessions if session["current"])
    assert client.post("/api/auth/logout", json={"refresh_token": login.json()["refresh_token"]}).status_code == 204
    return name, current["ip"]


@pytest.mark.parametrize("spoof", SPOOFS.values(), ids=SPOOFS.keys())
def test_what_a_client_says_of_its_address_is_not_believed(
    stack: Stack, client: httpx.Client, spoof: list[tuple[str, str]]
) -> None:
    name, address = session_address(client, spoof)
    (line,) = access_log(stack, name)
    assert address == line["client"] != LIE
    assert ip_address(address).is_private


def test_what_a_trusted_proxy_says_is_believed(stack: Stack, tls: ssl.SSLContext) -> None:
    """The control: with the sender trusted, the same header is believed; and no more of it than that sender wrote."""
    with (
        second_gateway(stack, "functions", TRUSTED_PROXIES="10.0.0.0/8,172.16.0.0/12,192.168.0.0/16") as url,
        httpx.Client(base_url=url, verify=tls, timeout=30) as client,
    ):
        assert session_address(client, [("X-Forwarded-For", LIE)])[1] == LIE
        assert session_address(client, [("X-Forwarded-For", f"198.51.100.1, {LIE}")])[1] == LIE


def test_the_audit_log_has_the_address_that_the_gateway_saw(stack: Stack, client: httpx.Client) -> None:
    name, username = new_id(), f"nobody-{uuid4().hex}"
    headers = {"X-Request-ID": name, "X-Forwarded-For": LIE, "Forwarded": f"for={LIE}", "X-Real-IP": LIE}
    failed = client.post("/api/auth/login", headers=headers, json={"username": username, "password": PASSWORD})
    assert failed.status_code == 401
    admin = client.post("/api/auth/login", json={"username": "admin", "password": PASSWORD})
    events = client.get("/api/audit?limit=100", headers=bearer(admin.json())).json()["items"]
    (event,) = (event for event in events if event["request_id"] == name)
    (line,) = access_log(stack, name)
    assert event["ip"] == line["client"] != LIE
