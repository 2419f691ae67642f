"""The configuration: read from the environment once, at start, and frozen."""

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args
from urllib.parse import urlsplit

from shared.observability.redaction import redact

FunctionName = Literal["auth", "projects", "issues", "comments"]
FUNCTION_NAMES: tuple[FunctionName, ...] = get_args(FunctionName)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
T = TypeVar("T")

_DECIMAL = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_NOT_OF_A_URL = re.compile(r"\s|%(?![0-9A-Fa-f]{2})")


class SettingsError(Exception):
    """A setting is missing or wrong; the text is one line that names it."""


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        if not (_DECIMAL.fullmatch(text) and low <= float(text) <= high):
            raise ValueError(f"must be a number of seconds from {low:g} to {high:g}")
        return float(text)

    return parse


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return parse


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        try:
            parts = urlsplit(text)
            if parts.netloc.count("@") > 1 or _NOT_OF_A_URL.search(text):
                raise ValueError
            for host in parts.netloc.rpartition("@")[2].split(","):
                _ = urlsplit(f"//{host}").port
        except ValueError:  # its own text may show a password
            raise ValueError("must be a URL, with what is special in it encoded") from None
        if parts.scheme not in schemes:
            raise ValueError(f"must be a URL that starts with {schemes[0]}://")
        return text

    return parse


def _collector(text: str) -> str:
    url = _url("http", "https")(text)
    parts = urlsplit(url)
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be a URL such as http://collector:4318, with no query")
    return url.rstrip("/")


def _text(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _origins(text: str) -> tuple[str, ...]:
    """Exact origins (RFC 6454), as browsers write them: any other spelling would never match.

    A wildcard would let any site read what its visitor may read.
    """
    for origin in _items(text):
        parts = urlsplit(origin)
        default_port = {"http": 80, "https": 443}.get(parts.scheme, -1)
        exact = parts.hostname and origin == f"{parts.scheme}://{parts.netloc}".lower() and not set(origin) & {"*", "@"}
        if not exact or origin.endswith(":") or default_port in (-1, parts.port):
            raise ValueError(
                "must list exact origins such as https://app.example.com, in lower case and without a default port; "
                "* is refused"
            )
    return tuple(_items(text))


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(item) for item in _items(text))
    except ValueError:
        raise ValueError("must list networks such as 10.0.0.0/8, comma-separated") from None


def _json(text: str) -> str:
    try:
        json.loads(text)
    except ValueError:
        raise ValueError("must be a JSON Web Key Set (RFC 7517)") from None
    return text


def _private_key(text: str) -> str:
    if "PRIVATE KEY-----" not in text:
        raise ValueError("must be a private key in PEM")
    return text


_pool_size = _whole(1, 1000)
POOL_SIZE = 5
"""Connections that a process may hold, unless said otherwise."""


