"""What the tests of pods share with those of docker-compose.yml: the engine and the image."""

from tests.containers.conftest import stack

__all__ = ["stack"]
