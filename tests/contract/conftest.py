"""What the tests of the contract share."""

from tests.support.fixtures import crowd, nobody, standing, world

__all__ = ["crowd", "nobody", "standing", "world"]
