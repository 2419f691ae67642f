"""Access tokens that are refused. Each attack is named; a true token passes beside it."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from shared.settings import Settings
from tests.support.accounts import me, outcome
from tests.support.api import JSON, Api
from tests.support.people import People


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

    def without(self, *names: str) -> str:
        """Signed by us, but some claims are missing."""
        return self.signed({name: value for name, value in self.claims.items() if name not in names})

    def claiming(self, **claims: Any) -> str:
        """Signed by us, with other claims."""
        return self.signed({**self.claims, **claims})


@pytest.fixture
def forge(people: People, environ: dict[str, str]) -> Forge:
    """A user's token and our signing key."""
    pem = Settings.load(environ).jwt_private_key
    assert pem
    return Forge(people.developer().token, load_pem_private_key(pem.encode(), password=None))


def encoded(part: object) -> str:
    """A part of a token."""
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def unsigned(forge: Forge, algorithm: str) -> str:
    return f"{encoded({**forge.header, 'alg': algorithm})}.{encoded(forge.claims)}."


def hmac_with(secret: bytes, forge: Forge) -> str:
    content = f"{encoded({**forge.header, 'alg': 'HS256'})}.{encoded(forge.claims)}"
    return f"{content}.{encoded(hmac.new(secret, content.encode(), hashlib.sha256).digest())}"


def public_pem(forge: Forge) -> bytes:
    pem: bytes = forge.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


def tampered(forge: Forge) -> str:
    head, _, signature = forge.token.split(".")
    return f"{head}.{encoded({**forge.claims, 'role': 'admin'})}.{signature}"


FOREIGN_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FOREIGN_EC = ec.generate_private_key(ec.SECP256R1())
FOREIGN_JWK = jwt.get_algorithm_by_name("RS256").to_jwk(FOREIGN_RSA.public_key(), as_dict=True)
FORGERIES: dict[str, Callable[[Forge], str]] = {
    "none": lambda forge: unsigned(forge, "none"),
    "none-in-another-case": lambda forge: unsigned(forge, "nOnE"),
    "no-signature-under-the-true-algorithm": lambda forge: forge.token.rpartition(".")[0] + ".",
    "hmac-with-the-public-key-in-pem": lambda forge: hmac_with(public_pem(forge), forge),
    "hmac-with-an-empty-key": lambda forge: hmac_with(b"", forge),
    "another-key-under-our-kid": lambda forge: forge.signed(key=FOREIGN_RSA),
    "another-key-of-another-algorithm": lambda forge: forge.signed(key=FOREIGN_EC, algorithm="ES256"),
    "another-hash-of-our-own-key": lambda forge: forge.signed(algorithm="RS512"),
    "another-padding-of-our-own-key": lambda forge: forge.signed(algorithm="PS256"),
    "foreign-kid": lambda forge: forge.signed(key=FOREIGN_RSA, kid="foreign"),
    "foreign-kid-of-our-own-key": lambda forge: forge.signed(kid="foreign"),
    "kid-that-is-a-path": lambda forge: forge.signed(kid="../../../dev/null"),
    "no-kid": lambda forge: forge.signed(kid=None),
    "kid-that-is-a-list": lambda forge: f"{encoded({**forge.header, 'kid': ['x']})}.{encoded({})}.{encoded(b'x')}",
    "embedded-jwk": lambda forge: forge.signed(key=FOREIGN_RSA, jwk=FOREIGN_JWK),
    "jku": lambda forge: forge.signed(key=FOREIGN_RSA, kid="x", jku="http://127.0.0.1:9/jwks.json"),
    "x5u": lambda forge: forge.signed(key=FOREIGN_RSA, kid="x", x5u="http://127.0.0.1:9/key.pem"),
    "crit": lambda forge: forge.signed(crit=["b64"], b64=True),
    "typ-jwt": lambda forge: forge.signed(typ="JWT"),
    "no-typ": lambda forge: f"{encoded({k: v for k, v in forge.header.items() if k != 'typ'})}.e30.{encoded(b'x')}",
    "wrong-issuer": lambda forge: forge.claiming(iss="somebody"),
    "wrong-audience": lambda forge: forge.claiming(aud="somebody"),
    "several-audiences": lambda forge: forge.claiming(aud=["flycatcher", "somebody"]),
    "issued-in-the-future": lambda forge: forge.claiming(iat=int(time.time()) + 3600),
    "not-valid-yet": lambda forge: forge.claiming(nbf=int(time.time()) + 3600),
    "role-that-is-none": lambda forge: forge.claiming(role="owner"),
    "role-that-is-a-list": lambda forge: forge.claiming(role=["admin"]),
    "subject-that-is-no-uuid": lambda forge: forge.claiming(sub="' OR 1=1"),
    "session-that-is-no-uuid": lambda forge: forge.claiming(sid=7),
    "end-that-is-no-number": lambda forge: forge.claiming(exp="never"),
    "end-that-is-infinite": lambda forge: forge.claiming(exp=float("inf")),
    **{f"no-{name}": lambda forge, name=name: forge.without(name)  # type: ignore[misc]  # the default binds the name
       for name in ("iss", "aud", "sub", "sid", "jti", "role", "iat", "exp")},
    "tampered-claims": tampered,
    "cut-signature": lambda forge: forge.token[:-10],
    "trailing-part": lambda forge: forge.token + ".e30",
    "a-megabyte": lambda _: "a" * 1_000_000,
    "a-megabyte-of-parts": lambda _: "a." * 500_000,
    "deeply-nested-header": lambda _: f"{encoded(b'[' * 3000)}.e30.e30",
    "deeply-nested-claims": lambda forge: f"{encoded(forge.header)}.{encoded(b'[' * 2000)}.e30",
    "header-that-is-a-list": lambda _: f"{encoded([])}.e30.e30",
    "header-of-bytes": lambda _: f"{encoded(bytes([255, 254]))}.e30.e30",
    "claims-that-are-text": lambda forge: f"{encoded(forge.header)}.{encoded('admin')}.e30",
    "no-jwt": lambda _: "hello",
    "two-dots": lambda _: "..",
}  # fmt: skip


