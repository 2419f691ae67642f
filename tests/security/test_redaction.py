"""What is known to be a secret by its looks, what is not, and what a wrong setting shows before any server starts.

The text comes from errors, some of it from clients: the search for secrets must be linear, or it is an attack itself.
"""

from collections.abc import Iterable
from contextvars import copy_context
from time import process_time

import pytest

from shared.observability.redaction import PATTERNS, REDACTED, conceal, redact
from shared.security.tokens import load_public_keys
from shared.settings import Settings, SettingsError, read_url

MARK = "s3cret"
TOKEN = "MP5nv0oerCvrSBqO-1_hJ9Zq3mXkT7wYb2LcD8fGaHi"
UUID = "01a20430-49fa-77ec-b36c-acb9934a4424"

EXAMPLES: dict[str, tuple[list[str], list[str]]] = {
    "JSON Web Token": (
        ["eyJhbGciOiJ{}.eyJzdWI.c2ln", "'eyJhbGciOiJ{}.eyJzdWI.'", r"\neyJhbGciOiJ{}.eyJzdWI", "x=eyJ{}..&y"],
        ["eyJ without more", "key.json", "a.b.c"],
    ),
    "refresh token": (
        [f"{TOKEN[:37]}{{}}", f'"{TOKEN[:37]}{{}}"', f"\t{TOKEN[:37]}{{}}\n", f"({{}}{TOKEN[:37]}):"],
        [UUID, UUID.replace("-", ""), f"{TOKEN}x", TOKEN[:-1]],
    ),
    "password hash": (
        ["$argon2id$v=19$m=19456,t=2,p=1${}$x", "'$argon2i${}'", "$ARGON2D${}"],
        ["argon2id", "$1 and $2", "m=19456,t=2,p=1"],
    ),
    "private key": (
        [
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\n{}",
            r"-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----",
        ],
        ["-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----", "-----BEGIN -----", "a private key"],
    ),
    "credentials of a URL": (
        ["postgresql://bob:{}@db/x", "redis://:{}@cache", "https://{}@x.example/?y", "amqp://a:%20{}%2F@b"],
        ["https://x.example/@bob", "postgresql://db:5432/x", "mailto:bob@x.example", "bob@x.example"],
    ),
    "credentials of a header": (
        ["Authorization: Bearer {}", "bearer {}", "Basic {}==", "'BASIC {}'"],
        ["the bearer", "bearer", "basically", "a forbearer of x"],
    ),
    "named secret": (
        ["password={}", "?access_token={}&x", "client_secret={}", "host=x password={} user=y", "PASSWORD={}"],
        ["password", "token: none", "a secret"],
    ),
    "values of a row": (
        [
            "DETAIL:  Failing row contains (1, {}).",
            "ERROR\nDETAIL:  Key (name)=({}) already exists.",
            "DETAIL:  Failing row contains (a\n{}\n{}).",
            "DETAIL:  Failing row contains (a\nTraceback (most recent call last):\n{}).",
            "CONTEXT:  JSON data, line 1: {}\n{}",
        ],
        ["in detail: x", 'column "x" does not exist', "  DETAIL: of ours"],
    ),
}
HIDDEN = [text.format(*[MARK] * 2) for hidden, _ in EXAMPLES.values() for text in hidden]
SHOWN = [text for _, shown in EXAMPLES.values() for text in shown]

LONG = 100_000
SLOW = {
    "eyJ": "eyJ",
    "eyJ-and-dots": "eyJ.",
    "letters": "x",
    "forty-two-letters": "x" * 42 + " ",
    "hashes": "$argon2",
    "begins-of-keys": "-----BEGIN ",
    "begins-of-private-keys": "-----BEGIN PRIVATE KEY",
    "whole-begins-of-private-keys": "-----BEGIN PRIVATE KEY-----",  # kingfisher:ignore  # no key follows
    "schemes": "://",
    "schemes-with-text": "x://x",
    "bearers": "bearer ",
    "passwords": "password=",
    "details": "\nDETAIL:",
    "contexts": "\nCONTEXT:",
}


def concealing(values: Iterable[str], text: str) -> str:
    """The text, redacted in a request that conceals these values."""

    def request() -> str:
        conceal(values)
        return redact(text)

    return copy_context().run(request)


def test_every_pattern_has_examples() -> None:
    assert EXAMPLES.keys() == PATTERNS.keys()


@pytest.mark.parametrize("text", HIDDEN, ids=repr)
def test_what_looks_like_a_secret_is_taken_out(text: str) -> None:
    assert MARK not in redact(text)
    assert REDACTED in redact(text)
    assert redact(f"before {text}").startswith("before ")


