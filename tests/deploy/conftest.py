"""The renderings of knative/ that the tests go over."""

from collections.abc import Sequence

import pytest

from tests.support.manifests import SMALLEST_AND_LARGEST, Rendering, named, render


@pytest.fixture(params=SMALLEST_AND_LARGEST, ids=named, scope="session")
def rendering(request: pytest.FixtureRequest) -> Rendering:
    """An overlay alone, or with every component."""
    overlay, added = request.param
    assert isinstance(overlay, str)
    assert isinstance(added, Sequence)
    return render(overlay, *added)
