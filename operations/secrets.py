"""What a deployment has to keep to itself, made at random: ``python -m operations secrets``.

A directory for each who may read it, so that each can be a volume of its own (docker-compose.yml) or a Secret
(knative/components/secrets). What is there already stays.
"""

import argparse
import hashlib
import json
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from operations.certificate import NAMES, make_certificate
from operations.console import finish
from operations.files import replace_file
from operations.keys import PRIVATE_KEY, PUBLIC_KEYS, KeysError, live_set, make_keys
from operations.kubernetes import KubernetesError, read_secret, write_secret
from shared.settings import FUNCTION_NAMES

MODE = 0o440
"""Readable by the group that the containers share, writable by nobody: a file is replaced, never changed."""
PASSWORD_BYTES = 32
REDIS_COMMANDS = "+ping +auth +select +eval +time +lindex +rpop +llen +lpush +expire +exists +set"
"""What the functions send to Redis (shared/security/limits.py, shared/data/redis.py), and no more."""


class Place(NamedTuple):
    """A directory of the secrets."""

    reader: str
    make: Callable[[Path, "Addresses"], None]


class Addresses(NamedTuple):
    """Where the deployment will find what the passwords are for, and by which names it is called."""

    database: str
    """``host:port/name``"""
    redis: str
    """``host:port``"""
    names: Sequence[str]
    """Of the certificate."""


def _signing(directory: Path, _: Addresses) -> None:
    if not (directory / PRIVATE_KEY).exists():
        make_keys(directory)


def _public(directory: Path, _: Addresses) -> None:
    """Written each time: this is how a rotation of the keys gets to the functions."""
    published = live_set(directory.parent / "signing")
    replace_file(directory / PUBLIC_KEYS, f"{json.dumps(published, indent=2)}\n".encode(), MODE)


def _tls(directory: Path, addresses: Addresses) -> None:
    make_certificate(directory, addresses.names)


def _owner(directory: Path, addresses: Addresses) -> None:
    if not (directory / "database-owner-url").exists():
        password = _password()
        _write(directory / "password", password)
        _write(directory / "database-owner-url", f"postgresql://flycatcher_owner:{password}@{addresses.database}")


def _function(directory: Path, addresses: Addresses) -> None:
    """Each function signs in to PostgreSQL as somebody else."""
    if not (directory / "database-url").exists():
        login = f"flycatcher_{directory.name}"
        _write(directory / "database-url", f"postgresql://{login}:{_password()}@{addresses.database}")


def _redis(directory: Path, addresses: Addresses) -> None:
    """Redis keeps a hash of the password; whoever has none may only ask whether it is there.

    The functions share one account: what they keep there is shared by them, too.
    """
    users = directory / "users.acl"
    urls = [directory.parent / name / "redis-url" for name in FUNCTION_NAMES]
    known = next((url.read_text(encoding="utf-8") for url in urls if url.exists()), None)
    if known is None or not users.exists():
        password = _password()
        digest = hashlib.sha256(password.encode()).hexdigest()
        rights = f"resetchannels -@all {REDIS_COMMANDS}"
        _write(users, f"user default on nopass -@all +ping\nuser flycatcher on #{digest} ~rate:* ~denied:* {rights}\n")
        known = f"redis://flycatcher:{password}@{addresses.redis}"
    for url in urls:
        if not url.exists() or url.read_text(encoding="utf-8") != known:
            _write(url, known)


PLACES: dict[str, Place] = {
    "signing": Place("auth, which signs access tokens", _signing),
    "public": Place("all functions, which verify them", _public),
    "tls": Place("the gateway", _tls),
    "owner": Place("PostgreSQL and the commands of operations", _owner),
    **{name: Place(f"{name} alone", _function) for name in FUNCTION_NAMES},
    "redis": Place("Redis", _redis),
}


def make_secrets(directory: Path, addresses: Addresses) -> None:
    """Make what is missing below ``directory``.

    Raises:
        SettingsError: one of the names is no host name and no IP address.
        KeysError: the signing key that is there is not usable.
        OSError, ValueError: a file cannot be read or written.
    """
    for name in PLACES:
        (directory / name).mkdir(mode=0o750, parents=True, exist_ok=True)
    for name, place in PLACES.items():
        place.make(directory / name, addresses)
    for path in directory.rglob("*"):
        if path.is_file():
            path.chmod(MODE)


def make_kubernetes_secrets(directory: Path, addresses: Addresses) -> None:
    """Make what is missing of the Secrets of this pod's namespace, one for each place, by way of ``directory``.

    Raises:
        KubernetesError: the API cannot be asked, or refuses.
        SettingsError, KeysError, OSError, ValueError: as ``make_secrets``.
    """
    there = {name: read_secret(name) for name in PLACES}
    for name, files in there.items():
        (directory / name).mkdir(mode=0o750, parents=True, exist_ok=True)
        for key, content in files.items():
            replace_file(directory / name / key, content, MODE)
    make_secrets(directory, addresses)
    for name, files in there.items():
        made = {path.name: path.read_bytes() for path in (directory / name).iterdir()}
        if made != files:
            write_secret(name, made)


def _password() -> str:
    return secrets.token_hex(PASSWORD_BYTES)


def _write(path: Path, text: str) -> None:
    replace_file(path, text.encode(), MODE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    told = "; ".join(f"{name} for {place.reader}" for name, place in PLACES.items())
    parser.description = f"Make the secrets of a deployment that are not there yet: {told}."
    parser.add_argument("directory", type=Path, help="where their directories are")
    parser.add_argument("--database", default="postgres:5432/flycatcher", metavar="HOST:PORT/NAME", help="%(default)s")
    parser.add_argument("--redis", default="redis:6379", metavar="HOST:PORT", help="default: %(default)s")
    parser.add_argument("--name", action="append", metavar="NAME", help=f"of the certificate ({', '.join(NAMES)})")
    parser.add_argument("--kubernetes", action="store_true", help="make them Secrets of this pod's namespace")


def run(args: argparse.Namespace) -> int:
    """The command: 0 when done, 1 when it cannot be, 2 when a name is none."""

    def work() -> str:
        make = make_kubernetes_secrets if args.kubernetes else make_secrets
        make(args.directory, Addresses(args.database, args.redis, args.name or NAMES))
        return f"the secrets are in {'the namespace' if args.kubernetes else args.directory}: {', '.join(PLACES)}"

    return finish("secrets", work, KeysError, KubernetesError, OSError, ValueError)
