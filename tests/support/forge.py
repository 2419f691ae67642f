"""What makes access tokens, true ones and others."""

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from shared.security.tokens import public_jwk
from shared.settings import Settings
from tests.support.api import JSON
from tests.support.people import People

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
OUR_EC = ec.generate_private_key(ec.SECP256R1())
"""A second key of ours, for servers that are told of it."""
FOREIGN_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FOREIGN_EC = ec.generate_private_key(ec.SECP256R1())


def encoded(part: object) -> str:
    """A part of a token."""
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def decoded(part: str) -> bytes:
    """The octets of a part."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def resigned(token: str, change: Callable[[bytes], bytes]) -> str:
    """The token with other octets for its signature."""
    content, _, signature = token.rpartition(".")
    return f"{content}.{encoded(change(decoded(signature)))}"


def with_unused_bits(token: str) -> str:
    """Where the last character stands for fewer than six bits, another one stands for the same octets."""
    return token[:-1] + ALPHABET[ALPHABET.index(token[-1]) ^ 1]


def with_junk(part: str, junk: str) -> str:
    """The junk parts groups of four characters: a decoder that skips it finds what was there before."""
    return f"{part[:8]}{junk}{part[8:]}"


def as_json(token: str, *, general: bool) -> str:
    """The token in one of the JSON serialisations of RFC 7515."""
    protected, payload, signature = token.split(".")
    one = {"protected": protected, "signature": signature}
    return json.dumps({"payload": payload, **({"signatures": [one]} if general else one)}, separators=(",", ":"))


@dataclass(frozen=True)
class Forge:
    """What an attacker has to work with: a true token, and for some attacks what only we should have."""

    token: str
    key: Any

    @property
    def header(self) -> JSON:
        """The true header."""
        return dict(jwt.get_unverified_header(self.token))

    @property
    def claims(self) -> JSON:
        """The true claims."""
        return dict(jwt.decode(self.token, options={"verify_signature": False}))

    def signed(self, claims: JSON | None = None, key: Any = None, algorithm: str = "RS256", **header: Any) -> str:
        """A token signed by our own key unless by another."""
        headers = {name: value for name, value in {**self.header, "alg": algorithm, **header}.items() if value}
        return jwt.encode(self.claims if claims is None else claims, key or self.key, algorithm, headers)

    def signed_by_ec(self, change: Callable[[bytes], bytes] = bytes) -> str:
        """A token of our second key, with a change of its signature."""
        kid = public_jwk(OUR_EC.public_key())["kid"]
        return resigned(self.signed(key=OUR_EC, algorithm="ES256", kid=kid), change)

    def signed_as_it_is(self, header: object, claims: object) -> str:
        """A token whose header and claims need not be JSON objects, signed by our own key whatever they say."""
        return self.sign(f"{encoded(header)}.{encoded(claims)}")

    def sign(self, content: str) -> str:
        """Our own signature behind any text."""
        signature = self.key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{content}.{encoded(signature)}"

    def headed(self, **header: object) -> str:
        """Signed by us, with a header that no library would write."""
        return self.signed_as_it_is({**self.header, **header}, self.claims)

    def without(self, *names: str) -> str:
        """Signed by us, but some claims are missing."""
        return self.signed({name: value for name, value in self.claims.items() if name not in names})

    def claiming(self, **claims: Any) -> str:
        """Signed by us, with other claims."""
        return self.signed({**self.claims, **claims})

    def rewritten(self, **claims: object) -> str:
        """The true token with other claims under the true signature."""
        head, _, signature = self.token.split(".")
        return f"{head}.{encoded({**self.claims, **claims})}.{signature}"

    def unsigned(self, algorithm: str) -> str:
        """A token that says that it needs no signature."""
        return f"{encoded({**self.header, 'alg': algorithm})}.{encoded(self.claims)}."

    def hmac_with(self, secret: bytes, **header: object) -> str:
        """A token whose signature is a hash with a secret that the attacker knows."""
        content = f"{encoded({**self.header, 'alg': 'HS256', **header})}.{encoded(self.claims)}"
        return f"{content}.{encoded(hmac.new(secret, content.encode(), hashlib.sha256).digest())}"

    def public_key(self, encoding: Encoding = Encoding.PEM) -> bytes:
        """Our public key, which anybody may have."""
        octets: bytes = self.key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
        return octets


def with_the_standard_alphabet(forge: Forge) -> str:
    """One of some tokens whose signature has both of the characters that differ."""
    tokens = (forge.claiming(jti=str(uuid4())).rpartition(".") for _ in range(100))
    content, _, signature = next(token for token in tokens if {"-", "_"} <= set(token[2]))
    return f"{content}.{signature.replace('-', '+').replace('_', '/')}"


def plus_the_modulus(forge: Forge) -> str:
    """The same signature modulo the key, in one octet more."""
    modulus = forge.key.public_key().public_numbers().n
    return resigned(forge.token, lambda signature: (int.from_bytes(signature) + modulus).to_bytes(257))


def as_der(signature: bytes) -> bytes:
    """A signature of the curve as X.509 writes it, not as JWS does."""
    return encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))


def deflated(claims: object) -> bytes:
    """Claims compressed as JWE has it."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(json.dumps(claims).encode()) + compressor.flush()


def alg_named_twice(forge: Forge, secret: bytes) -> str:
    """A token hashed with a secret, whose header names that algorithm and then the true one."""
    head = encoded(f'{{"alg":"HS256",{json.dumps(forge.header)[1:]}'.encode())
    content = f"{head}.{encoded(forge.claims)}"
    return f"{content}.{encoded(hmac.digest(secret, content.encode(), 'sha256'))}"


@pytest.fixture(scope="session")
def signing_key(environ: dict[str, str]) -> Any:
    """Our private key; loading it takes a while."""
    pem = Settings.load(environ).jwt_private_key
    assert pem
    return load_pem_private_key(pem.encode(), password=None)


@pytest.fixture
def forge(people: People, signing_key: Any) -> Forge:
    """A developer's token and our signing key."""
    return Forge(people.developer().token, signing_key)
