"""The fixtures that these tests share."""

from tests.support.fixtures import at_once, locking, owner, proxied, redis, serve, servers

__all__ = ["at_once", "locking", "owner", "proxied", "redis", "serve", "servers"]
