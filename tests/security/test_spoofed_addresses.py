"""Somebody writes another address into a request, to be counted as somebody else and to leave another's trace.

The client's address must come from the connection, and from X-Forwarded-For only as far from the right as proxies are
trusted that wrote it. One address is one in the request limit, in the login limit and in the audit log, whatever its
spelling, and what is no plain address is none.
"""

import json
from collections.abc import Callable

import pytest
from redis import Redis

from tests.support.accounts import outcome
from tests.support.api import Api
from tests.support.fixtures import Owner, Serve
from tests.support.people import PASSWORD, People

PROXIES = "127.0.0.0/8,10.0.0.0/8,fd00::/8,fe80::/10"
PEER = "127.0.0.1"
CLIENT = "203.0.113.9"
CREDENTIALS = json.dumps({"username": "x", "password": PASSWORD})
LOCKED_NAME = (
    "INSERT INTO login_throttles (key, attempts, locked_until) "
    "VALUES ('name:' || encode(sha256('x'), 'hex'), '{}', now() + interval '1 min')"
)
"""Whose attempts are counted, and refused without the cost of a hash."""


def header(value: str | bytes, name: str = "X-Forwarded-For") -> list[tuple[bytes, bytes]]:
    """One line of a request's head."""
    return [(name.encode(), value.encode() if isinstance(value, str) else value)]


SPOOFS: dict[str, tuple[list[tuple[bytes, bytes]], str]] = {
    # The headers, and whose request it is where the peer is a trusted proxy. Where it is not, it is always the peer's.
    **{name: (header(CLIENT, name), PEER)
       for name in ("x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip", "fastly-client-ip", "x-remote-ip",
                    "x-cluster-client-ip", "x-originating-ip", "x-forwarded", "forwarded-for", "x_forwarded_for")},
    "forwarded": (header(f"for={CLIENT};by=10.0.0.1", "Forwarded"), PEER),
    "every-header-at-once": (
        header("for=198.51.100.1", "Forwarded") + header(CLIENT) + header("198.51.100.2", "X-Real-IP"), CLIENT),
    "forwarded-for": (header(CLIENT), CLIENT),
    "header-in-another-case": (header(CLIENT, "x-FORWARDED-for"), CLIENT),
    "address-to-the-left": (header(f"198.51.100.1, {CLIENT}"), CLIENT),
    "our-own-address-to-the-left": (header(f"{PEER}, {CLIENT}"), CLIENT),
    "trusted-address-to-the-left": (header(f"198.51.100.1, 10.9.9.9, {CLIENT}, 10.1.1.1"), CLIENT),
    "address-to-the-left-in-a-header-of-its-own": (header("198.51.100.1") + header(CLIENT), CLIENT),
    "rubbish-to-the-left": (header(f"<script>, \u202e, {CLIENT}"), CLIENT),
    "four-thousand-to-the-left": (header("198.51.100.1," * 4_000 + CLIENT), CLIENT),
    "four-thousand-proxies": (header(CLIENT + ",10.0.0.1" * 4_000), CLIENT),
    "ninety-headers-of-proxies": (header(CLIENT) + header("10.0.0.1") * 90, CLIENT),
    "nothing": (header(""), PEER),
    "commas": (header(",,,"), PEER),
    "comma-behind": (header(f"{CLIENT},"), PEER),
    "rubbish-behind": (header(f"{CLIENT}, rubbish"), PEER),
    "two-between-blanks": (header(f"{CLIENT} 198.51.100.1"), PEER),
    "semicolon": (header(f"{CLIENT};198.51.100.1"), PEER),
    "unknown": (header("unknown"), PEER),
    "obfuscated": (header("_hidden"), PEER),
    "name-of-a-host": (header("localhost"), PEER),
    "pair-of-forwarded": (header(f"for={CLIENT}"), PEER),
    "quotes": (header(f'"{CLIENT}"'), PEER),
    "port": (header(f"{CLIENT}:443"), PEER),
    "port-zero": (header(f"{CLIENT}:0"), PEER),
    "brackets": (header("[2001:db8::9]"), PEER),
    "brackets-and-port": (header("[2001:db8::9]:443"), PEER),
    "network": (header(f"{CLIENT}/32"), PEER),
    "octal": (header("0313.0.0161.011"), PEER),
    "leading-zeros": (header("203.000.113.009"), PEER),
    "hexadecimal": (header("0xcb.0x0.0x71.0x9"), PEER),
    "hexadecimal-whole": (header("0xcb007109"), PEER),
    "decimal-whole": (header("3405803785"), PEER),
    "three-parts": (header("203.0.28937"), PEER),
    "five-parts": (header(f"{CLIENT}.1"), PEER),
    "wildcard": (header("203.0.113.*"), PEER),
    "minus": (header("-203.0.113.9"), PEER),
    "wide-digits": (header("\uff12\uff10\uff13.0.113.9"), PEER),
    "arabic-digits": (header("\u0662\u0660\u0663.0.113.9"), PEER),
    "superscript-in-latin-1": (header(b"203.0.113.\xb9"), PEER),
    "sql": (header(f"{CLIENT}' OR '1'='1"), PEER),
    "line-of-a-log": (header('{"level": "info"}'), PEER),
    "mapped": (header(f"::ffff:{CLIENT}"), CLIENT),
    "mapped-in-hexadecimal": (header("::FFFF:CB00:7109"), CLIENT),
    "mapped-in-full": (header("0000:0000:0000:0000:0000:ffff:cb00:7109"), CLIENT),
    "mapped-proxy": (header(f"{CLIENT}, ::ffff:10.0.0.1"), CLIENT),
    "ipv6-in-another-spelling": (header("2001:0DB8:0::0009"), "2001:db8::9"),
    "zone": (header("2001:db8::9%eth0"), PEER),
    "zone-of-a-proxy": (header("203.0.113.9, fe80::1%eth0"), PEER),
    "zone-of-a-mapped-address": (header(f"::ffff:{CLIENT}%1"), PEER),
    "zone-of-a-mapped-proxy": (header(f"{CLIENT}, ::ffff:10.0.0.1%1"), PEER),
    "zone-of-markup": (header("2001:db8::9%<img src=x>"), PEER),
    "zone-of-a-key": (header(f"2001:db8::9%:denied:{CLIENT}"), PEER),
    "zone-of-lone-octets": (header(b"2001:db8::9%\xff\xfe"), PEER),
    "zone-of-ten-thousand": (header("2001:db8::9%" + "".join(map(str, range(3_000)))), PEER),
    "zone-of-nothing": (header("2001:db8::9%"), PEER),
}  # fmt: skip


