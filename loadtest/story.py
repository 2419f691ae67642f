"""The working day as a table: how often each scene is played, and how long a person then takes."""

from collections.abc import Callable
from typing import NamedTuple

from loadtest import scenes
from loadtest.developer import Developer


class Scene(NamedTuple):
    """One row of the story."""

    weight: int
    play: Callable[[Developer], None]
    function: str
    """The function that it is played for, as a tag: ``--tags issues`` plays the scenes of one function alone."""
    pause: tuple[float, float]
    """Seconds that a person takes after it, at least and at most, at pace 1."""


STORY = (
    Scene(500, scenes.open_issue, "issues", (5, 30)),
    Scene(250, scenes.look_at_list, "issues", (3, 15)),
    Scene(50, scenes.read_comments, "comments", (5, 30)),
    Scene(100, scenes.report_issue, "issues", (20, 90)),
    Scene(100, scenes.add_comment, "comments", (10, 60)),
    Scene(30, scenes.move_issue, "issues", (5, 20)),
    Scene(10, scenes.read_history, "issues", (5, 20)),
    Scene(10, scenes.look_at_projects, "projects", (2, 10)),
    Scene(10, scenes.find_colleague, "auth", (2, 10)),
    Scene(5, scenes.look_at_account, "auth", (2, 10)),
    Scene(10, scenes.refresh_tokens, "auth", (0, 5)),
    Scene(3, scenes.go_to_lunch, "auth", (0, 5)),
)