@pytest.mark.parametrize("text", SHOWN, ids=repr)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("piece", SLOW.values(), ids=SLOW.keys())
def test_no_text_takes_long(piece: str) -> None:
    started = process_time()
    redact((piece * LONG)[:LONG])
    assert process_time() - started < 1


CONCEALED = {
    "as-it-is": ("hunter2!", "x hunter2! y", f"x {REDACTED} y"),
    "as-Python-shows-it": ("a\n'b'\\", repr("a\n'b'\\"), f'"{REDACTED}"'),
    "inside-a-word": ("hunter", "xhunterx", f"x{REDACTED}x"),
    "twice": ("hunter", "hunter hunter", f"{REDACTED} {REDACTED}"),
    "too-short-to-mean-anything": ("abc", "abc", "abc"),
    "in-another-case": ("hunter", "Hunter", "Hunter"),
}


@pytest.mark.parametrize(("value", "text", "shown"), CONCEALED.values(), ids=CONCEALED.keys())
def test_what_a_request_conceals_is_taken_out_of_its_own_texts_alone(value: str, text: str, shown: str) -> None:
    assert concealing([value], text) == shown
    assert redact(text) == text


def test_a_longer_value_is_taken_out_before_its_parts() -> None:
    assert concealing(["hunt", "hunter2", "unter"], "hunter2 hunt") == f"{REDACTED} {REDACTED}"


PEM = "-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----"
GIVEN = {
    "DATABASE_URL": "postgresql://flycatcher@db/flycatcher",
    "REDIS_URL": "redis://cache",
    "JWT_PRIVATE_KEY": PEM,
    "JWT_PUBLIC_KEYS": '{"keys": []}',
}
WRONG = {
    "url-where-the-path-of-a-file-belongs": ("DATABASE_URL_FILE", "postgresql://bob:s3cret@db/x"),
    "redis-url-where-the-path-of-a-file-belongs": ("REDIS_URL_FILE", "redis://:s3cret@cache"),
    "key-where-the-path-of-a-file-belongs": ("JWT_PRIVATE_KEY_FILE", PEM),
    "long-key-where-the-path-of-a-file-belongs": ("JWT_PRIVATE_KEY_FILE", PEM.replace("s3cret", "s3cret\n" * 1000)),
    "password-with-a-percent-sign": ("DATABASE_URL", "postgresql://bob:s3cret%zz@db/x"),
    "password-with-a-blank": ("DATABASE_URL", "postgresql://bob:s3 s3cret@db/x"),
    "password-with-an-at-sign": ("DATABASE_URL", "postgresql://bob:s3@s3cret@db/x"),
    "password-in-the-query": ("DATABASE_URL", "postgresql://db/x?password=s3cret%zz"),
    "password-with-a-slash": ("REDIS_URL", "redis://:x/s3cret@cache"),
}
KEY_SETS = {
    "private-key-of-another-algorithm": '{"keys": [{"kty": "RSA", "alg": "x", "d": "s3cret"}]}',
    "private-key-of-no-kind": '{"keys": [{"d": "s3cret"}]}',
    "symmetric-key": '{"keys": [{"kty": "oct", "alg": "x", "k": "s3cret"}]}',
    "private-key-that-is-no-base64": '{"keys": [{"kty": "RSA", "n": "s3cret", "e": "s3cret", "d": "s3cret"}]}',
    "text": '{"keys": ["s3cret"]}',
}


@pytest.mark.parametrize(("name", "value"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_setting_is_named_in_one_line_without_its_value(name: str, value: str) -> None:
    variable = name.removesuffix("_FILE")
    given = {key: text for key, text in GIVEN.items() if key != variable}
    with pytest.raises(SettingsError, match=f"^{name}\\W") as refused:
        Settings.load({**given, name: value})
    assert MARK not in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("key_set", KEY_SETS.values(), ids=KEY_SETS.keys())
def test_a_key_given_by_mistake_is_not_shown(key_set: str) -> None:
    with pytest.raises(SettingsError, match=r"^JWT_PUBLIC_KEYS ") as refused:
        load_public_keys(key_set)
    assert MARK not in str(refused.value)


def test_a_password_that_is_encoded_is_taken() -> None:
    url = "postgresql://bob:a%25b%20c%40d%2F@db,db2:5433/x?sslmode=require"
    assert read_url({"DATABASE_OWNER_URL": url}, "DATABASE_OWNER_URL") == url
