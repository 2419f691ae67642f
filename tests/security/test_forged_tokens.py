"""Somebody makes an access token, or changes a true one, to be somebody else, to be more or to stay longer.

The verifier must stop it: it takes the algorithm from the key, the key from its own set, and no form of a token but
one. Attacks on what is signed are signed with our own key, as the signature would stop them before the check is asked.
"""

import json
import time
from collections.abc import Callable
from uuid import uuid4

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from shared.security.tokens import public_jwk
from shared.settings import FunctionName, Settings
from tests.support.accounts import me, outcome
from tests.support.api import Api
from tests.support.fixtures import Serve
from tests.support.forge import (
    FOREIGN_EC,
    FOREIGN_RSA,
    OUR_EC,
    Forge,
    alg_named_twice,
    as_der,
    as_json,
    decoded,
    deflated,
    encoded,
    plus_the_modulus,
    resigned,
    with_junk,
    with_the_standard_alphabet,
    with_unused_bits,
)
from tests.support.functions import DOORS, Functions

FOREIGN_JWK = jwt.get_algorithm_by_name("RS256").to_jwk(FOREIGN_RSA.public_key(), as_dict=True)
PRIVATE_JWK = jwt.get_algorithm_by_name("RS256").to_jwk(FOREIGN_RSA, as_dict=True)
SECRET = b"a secret of the attacker's own  "
CURVE_ORDER = bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
NULL = bytes(32)
JUNK = {
    "blank": " ",
    "tab": "\t",
    "exclamation-mark": "!",
    "equals-sign": "=",
    "comma": ",",
    "no-break-space": "\xa0",
    "umlaut": "ä",
    "wide-letter": "\xef\xbc\xa1",
}
"""Octets that a lax decoder skips. HTTP servers let no line feed through."""


