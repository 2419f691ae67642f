"""The fixtures that the attacks share."""

from tests.support.fixtures import (
    at_once,
    crowd,
    locking,
    nobody,
    owner,
    proxied,
    redis,
    serve,
    servers,
    standing,
    world,
)
from tests.support.forge import forge, signing_key
from tests.support.functions import functions, functions_without_redis
from tests.support.logs import debug_log, debugged

__all__ = [
    "at_once",
    "crowd",
    "debug_log",
    "debugged",
    "forge",
    "functions",
    "functions_without_redis",
    "locking",
    "nobody",
    "owner",
    "proxied",
    "redis",
    "serve",
    "servers",
    "signing_key",
    "standing",
    "world",
]
