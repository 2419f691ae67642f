from typing import Any

import pytest

from delivery.supply.locks import Pin
from delivery.supply.sbom import IncompleteError, judge

PIN = Pin(name="starlette", version="1.2.3", marker=None, hashes=("a" * 64, "b" * 64), via=(), text="")


def _component(name: str, version: str, *hashes: str) -> dict[str, Any]:
    listed = [{"alg": "SHA-256", "content": each} for each in hashes]
    return {"name": name, "version": version, "externalReferences": [{"type": "distribution", "hashes": listed}]}


@pytest.mark.parametrize(
    ("components", "problem"),
    [
        ([], "starlette 1.2.3 is not in it"),
        ([_component("starlette", "1.2.4", *PIN.hashes)], "starlette 1.2.3 is not in it"),
        ([_component("starlette", "1.2.3", "a" * 64)], "with all its hashes"),
        ([_component("starlette", "1.2.3", *PIN.hashes), _component("flask", "3.0.0")], "nothing pins flask 3.0.0"),
    ],
)
def test_a_bill_that_is_not_what_is_pinned_is_refused(components: list[dict[str, Any]], problem: str) -> None:
    with pytest.raises(IncompleteError, match=problem):
        judge({"components": components}, [PIN])