FORGERIES: dict[str, Callable[[Forge], str]] = {
    # The algorithm.
    "none": lambda forge: forge.unsigned("none"),
    "none-in-another-case": lambda forge: forge.unsigned("nOnE"),
    "hmac-with-the-public-key-in-pem": lambda forge: forge.hmac_with(forge.public_key()),
    "hmac-with-the-public-key-in-der": lambda forge: forge.hmac_with(forge.public_key(Encoding.DER)),
    "hmac-with-an-empty-key": lambda forge: forge.hmac_with(b""),
    "hmac-under-the-true-algorithm": lambda forge: forge.hmac_with(SECRET, alg="RS256"),
    "another-hash-of-our-own-key": lambda forge: forge.signed(algorithm="RS512"),
    "another-padding-of-our-own-key": lambda forge: forge.signed(algorithm="PS256"),
    "alg-in-another-case": lambda forge: forge.headed(alg="rs256"),
    "alg-that-is-a-list": lambda forge: forge.headed(alg=["RS256"]),
    "alg-that-is-null": lambda forge: forge.headed(alg=None),
    # The key.
    "another-key-under-our-kid": lambda forge: forge.signed(key=FOREIGN_RSA),
    "another-key-of-another-algorithm": lambda forge: forge.signed(key=FOREIGN_EC, algorithm="ES256"),
    "our-other-key-under-this-kid": lambda forge: forge.signed(key=OUR_EC, algorithm="ES256"),
    "our-own-key-under-the-other-kid": lambda forge: forge.signed(kid=public_jwk(OUR_EC.public_key())["kid"]),
    "foreign-kid": lambda forge: forge.signed(key=FOREIGN_RSA, kid="foreign"),
    "foreign-kid-of-our-own-key": lambda forge: forge.signed(kid="foreign"),
    "kid-in-another-case": lambda forge: forge.signed(kid=forge.header["kid"].swapcase()),
    "kid-with-a-blank": lambda forge: forge.signed(kid=forge.header["kid"] + " "),
    "kid-that-is-a-path": lambda forge: forge.signed(kid="../../../dev/null"),
    "kid-that-is-sql": lambda forge: forge.hmac_with(SECRET, kid=f"' UNION SELECT '{SECRET.decode()}"),
    "kid-that-is-empty": lambda forge: forge.headed(kid=""),
    "no-kid": lambda forge: forge.signed(kid=None),
    "kid-that-is-a-list": lambda forge: forge.headed(kid=[forge.header["kid"]]),
    "kid-that-is-a-number": lambda forge: forge.headed(kid=0),
    "embedded-jwk": lambda forge: forge.signed(key=FOREIGN_RSA, jwk=FOREIGN_JWK),
    "embedded-jwk-with-private-members": lambda forge: forge.signed(key=FOREIGN_RSA, jwk=PRIVATE_JWK),
    "embedded-symmetric-jwk": lambda forge: forge.hmac_with(SECRET, jwk={"kty": "oct", "k": encoded(SECRET)}),
    "jku": lambda forge: forge.signed(key=FOREIGN_RSA, kid="x", jku="http://127.0.0.1:9/jwks.json"),
    "x5u": lambda forge: forge.signed(key=FOREIGN_RSA, kid="x", x5u="http://127.0.0.1:9/key.pem"),
    "x5c": lambda forge: forge.signed(key=FOREIGN_RSA, x5c=["MIIB"]),
    # The rest of the header.
    "crit": lambda forge: forge.signed(crit=["b64"], b64=True),
    "crit-that-is-unknown": lambda forge: forge.headed(crit=["exp"]),
    "typ-jwt": lambda forge: forge.signed(typ="JWT"),
    "typ-in-another-case": lambda forge: forge.signed(typ="AT+JWT"),
    "typ-in-full": lambda forge: forge.signed(typ="application/at+jwt"),
    "typ-that-is-a-list": lambda forge: forge.headed(typ=["at+jwt"]),
    "typ-of-an-id-token": lambda forge: forge.signed({**forge.claims, "nonce": "n"}, typ="id_token+jwt"),
    "typ-of-a-logout-token": lambda forge: forge.signed(typ="logout+jwt"),
    "no-typ": lambda forge: forge.signed_as_it_is(
        {name: value for name, value in forge.header.items() if name != "typ"}, forge.claims),
    "alg-named-twice": lambda forge: alg_named_twice(forge, forge.public_key()),
    # The claims.
    "token-of-another-environment": lambda forge: forge.claiming(iss="flycatcher-staging", aud="flycatcher-staging"),
    "wrong-issuer": lambda forge: forge.claiming(iss="somebody"),
    "issuer-in-another-case": lambda forge: forge.claiming(iss="Flycatcher"),
    "issuer-that-is-a-part-of-ours": lambda forge: forge.claiming(iss="fly"),
    "issuer-that-is-a-list": lambda forge: forge.signed_as_it_is(forge.header, {**forge.claims, "iss": ["flycatcher"]}),
    "wrong-audience": lambda forge: forge.claiming(aud="somebody"),
    "several-audiences": lambda forge: forge.claiming(aud=["flycatcher", "somebody"]),
    "issued-in-the-future": lambda forge: forge.claiming(iat=int(time.time()) + 3600),
    "issued-at-no-number": lambda forge: forge.claiming(iat=float("nan")),
    "not-valid-yet": lambda forge: forge.claiming(nbf=int(time.time()) + 3600),
    "end-that-is-no-number": lambda forge: forge.claiming(exp="never"),
    "end-that-is-text": lambda forge: forge.claiming(exp=str(int(time.time()) + 3600)),
    "end-that-is-nan": lambda forge: forge.claiming(exp=float("nan")),
    "end-that-is-infinite": lambda forge: forge.claiming(exp=float("inf")),
    "end-that-is-a-list": lambda forge: forge.claiming(exp=[int(time.time()) + 3600]),
    **{f"no-{name}": lambda forge, name=name: forge.without(name)  # type: ignore[misc]  # the default binds the name
       for name in ("iss", "aud", "sub", "sid", "jti", "role", "iat", "exp")},
    "role-that-is-none": lambda forge: forge.claiming(role="owner"),
    "role-in-another-case": lambda forge: forge.claiming(role="Admin"),
    "role-that-is-a-relation": lambda forge: forge.claiming(role="creator"),
    "role-that-is-a-list": lambda forge: forge.claiming(role=["admin"]),
    "subject-that-is-no-uuid": lambda forge: forge.claiming(sub="' OR 1=1"),
    "subject-without-hyphens": lambda forge: forge.claiming(sub=forge.claims["sub"].replace("-", "")),
    "session-that-is-no-uuid": lambda forge: forge.claiming(sid=7),
    "role-raised-by-its-holder": lambda forge: forge.rewritten(role="admin"),
    "life-prolonged-by-its-holder": lambda forge: forge.rewritten(exp=int(time.time()) + 10**6),
    "subject-exchanged-by-its-holder": lambda forge: forge.rewritten(sub=str(uuid4())),
    # The signature.
    "no-signature-under-the-true-algorithm": lambda forge: forge.token.rpartition(".")[0] + ".",
    "signature-of-another-true-token": lambda forge: resigned(
        forge.token, lambda _: decoded(forge.claiming(jti="another").rpartition(".")[2])),
    "cut-signature": lambda forge: forge.token[:-10],
    "shifted-signature": lambda forge: resigned(forge.token, lambda signature: signature[1:] + signature[:1]),
    "signature-after-a-zero": lambda forge: resigned(forge.token, lambda signature: b"\0" + signature),
    "signature-before-a-zero": lambda forge: resigned(forge.token, lambda signature: signature + b"\0"),
    "signature-of-zeros": lambda forge: resigned(forge.token, lambda _: bytes(256)),
    "signature-plus-the-modulus": plus_the_modulus,
    "psychic-signature": lambda forge: forge.signed_by_ec(lambda _: NULL + NULL),
    "psychic-r": lambda forge: forge.signed_by_ec(lambda signature: NULL + signature[32:]),
    "psychic-s": lambda forge: forge.signed_by_ec(lambda signature: signature[:32] + NULL),
    "signature-of-the-order-of-the-curve": lambda forge: forge.signed_by_ec(lambda _: CURVE_ORDER + CURVE_ORDER),
    "signature-in-der": lambda forge: forge.signed_by_ec(as_der),
    "signature-of-longer-halves": lambda forge: forge.signed_by_ec(lambda s: b"\0" + s[:32] + b"\0" + s[32:]),
    "no-signature-of-the-curve": lambda forge: forge.signed_by_ec(lambda _: b""),
    # The form.
    "unused-bits-of-the-signature": lambda forge: with_unused_bits(forge.token),
    "unused-bits-of-a-signature-of-the-curve": lambda forge: with_unused_bits(forge.signed_by_ec()),
    "padded-signature": lambda forge: forge.token + "==",
    "padded-signature-of-the-curve": lambda forge: forge.signed_by_ec() + "==",
    "signature-in-the-standard-alphabet": with_the_standard_alphabet,
    **{f"{name}-in-the-signature": lambda forge, junk=junk:  # type: ignore[misc]  # the default binds the junk
       ".".join((forge.token.rpartition(".")[0], with_junk(forge.token.rpartition(".")[2], junk)))
       for name, junk in JUNK.items()},
    **{f"{name}-in-the-claims": lambda forge, junk=junk:  # type: ignore[misc]  # the default binds the junk
       forge.sign(f"{encoded(forge.header)}.{with_junk(encoded(forge.claims), junk)}")
       for name, junk in JUNK.items()},
    **{f"{name}-in-the-header": lambda forge, junk=junk:  # type: ignore[misc]  # the default binds the junk
       forge.sign(f"{with_junk(encoded(forge.header), junk)}.{encoded(forge.claims)}")
       for name, junk in JUNK.items()},
    "no-break-space-behind-the-token": lambda forge: forge.token + "\xa0",
    "trailing-part": lambda forge: forge.token + ".e30",
    "nested-token": lambda forge: forge.sign(f"{encoded({**forge.header, 'cty': 'JWT'})}.{forge.token}"),
    "nested-token-as-the-claims": lambda forge: forge.signed_as_it_is(
        {**forge.header, "cty": "JWT"}, forge.token.encode()),
    "compressed-claims": lambda forge: forge.signed_as_it_is({**forge.header, "zip": "DEF"}, deflated(forge.claims)),
    "unencoded-claims": lambda forge: forge.sign(f"{encoded({**forge.header, 'b64': False})}."),
    "encrypted-token": lambda forge: ".".join(
        [encoded({**forge.header, "alg": "RSA-OAEP", "enc": "A256GCM"}), *(encoded(NULL) for _ in range(4))]),
    "flattened-json-serialisation": lambda forge: as_json(forge.token, general=False),
    "general-json-serialisation": lambda forge: as_json(forge.token, general=True),
    "a-megabyte": lambda _: "a" * 1_000_000,
    "a-megabyte-of-parts": lambda _: "a." * 500_000,
    "deeply-nested-header": lambda _: f"{encoded(b'[' * 3000)}.e30.e30",
    "deeply-nested-claims": lambda forge: forge.signed_as_it_is(forge.header, b"[" * 2000),
    "header-that-is-a-list": lambda _: f"{encoded([])}.e30.e30",
    "header-of-bytes": lambda _: f"{encoded(bytes([255, 254]))}.e30.e30",
    "claims-that-are-text": lambda forge: forge.signed_as_it_is(forge.header, "admin"),
    "no-jwt": lambda _: "hello",
    "two-dots": lambda _: "..",
}  # fmt: skip
SAMPLE = (
    *(
        "none",
        "hmac-with-the-public-key-in-pem",
        "another-key-under-our-kid",
        "foreign-kid",
        "typ-jwt",
        "cut-signature",
    ),
    *("wrong-issuer", "wrong-audience", "role-raised-by-its-holder", "no-jwt"),
)


