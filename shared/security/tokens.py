"""Access tokens: JWTs (RFC 7519, RFC 9068) that any function verifies and auth alone signs."""

import hashlib
import json
import re
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.utils import base64url_decode, base64url_encode

from shared.fields import parse_uuid
from shared.http.problems import Problem
from shared.security.permissions import Standing
from shared.settings import SettingsError
from shared.vocabulary import ROLES

TOKEN_TYPE = "at+jwt"  # noqa: S105  # the media type of RFC 9068, no secret
TOKEN_LIMIT = 4096
"""Characters of a token that are looked at; ours have about 800."""
REMEMBERED = 10_000
"""Tokens that a process keeps in mind: more than are in use, and some 3 MiB."""
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
REQUIRED_CLAIMS = ["iss", "aud", "sub", "sid", "jti", "role", "iat", "exp"]
MINIMUM_RSA_BITS = 2048

PublicKey = RSAPublicKey | EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a verified token speaks for. Nothing of it is asked of the database again: a change ends the session."""

    id: UUID
    session_id: UUID
    role: Standing


def algorithm_of(key: object) -> str:
    """The one algorithm that is used with a key: the token has no say in it.

    Raises:
        ValueError: the key is too weak, or of a kind that is not used here.
    """
    if isinstance(key, RSAPublicKey):
        if key.key_size < MINIMUM_RSA_BITS:
            raise ValueError(f"an RSA key needs {MINIMUM_RSA_BITS} bits")
        return "RS256"
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return "ES256"
    raise ValueError("a key must be RSA or on the curve P-256")


def thumbprint(jwk: dict[str, Any]) -> str:
    """The RFC 7638 thumbprint of a JSON Web Key, which names the key in a token's ``kid``."""
    members = {name: jwk[name] for name in ("crv", "e", "kty", "n", "x", "y") if name in jwk}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    return base64url_encode(hashlib.sha256(canonical.encode()).digest()).decode()


def public_jwk(key: PublicKey) -> dict[str, str]:
    """The public members of a key as a JSON Web Key (RFC 7517), with ``kid``, ``alg`` and ``use``."""
    algorithm = algorithm_of(key)
    jwk: dict[str, Any] = jwt.get_algorithm_by_name(algorithm).to_jwk(key, as_dict=True)
    members: dict[str, str] = {name: jwk[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in jwk}
    return {**members, "kid": thumbprint(members), "alg": algorithm, "use": "sig"}


def load_public_keys(key_set: str) -> dict[str, PublicKey]:
    """The keys of a JSON Web Key Set by their thumbprints; names that the set itself gives count for nothing.

    Raises:
        SettingsError: a key is not usable.
    """
    problem = "JWT_PUBLIC_KEYS must be a JSON Web Key Set of public keys"
    try:
        parsed: list[Any] = [jwt.PyJWK(jwk).key for jwk in json.loads(key_set)["keys"]]
    except (ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError):
        # Its own words may show a key, and somebody may have given a private one.
        raise SettingsError(problem) from None
    try:
        keys = {public_jwk(key)["kid"]: key for key in parsed}
    except ValueError as error:
        raise SettingsError(f"{problem}: {error}") from None
    if not keys:
        raise SettingsError("JWT_PUBLIC_KEYS must hold a key")
    return keys


class Verifier:
    """Tells who a token speaks for, from keys that were given at start and from nowhere else."""

    def __init__(self, keys: dict[str, PublicKey], issuer: str, audience: str) -> None:
        self._keys = {kid: (key, algorithm_of(key)) for kid, key in keys.items()}
        self._issuer = issuer
        self._audience = audience
        self._verified: dict[bytes, tuple[Caller, int]] = {}
        """Who a token speaks for and when it expires, by the token's digest: no token is kept."""

    def verify(self, token: str) -> Caller:
        """Who the token speaks for. A token that was found good stays good until it expires, so it is checked once.

        Whether its session has ended is another question, asked of Redis and PostgreSQL with every request.

        Raises:
            Problem: invalid_token, token_expired.
        """
        if len(token) > TOKEN_LIMIT:
            raise Problem("invalid_token")
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        known = self._verified.get(digest)
        if known and time.time() < known[1]:
            return known[0]
        claims = self._claims(token)
        caller = _caller(claims)
        if len(self._verified) >= REMEMBERED:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = caller, claims["exp"]
        return caller

    def _claims(self, token: str) -> dict[str, Any]:
        """Check the signature with the named key and its algorithm, then every claim.

        Raises:
            Problem: invalid_token, token_expired.
        """
        try:
            if not _is_canonical(token):
                raise Problem("invalid_token")
            header = jwt.get_unverified_header(token)
            if header.get("typ") != TOKEN_TYPE or "crit" in header:
                raise Problem("invalid_token")
            key, algorithm = self._keys[header.get("kid", "")]
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self._issuer,
                audience=self._audience,
                options={"require": REQUIRED_CLAIMS, "strict_aud": True},
            )
        except jwt.ExpiredSignatureError:
            raise Problem("token_expired") from None
        except (jwt.PyJWTError, KeyError, TypeError, ValueError):
            raise Problem("invalid_token") from None
        return claims


def _is_canonical(token: str) -> bool:
    """Whether the token is three parts of base64url as RFC 7515 writes it.

    Python's decoder skips what it does not know and ignores the bits that are left over at the end, so that one
    signature could be written in many ways.
    """
    if not _COMPACT.fullmatch(token):
        return False
    signature = token.rpartition(".")[2]
    return base64url_encode(base64url_decode(signature)).decode() == signature


def _caller(claims: dict[str, Any]) -> Caller:
    if not (type(claims["iat"]) is type(claims["exp"]) is int):
        raise Problem("invalid_token")
    user_id, session_id = (parse_uuid(str(claims[name])) for name in ("sub", "sid"))
    if user_id is None or session_id is None or claims["role"] not in ROLES:
        raise Problem("invalid_token")
    return Caller(user_id, session_id, Standing(claims["role"]))


def bearer(authorization: str | None) -> str:
    """The token of an ``Authorization`` header (RFC 6750).

    Raises:
        Problem: authentication_required.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        raise Problem("authentication_required")
    return token.strip(" ")
