"""Signing access tokens, which this function alone can do, and making refresh tokens."""

import hashlib
import secrets
import time
from uuid import UUID, uuid4

import jwt
from cryptography.exceptions import InternalError
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shared.security.tokens import TOKEN_TYPE, algorithm_of, load_public_keys, public_jwk
from shared.settings import Settings, SettingsError
from shared.vocabulary import RoleName

PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey


class Signer:
    """The private key and what every token says."""

    def __init__(self, settings: Settings) -> None:
        """Load the key.

        Raises:
            SettingsError: it is not usable, or its public half is not among the keys that verify.
        """
        try:
            key = _load((settings.jwt_private_key or "").encode())
            jwk = public_jwk(key.public_key())
        except (ValueError, TypeError) as error:
            raise SettingsError(f"JWT_PRIVATE_KEY must be an RSA or P-256 private key in PEM: {error}") from None
        if jwk["kid"] not in load_public_keys(settings.jwt_public_keys):
            raise SettingsError(
                "JWT_PUBLIC_KEYS does not hold the public half of JWT_PRIVATE_KEY: give both of one directory of keys"
            )
        self._key = key
        self._algorithm = algorithm_of(key.public_key())
        self._kid = jwk["kid"]
        self._settings = settings

    def access_token(self, user_id: UUID, session_id: UUID, role: RoleName) -> str:
        """A signed access token (RFC 9068) that lives ACCESS_TOKEN_SECONDS."""
        now = int(time.time())
        claims = {
            "iss": self._settings.jwt_issuer,
            "aud": self._settings.jwt_audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": str(uuid4()),
            "role": role,
            "iat": now,
            "exp": now + self._settings.access_token_seconds,
        }
        return jwt.encode(claims, self._key, self._algorithm, headers={"typ": TOKEN_TYPE, "kid": self._kid})


def _load(pem: bytes) -> PrivateKey:
    """A private key that makes signatures which its public half verifies.

    That is tried. OpenSSL's own check of an RSA key would look whether its factors are prime, which takes a tenth of a
    start from zero.

    Raises:
        ValueError, TypeError: it is no such key.
    """
    key = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
        raise ValueError("a key must be RSA or on the curve P-256")
    algorithm = jwt.get_algorithm_by_name(algorithm_of(key.public_key()))
    try:
        sound = algorithm.verify(b"sound", key.public_key(), algorithm.sign(b"sound", key))
    except InternalError:
        sound = False
    if not sound:
        raise ValueError("its parts do not belong together")
    return key


class KeySet:
    """The public keys, for whoever wants to verify our tokens."""

    def __init__(self, settings: Settings) -> None:
        keys = load_public_keys(settings.jwt_public_keys).values()
        self.keys = [public_jwk(key) for key in keys]


def new_refresh_token() -> str:
    """An opaque token of 256 random bits."""
    return secrets.token_urlsafe(32)


def refresh_token_hash(token: str) -> bytes:
    """What is stored of a refresh token. It is random, so that a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