@pytest.fixture
def rotating(serve: Serve, environ: dict[str, str]) -> Api:
    """A server whose keys are being rotated from RSA to the curve: both verify."""
    published = json.loads(Settings.load(environ).jwt_public_keys)["keys"]
    both = json.dumps({"keys": [*published, public_jwk(OUR_EC.public_key())]})
    return serve(JWT_PUBLIC_KEYS_FILE="", JWT_PUBLIC_KEYS=both)


def shown(api: Api, token: str) -> httpx2.Response:
    """The own account, asked for with a token of any octets."""
    return api.client.get("/api/auth/me", headers={b"Authorization": b"Bearer " + token.encode("latin-1")})


@pytest.mark.parametrize("attack", FORGERIES)
def test_forged_tokens_are_refused(rotating: Api, forge: Forge, attack: str) -> None:
    assert outcome(shown(rotating, FORGERIES[attack](forge))) == (401, "invalid_token")


def test_the_forge_makes_true_tokens_too(rotating: Api, forge: Forge) -> None:
    for token in (forge.token, forge.signed(), forge.signed_by_ec(), forge.headed(), resigned(forge.token, bytes)):
        assert shown(rotating, token).status_code == 200


@pytest.mark.parametrize("name", DOORS)
def test_every_function_refuses_them_and_takes_a_true_one(
    functions: Functions, forge: Forge, name: FunctionName
) -> None:
    path, status = DOORS[name]
    assert functions[name].signed_in(forge.token).get(path).status_code == status
    answers = {attack: functions[name].signed_in(FORGERIES[attack](forge)).get(path) for attack in SAMPLE}
    assert {attack: outcome(answer) for attack, answer in answers.items()} == dict.fromkeys(
        SAMPLE, (401, "invalid_token")
    )


@pytest.mark.parametrize("seconds", [1, 10**9, 10**10], ids=["just-now", "long-ago", "before-all-time"])
def test_an_expired_token_is_told_so(api: Api, forge: Forge, seconds: int) -> None:
    assert outcome(me(api, forge.claiming(exp=int(time.time()) - seconds))) == (401, "token_expired")


def test_a_token_that_was_good_a_moment_ago_expires(api: Api, forge: Forge) -> None:
    expiry = int(time.time()) + 2
    token = forge.claiming(exp=expiry)
    assert me(api, token).status_code == 200
    while (answer := me(api, token)).status_code == 200:
        assert time.time() < expiry + 1
    assert outcome(answer) == (401, "token_expired")
    assert time.time() >= expiry


def test_an_expired_token_of_another_key_is_merely_invalid(api: Api, forge: Forge) -> None:
    expired = forge.signed({**forge.claims, "exp": 1}, key=FOREIGN_RSA)
    assert outcome(me(api, expired)) == (401, "invalid_token")


def test_a_session_that_never_was_is_revoked(api: Api, forge: Forge) -> None:
    assert outcome(me(api, forge.claiming(sid=str(uuid4())))) == (401, "token_revoked")
