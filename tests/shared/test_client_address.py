"""Whose request it is, across the proxies that are trusted."""

from ipaddress import ip_network

import pytest

from shared.security.client_address import client_address

TRUSTED = [ip_network(network) for network in ("10.0.0.0/8", "192.0.2.1/32", "fd00::/8")]
TABLE = [
    pytest.param("198.51.100.7", [], "198.51.100.7", id="no-proxy"),
    pytest.param("198.51.100.7", ["203.0.113.9"], "198.51.100.7", id="a-client-says-so-itself"),
    pytest.param("10.0.0.1", [], "10.0.0.1", id="a-proxy-that-says-nothing"),
    pytest.param("10.0.0.1", [""], "10.0.0.1", id="a-proxy-that-says-an-empty-word"),
    pytest.param("10.0.0.1", ["203.0.113.9"], "203.0.113.9", id="one-proxy"),
    pytest.param("10.0.0.1", ["203.0.113.9, 10.1.1.1, 192.0.2.1"], "203.0.113.9", id="three-proxies"),
    pytest.param("10.0.0.1", ["203.0.113.9", "10.1.1.1"], "203.0.113.9", id="several-headers-are-one"),
    pytest.param("10.0.0.1", ["127.0.0.1, 203.0.113.9"], "203.0.113.9", id="what-the-client-wrote-is-left-of-it"),
    pytest.param("10.0.0.1", ["10.9.9.9, 203.0.113.9, 10.1.1.1"], "203.0.113.9", id="not-even-a-trusted-one"),
    pytest.param("10.0.0.1", ["10.2.2.2, 10.1.1.1"], "10.2.2.2", id="proxies-all-the-way"),
    pytest.param("10.0.0.1", ["203.0.113.9, rubbish"], "10.0.0.1", id="rubbish-ends-the-walk"),
    pytest.param("10.0.0.1", ["rubbish, 203.0.113.9"], "203.0.113.9", id="rubbish-to-the-left-is-not-read"),
    pytest.param("10.0.0.1", ["203.0.113.9,"], "10.0.0.1", id="an-empty-entry-ends-the-walk"),
    pytest.param("10.0.0.1", ["unknown"], "10.0.0.1", id="unknown"),
    pytest.param("10.0.0.1", ["  203.0.113.9  "], "203.0.113.9", id="blanks"),
    pytest.param("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9", id="a-mapped-proxy"),
    pytest.param("10.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9", id="a-mapped-client-is-the-ipv4-one"),
    pytest.param("fd00::1", ["2001:db8::7"], "2001:db8::7", id="ipv6"),
    pytest.param("fd00::1", ["2001:0DB8:0::0007"], "2001:db8::7", id="ipv6-in-one-spelling"),
    pytest.param(None, ["203.0.113.9"], "unknown", id="no-peer"),
    pytest.param("socket", [], "unknown", id="a-peer-without-address"),
]


@pytest.mark.parametrize(("peer", "headers", "expected"), TABLE)
def test_the_client_is_the_first_that_is_no_proxy_from_the_right(
    peer: str | None, headers: list[str], expected: str
) -> None:
    assert client_address(peer, headers, TRUSTED) == expected


@pytest.mark.parametrize("headers", [["203.0.113.9"], ["127.0.0.1"]])
def test_without_trusted_proxies_the_header_counts_for_nothing(headers: list[str]) -> None:
    assert client_address("198.51.100.7", headers, []) == "198.51.100.7"
