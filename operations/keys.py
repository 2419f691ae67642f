"""The keys that sign and verify access tokens: ``python -m operations keys``.

A directory holds the signing key (``private.pem``, for auth alone) and the JSON Web Key Set of all the keys that are
live (``public.json``, for every function, the newest key first).
"""

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, get_args

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from operations.console import finish
from operations.files import replace_file
from shared.security.tokens import load_public_keys, public_jwk
from shared.settings import SettingsError

Algorithm = Literal["RS256", "ES256"]
KeySet = dict[str, list[dict[str, str]]]
PRIVATE_KEY = "private.pem"
PUBLIC_KEYS = "public.json"
RSA_BITS = 2048


class KeysError(Exception):
    """The keys of a directory cannot be made or used; the text is one line that says why."""


def make_keys(directory: Path, algorithm: Algorithm = "RS256") -> None:
    """Make the first signing key and its set in ``directory``, made if missing.

    Raises:
        KeysError: there is a signing key already.
        OSError: the files cannot be written.
    """
    if (directory / PRIVATE_KEY).exists():
        raise KeysError(f"{directory / PRIVATE_KEY} is there already; to replace it: keys rotate")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    private_pem = _generate(algorithm)
    _write(directory, private_pem, public_set(private_pem))


def rotate_keys(directory: Path, algorithm: Algorithm | None = None, *, keep: int = 1) -> None:
    """Make a new signing key, by default of the old one's kind, and keep the newest ``keep`` old ones in the set.

    Raises:
        KeysError: there is no signing key yet, or a file is not what it should be.
        OSError: the files cannot be read or written.
    """
    live = live_set(directory)["keys"]
    private_pem = _generate(algorithm or live[0]["alg"])
    _write(directory, private_pem, public_set(private_pem, live[:keep]))


def live_set(directory: Path) -> KeySet:
    """The set of a directory: the signing key's public half, then the older ones.

    Raises:
        KeysError: there is no signing key, or a file is not what it should be.
        OSError: the files cannot be read.
    """
    try:
        private_pem = (directory / PRIVATE_KEY).read_bytes()
    except FileNotFoundError:
        raise KeysError(f"there is no {directory / PRIVATE_KEY}; to make it: keys make") from None
    published = directory / PUBLIC_KEYS
    try:
        older = load_public_keys(published.read_text(encoding="utf-8")).values() if published.exists() else ()
        return public_set(private_pem, map(public_jwk, older))
    except (SettingsError, ValueError, TypeError) as error:
        raise KeysError(f"the keys in {directory} are not usable: {error}") from None


def public_set(private_pem: bytes, older: Iterable[dict[str, str]] = ()) -> KeySet:
    """The JSON Web Key Set of a signing key, in PEM, and of older public keys, the signing key's first.

    Raises:
        ValueError, TypeError: it is no private key in PEM without a password, or of a kind that is not used here.
    """
    key: Any = serialization.load_pem_private_key(private_pem, password=None)
    newest = public_jwk(key.public_key())
    return {"keys": [newest, *(jwk for jwk in older if jwk["kid"] != newest["kid"])]}


def _generate(algorithm: str) -> bytes:
    if algorithm == "ES256":
        key: Any = ec.generate_private_key(ec.SECP256R1())
    else:
        key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem


def _write(directory: Path, private_pem: bytes, key_set: KeySet) -> None:
    """The set goes first: whoever finds a new signing key finds the key to verify it with as well."""
    replace_file(directory / PUBLIC_KEYS, f"{json.dumps(key_set, indent=2)}\n".encode(), 0o644)
    replace_file(directory / PRIVATE_KEY, private_pem, 0o600)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The three commands and their options."""
    parser.description = f"The keys of access tokens: {PRIVATE_KEY} signs, {PUBLIC_KEYS} is the JSON Web Key Set."
    commands = parser.add_subparsers(dest="keys_command", required=True, metavar="COMMAND")
    make = commands.add_parser("make", help="make the first signing key")
    rotate = commands.add_parser("rotate", help="make a new signing key; the old one goes on verifying")
    public = commands.add_parser("public", help="print the set of public keys")
    for command in (make, rotate, public):
        command.add_argument("directory", type=Path, help="where the two files are")
    make.add_argument("--algorithm", choices=get_args(Algorithm), default="RS256", help="default: RS256")
    rotate.add_argument("--algorithm", choices=get_args(Algorithm), help="default: as the old key's")
    rotate.add_argument("--keep", type=_whole, default=1, metavar="N", help="old public keys that stay (default: 1)")


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError("must be a whole number, 0 or more")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """The command: 0 when done, 1 when it cannot be."""
    work: dict[str, Callable[[], str]] = {"make": lambda: _make(args), "rotate": lambda: _rotate(args)}
    return finish("keys", work.get(args.keys_command, lambda: _public(args)), KeysError, OSError)


def _make(args: argparse.Namespace) -> str:
    make_keys(args.directory, args.algorithm)
    return f"made {args.directory / PRIVATE_KEY} and {args.directory / PUBLIC_KEYS}"


def _rotate(args: argparse.Namespace) -> str:
    rotate_keys(args.directory, args.algorithm, keep=args.keep)
    live = len(live_set(args.directory)["keys"])
    return f"made a new {args.directory / PRIVATE_KEY}; keys in {args.directory / PUBLIC_KEYS}: {live}"


def _public(args: argparse.Namespace) -> str:
    return json.dumps(live_set(args.directory), indent=2)
