"""The address of the client, across the proxies that the configuration trusts and no other."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from shared.settings import Network

UNKNOWN = "unknown"
LONGEST = 45
"""Characters of an address: one of IPv6 whose end is written as IPv4."""


def client_address(peer: str | None, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """Walk ``X-Forwarded-For`` from the right, from the peer on, as long as the address at hand is a trusted proxy.

    What stands left of the first address that is not trusted was written by a client, and is not believed
    (OWASP: IP spoofing by header). An IPv4 address in IPv6 form is the IPv4 address.
    """
    address = _normal((peer or "").partition("%")[0])
    if address is None:
        return UNKNOWN
    for entry in reversed([part for header in forwarded_for for part in header.split(",")]):
        if not any(address in network for network in trusted):
            break
        hop = _normal(entry.strip())
        if hop is None:
            break
        address = hop
    return str(address)


def _normal(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    return None if len(text) > LONGEST else _parsed(text)


@lru_cache(1024)
def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if "%" in text:
        # The zone of a link-local address (RFC 4007) means nothing outside one machine, and may be any text.
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
