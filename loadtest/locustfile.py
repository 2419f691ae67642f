"""What Locust runs: ``locust --locustfile loadtest/locustfile.py``. The story itself is in story.py."""

from collections.abc import Callable
from typing import Any

from locust import TaskSet, events, tag
from locust.env import Environment
from locust.runners import WorkerRunner

from loadtest.developer import Developer, Office
from loadtest.options import Options, OptionsError, add_options
from loadtest.prepare import PrepareError, prepare, refuse
from loadtest.story import STORY, Scene
from loadtest.watch import watch


def task(scene: Scene) -> Callable[[Developer], None]:
    """The scene as Locust's task, with its function for a tag and its name for the report."""

    def play(person: Developer) -> None:
        person.pause = scene.pause
        scene.play(person)

    play.__name__ = scene.play.__name__
    return tag(scene.function)(play)


def tasks() -> list[TaskSet | Callable[..., Any]]:
    """Each scene as often as it weighs: Locust draws from these."""
    return [play for scene in STORY for play in [task(scene)] * scene.weight]


class WorkingDay(Developer):
    """A developer who follows the story."""

    tasks = tasks()


def start(environment: Environment, **_more: Any) -> None:
    """Read the options and look at the server, before the first user is there."""
    try:
        options = Options.read(environment)
        if not isinstance(environment.runner, WorkerRunner):
            prepare(options)
            watch(environment, options)
    except (OptionsError, PrepareError) as error:
        refuse(error)
    Developer.office = Office(options)
    Developer.insecure = options.insecure


events.init_command_line_parser.add_listener(add_options)
events.init.add_listener(start)
