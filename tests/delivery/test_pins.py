"""The locks: complete, in step with what people ask for, and bound to no registry."""

import re
from itertools import pairwise

import pytest

from delivery.supply.locks import IMAGE, LAYERS, REQUIREMENTS, Pin, asked, pins

LOCKS = (*LAYERS, "loadtest")
ASKED = re.compile(r"-r (\w+)\.in")


@pytest.fixture(scope="module", params=LOCKS)
def layer(request: pytest.FixtureRequest) -> str:
    """Each lock."""
    return str(request.param)


@pytest.fixture(scope="module")
def lock(layer: str) -> list[Pin]:
    """What is in it."""
    return pins(layer)


def test_every_lock_is_here() -> None:
    assert {path.stem for path in REQUIREMENTS.glob("*.txt")} == set(LOCKS)
    assert {path.stem for path in REQUIREMENTS.glob("*.in")} == set(LOCKS)


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_each_package_has_hashes_and_one_version(lock: list[Pin], python: str) -> None:
    assert all(pin.hashes for pin in lock)
    here = {**IMAGE, "python_version": python, "python_full_version": f"{python}.0"}
    names = [pin.name for pin in lock if pin.applies(here)]
    assert sorted(set(names)) == sorted(names)


def test_whatever_people_ask_for_is_locked_for_them(layer: str, lock: list[Pin]) -> None:
    via = {pin.name: pin.via for pin in lock}
    assert [name for name in asked(layer) if f"-r {layer}.in" not in via.get(name, ())] == []


def test_nothing_is_locked_that_nobody_asks_for_any_more(lock: list[Pin]) -> None:
    def wanted(pin: Pin, name: str) -> bool:
        file = ASKED.fullmatch(name)
        return name in reached if file is None else pin.name in asked(file[1])

    reached: set[str] = set()
    while found := {pin.name for pin in lock if any(wanted(pin, name) for name in pin.via)} - reached:
        reached |= found
    assert {pin.name for pin in lock} - reached == set()


def test_no_lock_names_a_registry(layer: str) -> None:
    text = (REQUIREMENTS / f"{layer}.txt").read_text(encoding="utf-8")
    assert (
        re.findall(r"^\s*(?:-i|--(?:extra-)?index-url|--find-links|--trusted-host)\b.*|\S*://\S*", text, re.MULTILINE)
        == []
    )


@pytest.mark.parametrize(("inner", "outer"), list(pairwise(LAYERS)))
def test_a_layer_has_the_versions_of_the_layer_below(inner: str, outer: str) -> None:
    versions = {pin.name: (pin.version, pin.hashes) for pin in pins(outer)}
    assert [pin.name for pin in pins(inner) if versions.get(pin.name) != (pin.version, pin.hashes)] == []


def test_what_is_for_other_systems_is_not_in_the_image() -> None:
    left_out = {pin.name for pin in pins("operations") if not pin.applies(IMAGE)}
    assert left_out == {"tzdata"}