def _setting(parse: Callable[[str], T], default: T | object = MISSING, *, only: FunctionName | None = None) -> Any:
    metadata = {"parse": parse, "only": only}
    if default is MISSING:
        return field(metadata=metadata, repr=False)
    return field(default=default, metadata=metadata, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a function needs to know. A field is the environment variable of its name, in upper case.

    No field is shown by ``repr``: several hold secrets.
    """

    database_url: str = _setting(_url("postgresql", "postgres"))
    database_pool_size: int = _setting(_pool_size, POOL_SIZE)
    database_connect_seconds: int = _setting(_whole(2, 60), 2)
    database_wait_seconds: float = _setting(_seconds(0.01, 60), 2.0)
    database_statement_seconds: float = _setting(_seconds(0.01, 600), 2.0)
    database_lock_seconds: float = _setting(_seconds(0.01, 600), 1.5)
    database_idle_seconds: float = _setting(_seconds(0.01, 600), 3.0)
    request_seconds: float = _setting(_seconds(0.01, 600), 2.5)
    redis_url: str = _setting(_url("redis", "rediss", "unix"))
    jwt_private_key: str | None = _setting(_private_key, only="auth")
    jwt_public_keys: str = _setting(_json)
    jwt_issuer: str = _setting(_text, "flycatcher")
    jwt_audience: str = _setting(_text, "flycatcher")
    access_token_seconds: int = _setting(_whole(1, 86_400), 900)
    refresh_token_seconds: int = _setting(_whole(1, 31_536_000), 604_800)
    session_seconds: int = _setting(_whole(1, 31_536_000), 2_592_000)
    rate_limit_per_minute: int = _setting(_whole(1, 1_000_000), 100)
    login_limit_per_minute: int = _setting(_whole(1, 1_000_000), 5)
    lockout_threshold: int = _setting(_whole(1, 1_000_000), 5)
    lockout_seconds: int = _setting(_whole(1, 31_536_000), 900)
    password_hashes_at_once: int = _setting(_whole(1, 1000), 1)
    cors_allowed_origins: tuple[str, ...] = _setting(_origins, ())
    trusted_proxies: tuple[Network, ...] = _setting(_networks, ())
    log_level: str = _setting(_one_of("debug", "info", "warning", "error"), "info")
    otel_exporter_otlp_endpoint: str | None = _setting(_collector, None)

    @classmethod
    def load(cls, environ: Mapping[str, str], function: FunctionName | None = None) -> "Settings":
        """Read and check every setting of ``function``; None stands for all functions in one process.

        ``NAME_FILE`` gives the path of a file that holds the value of ``NAME``.
        A setting that belongs to another function alone is not even read: only auth sees the private key.

        Raises:
            SettingsError: a value is missing or wrong; the message names the variable.
        """
        values: dict[str, Any] = {}
        for setting in fields(cls):
            only = setting.metadata["only"]
            if only is not None and function not in (only, None):
                values[setting.name] = None
                continue
            value = read_variable(environ, setting.name.upper(), setting.metadata["parse"])
            if value is not None:
                values[setting.name] = value
            elif setting.default is MISSING:
                name = setting.name.upper()
                raise SettingsError(f"{name} is missing: set it, or {name}_FILE to the path of a file that holds it")
        return cls(**values)


def read_variable(environ: Mapping[str, str], name: str, parse: Callable[[str], T]) -> T | None:
    """The value of a variable or of the file that ``name_FILE`` points at; None where both are unset or empty.

    Raises:
        SettingsError: the file cannot be read, both are set, or ``parse`` refuses the value.
    """
    text, path = environ.get(name, ""), environ.get(f"{name}_FILE", "")
    if text and path:
        raise SettingsError(f"{name} and {name}_FILE are both set; set one of them")
    if path:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            # Whoever gives the value itself in place of a path does not want to see it in a log.
            shown = redact(path).replace("\n", " ")
            raise SettingsError(f"{name}_FILE: cannot read {shown}: {reason}") from None
    if not text.strip():
        return None
    try:
        return parse(text.strip())
    except ValueError as error:
        raise SettingsError(f"{name} {error}") from None


def read_function(environ: Mapping[str, str]) -> FunctionName:
    """The function to run, from ``FUNCTION``.

    Raises:
        SettingsError: it is missing, or no function's name.
    """
    name = read_variable(environ, "FUNCTION", _one_of(*FUNCTION_NAMES))
    if name is None:
        raise SettingsError(f"FUNCTION is missing; it is one of {', '.join(FUNCTION_NAMES)}")
    return cast(FunctionName, name)


def read_port(environ: Mapping[str, str], default: int) -> int:
    """The port to listen on, from ``PORT``.

    Raises:
        SettingsError: it is no port number.
    """
    return read_variable(environ, "PORT", _whole(1, 65_535)) or default


def read_pool_size(environ: Mapping[str, str]) -> int:
    """The connections that a process may hold, from ``DATABASE_POOL_SIZE``.

    Raises:
        SettingsError: it is no such number.
    """
    return read_variable(environ, "DATABASE_POOL_SIZE", _pool_size) or POOL_SIZE


def read_url(environ: Mapping[str, str], name: str) -> str | None:
    """A PostgreSQL URL from the variable ``name``, or None.

    Raises:
        SettingsError: it is no PostgreSQL URL.
    """
    return read_variable(environ, name, _url("postgresql", "postgres"))
