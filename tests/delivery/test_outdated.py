from packaging.markers import Marker

from delivery.supply.locks import Pin
from delivery.supply.outdated import Step, steps


def _pin(name: str, version: str, marker: str | None = None) -> Pin:
    return Pin(name, version, Marker(marker) if marker else None, hashes=(), via=(), text="")


def test_only_what_would_be_pinned_to_a_newer_version_is_listed() -> None:
    old, new = "python_full_version < '3.12'", "python_full_version >= '3.12'"
    before = [
        _pin("b", "1.9"),
        _pin("a", "1"),
        _pin("same", "1"),
        _pin("gone", "1"),
        _pin("n", "1", old),
        _pin("n", "2", new),
    ]
    after = [
        _pin("b", "1.10"),
        _pin("a", "0.9"),
        _pin("same", "1"),
        _pin("come", "1"),
        _pin("n", "1", old),
        _pin("n", "3", new),
    ]
    assert steps(before, after) == [Step("b", "1.9", "1.10"), Step("n", "2", "3")]