@pytest.mark.parametrize("attack", SPOOFS)
def test_an_address_is_the_same_everywhere(
    serve: Serve, people: People, owner: Owner, redis: Redis, attack: str
) -> None:
    bob, (headers, behind) = people.developer(), SPOOFS[attack]
    owner.execute(LOCKED_NAME)
    redis.flushdb()
    typed = headers + header("application/json", "Content-Type")
    signed = headers + header(f"Bearer {bob.token}", "Authorization")
    for address, trusted in ((PEER, ""), (behind, PROXIES)):
        client = serve(TRUSTED_PROXIES=trusted).client
        assert client.post("/api/auth/login", content=CREDENTIALS, headers=typed).status_code == 423
        assert client.get("/api/audit", headers=signed).status_code == 403
        assert redis.keys("rate:*") == [f"rate:{address}"]
        assert redis.llen(f"rate:{address}") == 2
        throttled = owner.execute("DELETE FROM login_throttles WHERE key LIKE 'address:%' RETURNING key").fetchall()
        assert throttled == [(f"address:{address}",)]
        assert owner.execute("DELETE FROM audit_events RETURNING ip").fetchall() == [(address,)]
        redis.flushdb()


ROTATIONS: dict[str, Callable[[int], str]] = {
    "addresses-to-the-left": lambda number: f"198.51.100.{number}, {CLIENT}",
    "trusted-addresses-to-the-left": lambda number: f"10.0.0.{number}, {CLIENT}",
    "ports": lambda number: f"{CLIENT}:{number}",
    "zones": lambda number: f"2001:db8::9%{number}",
    "zones-of-proxies": lambda number: f"fe80::1%{number}",
    "leading-zeros": lambda number: f"{'0' * number}{CLIENT}" if number else CLIENT + ".0",
    "mapped-forms": lambda number: f"{':'.join(['0' * (number % 4 + 1)] * 5)}:ffff:{CLIENT}",
    "names": lambda number: f"host{number}.example",
}


@pytest.mark.parametrize("attack", ROTATIONS)
def test_no_rotation_gives_a_second_chance(serve: Serve, attack: str) -> None:
    api = serve(RATE_LIMIT_PER_MINUTE="4", TRUSTED_PROXIES=PROXIES)
    answers = [api.client.get("/api/nothing", headers=header(ROTATIONS[attack](number))) for number in range(6)]
    assert [outcome(answer)[0] for answer in answers] == [404, 404, 404, 404, 429, 429]


def test_other_addresses_have_chances_of_their_own(serve: Serve) -> None:
    api: Api = serve(RATE_LIMIT_PER_MINUTE="4", TRUSTED_PROXIES=PROXIES)
    answers = [api.client.get("/api/nothing", headers=header(f"203.0.113.{number}")) for number in range(6)]
    assert [answer.headers["RateLimit-Remaining"] for answer in answers] == ["3"] * 6