@pytest.mark.parametrize("attack", FORGERIES)
def test_forged_tokens_are_refused(api: Api, forge: Forge, attack: str) -> None:
    assert outcome(me(api, FORGERIES[attack](forge))) == (401, "invalid_token")


def test_the_forge_makes_true_tokens_too(api: Api, forge: Forge) -> None:
    assert me(api, forge.token).status_code == 200
    assert me(api, forge.signed()).status_code == 200


def test_an_expired_token_is_told_so(api: Api, forge: Forge) -> None:
    assert outcome(me(api, forge.claiming(exp=int(time.time()) - 1))) == (401, "token_expired")


def test_an_expired_token_of_another_key_is_merely_invalid(api: Api, forge: Forge) -> None:
    expired = forge.signed({**forge.claims, "exp": 1}, key=FOREIGN_RSA)
    assert outcome(me(api, expired)) == (401, "invalid_token")


def test_a_session_that_never_was_is_revoked(api: Api, forge: Forge) -> None:
    assert outcome(me(api, forge.claiming(sid=str(uuid4())))) == (401, "token_revoked")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        pytest.param(None, "authentication_required", id="no-header"),
        pytest.param("", "authentication_required", id="empty"),
        pytest.param("Basic YWRtaW46YWRtaW4=", "authentication_required", id="basic"),
        pytest.param("Token {token}", "authentication_required", id="another-scheme"),
        pytest.param("{token}", "authentication_required", id="token-without-scheme"),
        pytest.param("Bearer", "invalid_token", id="scheme-without-token"),
        pytest.param("Bearer {token} {token}", "invalid_token", id="two-tokens"),
    ],
)
def test_the_header_has_the_bearer_scheme(api: Api, forge: Forge, header: str | None, code: str) -> None:
    headers = {} if header is None else {"Authorization": header.format(token=forge.token)}
    assert outcome(api.get("/api/auth/me", headers=headers)) == (401, code)


def test_the_scheme_has_no_case(api: Api, forge: Forge) -> None:
    assert api.get("/api/auth/me", headers={"Authorization": f"bearer {forge.token}"}).status_code == 200


@pytest.mark.parametrize("place", ["?access_token={token}", "?token={token}"])
def test_a_token_in_the_query_counts_for_nothing(api: Api, forge: Forge, place: str) -> None:
    response = api.get("/api/auth/me" + place.format(token=forge.token))
    assert outcome(response) == (401, "authentication_required")


def test_a_token_that_is_no_good_does_not_keep_anybody_from_public_places(api: Api) -> None:
    assert api.signed_in("rubbish").get("/.well-known/jwks.json").status_code == 200
