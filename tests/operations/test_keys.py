"""The keys of access tokens: made, rotated, published, and never lost to a second command."""

import argparse
import json
import stat
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from functions.auth.tokens import Signer
from operations import keys as command
from operations.keys import Algorithm, KeysError, live_set, make_keys, rotate_keys
from shared.http.problems import Problem
from shared.security.tokens import Verifier, load_public_keys, thumbprint
from shared.settings import Settings

RFC_7638_KEY = {
    "kty": "RSA",
    "n": (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhM"
        "stn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5h"
        "ajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    ),
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505  # to be refused
ALGORITHMS: tuple[Algorithm, ...] = ("RS256", "ES256")


def _token(directory: Path) -> str:
    """A token as auth signs it with the keys of the directory."""
    settings = Settings.load(
        {
            "DATABASE_URL": "postgresql:",
            "REDIS_URL": "redis:",
            "JWT_PRIVATE_KEY_FILE": str(directory / "private.pem"),
            "JWT_PUBLIC_KEYS_FILE": str(directory / "public.json"),
        }
    )
    return Signer(settings).access_token(uuid4(), uuid4(), "developer")


def _is_verified(directory: Path, token: str) -> bool:
    verifier = Verifier(load_public_keys((directory / "public.json").read_text()), "flycatcher", "flycatcher")
    try:
        verifier.verify(token)
    except Problem:
        return False
    return True


def _published(directory: Path) -> list[dict[str, str]]:
    keys: list[dict[str, str]] = json.loads((directory / "public.json").read_text())["keys"]
    return keys


def _run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments))


def _pem(key: Any) -> bytes:
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem


def test_the_name_of_a_key_is_its_thumbprint_as_the_rfc_computes_it() -> None:
    assert thumbprint(RFC_7638_KEY) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_made_keys_sign_and_the_set_verifies_and_holds_nothing_private(tmp_path: Path, algorithm: Algorithm) -> None:
    directory = tmp_path / "new" / "keys"
    make_keys(directory, algorithm)
    assert _is_verified(directory, _token(directory))
    [jwk] = _published(directory)
    public = {"RS256": {"n", "e"}, "ES256": {"crv", "x", "y"}}[algorithm]
    assert set(jwk) == {"kty", "kid", "alg", "use"} | public
    assert (jwk["kid"], jwk["alg"], jwk["use"]) == (thumbprint(jwk), algorithm, "sig")
    assert sorted(path.name for path in directory.iterdir()) == ["private.pem", "public.json"]
    modes = [stat.S_IMODE((directory / name).stat().st_mode) for name in (".", "private.pem", "public.json")]
    assert modes == [0o700, 0o600, 0o644]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_tokens_of_before_a_rotation_are_verified_until_their_key_leaves_the_set(
    tmp_path: Path, algorithm: Algorithm
) -> None:
    make_keys(tmp_path, algorithm)
    tokens = [_token(tmp_path)]
    for _ in range(2):
        rotate_keys(tmp_path)
        tokens.append(_token(tmp_path))
    assert [_is_verified(tmp_path, token) for token in tokens] == [False, True, True]
    assert {key["alg"] for key in _published(tmp_path)} == {algorithm}
    assert stat.S_IMODE((tmp_path / "private.pem").stat().st_mode) == 0o600

    rotate_keys(tmp_path, keep=0)
    assert [_is_verified(tmp_path, token) for token in [*tokens, _token(tmp_path)]] == [False, False, False, True]


def test_a_rotation_may_change_the_algorithm_and_keep_several_keys_the_newest_first(tmp_path: Path) -> None:
    make_keys(tmp_path, "RS256")
    for algorithm in ("ES256", "RS256"):
        before = _published(tmp_path)
        token = _token(tmp_path)
        rotate_keys(tmp_path, "ES256" if algorithm == "ES256" else "RS256", keep=2)
        assert _published(tmp_path)[1:] == before
        assert _published(tmp_path)[0]["alg"] == algorithm
        assert _is_verified(tmp_path, token)


def test_a_signing_key_is_never_made_over_another(tmp_path: Path) -> None:
    make_keys(tmp_path, "ES256")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(KeysError, match="to replace it: keys rotate"):
        make_keys(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_lost_set_is_made_anew_from_the_signing_key(tmp_path: Path) -> None:
    make_keys(tmp_path, "ES256")
    before = _published(tmp_path)
    (tmp_path / "public.json").unlink()
    assert live_set(tmp_path)["keys"] == before


def test_keys_that_cannot_be_written_leave_the_old_ones_and_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_keys(tmp_path, "ES256")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    assert _run("rotate", str(tmp_path)) == 1
    assert capsys.readouterr() == ("", "keys: [Errno 28] No space left on device\n")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_command_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = str(tmp_path)
    files = f"{tmp_path / 'private.pem'} and {tmp_path / 'public.json'}"
    assert _run("make", directory, "--algorithm", "ES256") == 0
    assert capsys.readouterr() == (f"made {files}\n", "")
    assert _run("make", directory) == 1
    assert capsys.readouterr() == (
        "",
        f"keys: {tmp_path / 'private.pem'} is there already; to replace it: keys rotate\n",
    )
    assert _run("rotate", directory) == 0
    assert capsys.readouterr().out.endswith(f"; keys in {tmp_path / 'public.json'}: 2\n")
    assert _run("public", directory) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "public.json").read_text())


@pytest.mark.parametrize(
    ("private_pem", "public_json", "said"),
    [
        (None, None, "there is no {}/private.pem; to make it: keys make"),
        (b"", None, "the keys in {} are not usable: "),
        (b"\xff-----BEGIN PRIVATE KEY-----", None, "the keys in {} are not usable: "),
        (_pem(ed25519.Ed25519PrivateKey.generate()), None, "the keys in {} are not usable: a key must be RSA or on"),
        (_pem(ec.generate_private_key(ec.SECP384R1())), None, "the keys in {} are not usable: a key must be RSA or on"),
        (_pem(WEAK), None, "the keys in {} are not usable: an RSA key needs 2048"),
        (_pem(ec.generate_private_key(ec.SECP256R1())), b"{", "the keys in {} are not usable: JWT_PUBLIC_KEYS must be"),
        (_pem(ec.generate_private_key(ec.SECP256R1())), b"\xff", "the keys in {} are not usable: "),
        (_pem(ec.generate_private_key(ec.SECP256R1())), b'{"keys": []}', "the keys in {} are not usable: JWT_PUBLIC"),
    ],
    ids=["none", "empty", "no PEM", "Ed25519", "P-384", "RSA 1024", "no JSON", "no UTF-8", "no keys"],
)
@pytest.mark.parametrize("subcommand", ["rotate", "public"])
def test_a_file_that_is_missing_or_broken_is_one_line_and_stays_as_it_is(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    private_pem: bytes | None,
    public_json: bytes | None,
    said: str,
    subcommand: str,
) -> None:
    contents = {"private.pem": private_pem, "public.json": public_json}
    before = {name: content for name, content in contents.items() if content is not None}
    for name, content in before.items():
        (tmp_path / name).write_bytes(content)
    assert _run(subcommand, str(tmp_path)) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"keys: {said.format(tmp_path)}")
    assert err.count("\n") == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("make",), "the following arguments are required: directory"),
        (("make", ".", "--algorithm", "HS256"), "invalid choice: 'HS256'"),
        (("rotate", ".", "--keep", "-1"), "argument --keep: must be a whole number, 0 or more"),
        (("rotate", ".", "--keep", "²"), "argument --keep: must be a whole number, 0 or more"),
    ],
)
def test_arguments_that_make_no_sense_end_with_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        _run(*arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
