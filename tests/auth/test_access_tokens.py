"""What an access token says, and the public keys that verify it."""

import base64
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest

from operations.keys import make_keys, rotate_keys
from tests.support.accounts import me, outcome, sign_in
from tests.support.api import JSON, Api
from tests.support.fixtures import Serve
from tests.support.people import People

KEYS_PATH = "/.well-known/jwks.json"


def rfc7638(jwk: JSON) -> str:
    """The thumbprint by the letter of the RFC: required members alone, in order, without blanks."""
    required = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}[jwk["kty"]]
    canonical = "{" + ",".join(f'"{name}":{json.dumps(jwk[name])}' for name in required) + "}"
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).decode().rstrip("=")


def key_variables(directory: Path) -> dict[str, str]:
    """The keys of a directory, as variables of the environment."""
    return {
        "JWT_PRIVATE_KEY_FILE": "",
        "JWT_PRIVATE_KEY": (directory / "private.pem").read_text(),
        "JWT_PUBLIC_KEYS_FILE": "",
        "JWT_PUBLIC_KEYS": (directory / "public.json").read_text(),
    }


def verified(api: Api, token: str) -> tuple[JSON, JSON]:
    """The header and the claims of a token, verified as an outsider would, by the published keys."""
    header = jwt.get_unverified_header(token)
    (key,) = [jwk for jwk in api.get(KEYS_PATH).json()["keys"] if jwk["kid"] == header["kid"]]
    claims: dict[str, Any] = jwt.decode(token, jwt.PyJWK(key), [key["alg"]], audience="flycatcher")
    return header, claims


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_token_says_who_where_and_until_when(serve: Serve, people: People, tmp_path: Path, algorithm: Any) -> None:
    make_keys(tmp_path / "keys", algorithm)
    api = serve(**key_variables(tmp_path / "keys"))
    bob = people.manager()
    header, claims = verified(api, sign_in(api, bob)["access_token"])
    assert set(header) == {"alg", "typ", "kid"}
    assert (header["alg"], header["typ"]) == (algorithm, "at+jwt")
    assert set(claims) == {"iss", "aud", "sub", "sid", "jti", "role", "iat", "exp"}
    assert (claims["iss"], claims["aud"]) == ("flycatcher", "flycatcher")
    assert (claims["sub"], claims["role"]) == (bob.id, "manager")
    assert claims["exp"] - claims["iat"] == 900
    assert abs(claims["iat"] - time.time()) < 5


def test_no_two_tokens_are_the_same_and_sessions_are_told_apart(api: Api, people: People) -> None:
    bob = people.developer()
    claims = [verified(api, sign_in(api, bob)["access_token"])[1] for _ in range(2)]
    assert claims[0]["jti"] != claims[1]["jti"]
    assert claims[0]["sid"] != claims[1]["sid"]


def test_names_and_lifetimes_come_from_the_environment(serve: Serve, people: People) -> None:
    bob = people.developer()
    api = serve(JWT_ISSUER="us", JWT_AUDIENCE="them", ACCESS_TOKEN_SECONDS="60", REFRESH_TOKEN_SECONDS="120")
    tokens = sign_in(api, bob)
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert (claims["iss"], claims["aud"], claims["exp"] - claims["iat"]) == ("us", "them", 60)
    assert (tokens["expires_in"], tokens["refresh_expires_in"]) == (60, 120)
    assert me(api, tokens["access_token"]).status_code == 200
    assert outcome(me(api, bob.token)) == (401, "invalid_token")


def test_the_published_keys_have_public_members_alone(api: Api) -> None:
    response = api.get(KEYS_PATH)
    assert response.headers["Cache-Control"] == "public, max-age=300"
    (key,) = response.json()["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "alg", "use"}
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
    assert key["kid"] == rfc7638(key)


def test_the_thumbprint_is_the_one_of_the_rfc() -> None:
    """Section 3.1 of RFC 7638."""
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3okn"
        "jhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qM"
        "QvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJz"
        "KnqDKgw"
    )
    assert rfc7638({"kty": "RSA", "n": modulus, "e": "AQAB"}) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_keys_rotate_without_signing_anyone_out(serve: Serve, people: People, tmp_path: Path, algorithm: Any) -> None:
    keys = tmp_path / "keys"
    make_keys(keys, "RS256")
    before = serve(**key_variables(keys))
    bob = people.developer()
    old = sign_in(before, bob)["access_token"]
    rotate_keys(keys, algorithm)
    after = serve(**key_variables(keys))
    new = sign_in(after, bob)["access_token"]
    assert jwt.get_unverified_header(new)["alg"] == algorithm
    assert jwt.get_unverified_header(new)["kid"] != jwt.get_unverified_header(old)["kid"]
    assert len(after.get(KEYS_PATH).json()["keys"]) == 2
    assert me(after, old).status_code == me(after, new).status_code == 200
    rotate_keys(keys, keep=0)
    assert outcome(me(serve(**key_variables(keys)), old)) == (401, "invalid_token")
