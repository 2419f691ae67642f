"""The fixtures that these tests share."""

from tests.support.fixtures import at_once, owner, redis, serve, servers, world

__all__ = ["at_once", "owner", "redis", "serve", "servers", "world"]
