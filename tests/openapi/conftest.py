"""What the tests of the document share."""

from tests.support.fixtures import owner, serve, servers, world

__all__ = ["owner", "serve", "servers", "world"]
