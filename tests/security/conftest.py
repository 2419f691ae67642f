"""The fixtures that these tests share."""

from tests.support.fixtures import at_once, owner, redis, serve, servers
from tests.support.forge import forge, signing_key
from tests.support.functions import functions, functions_without_redis

__all__ = [
    "at_once",
    "forge",
    "functions",
    "functions_without_redis",
    "owner",
    "redis",
    "serve",
    "servers",
    "signing_key",
]
