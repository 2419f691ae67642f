"""That docs/scaling.md says of the autoscaling what the manifests say."""

import re
from collections.abc import Iterator, Sequence

from shared.settings import FUNCTION_NAMES
from tests.support.manifests import ROOT, Object, container, quantity, render

DOCUMENT = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
COLUMNS = ("min-scale", "max-scale", "target", "containerConcurrency", "memory")
NUMBER = re.compile(r"`([A-Za-z_-]+)(?:: |=)([0-9a-z]+)`(?: of `([a-z]+)`)?")
"""The first cell of a row of reasons: ``name: value`` or ``NAME=value``, and of which function alone."""
EXPLAINED = {
    "min-scale", "target", "containerConcurrency", "initial-scale", "scale-down-delay",
    "scale-to-zero-pod-retention-period", "rollout-duration", "timeoutSeconds", "GATEWAY_TIMEOUT_SECONDS",
}  # fmt: skip
"""The numbers that have a reason with their value. That of max-scale is what they all add up to."""


def _rows(heading: str) -> Iterator[Sequence[str]]:
    """The rows of the table with this first line, cell by cell."""
    (table,) = [block for block in DOCUMENT.split("\n\n") if block.startswith(f"{heading}\n")]
    for line in table.splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


def _told(service: Object) -> dict[str, str]:
    """Every number of a function, by the name that the document has for it."""
    template = service["spec"]["template"]
    annotations = {**service["metadata"]["annotations"], **template["metadata"]["annotations"]}
    resources = container(template["spec"])["resources"]
    return {
        **{key.partition("/")[2]: value for key, value in annotations.items()},
        "containerConcurrency": str(template["spec"]["containerConcurrency"]),
        "timeoutSeconds": str(template["spec"]["timeoutSeconds"]),
        "memory": f"{resources['requests']['memory']} to {resources['limits']['memory']}",
        "processor": f"{resources['requests']['cpu']} to {resources['limits']['cpu']}",
    }


def test_the_table_of_the_functions_is_that_of_the_manifests() -> None:
    # The trial has no warm start, and changes none of these.
    found = {name: _told(service) for name, service in render("trial").functions.items()}
    heading = f"| | {' | '.join(COLUMNS)} |"
    rows = {name: dict(zip(COLUMNS, cells, strict=True)) for name, *cells in _rows(heading)}
    assert rows == {name: {column: numbers[column] for column in COLUMNS} for name, numbers in found.items()}
    assert list(rows) == list(FUNCTION_NAMES)


def test_each_number_that_has_a_reason_is_the_one_of_the_manifests() -> None:
    rendered = render("production")
    found = {name: _told(service) for name, service in rendered.functions.items()}
    (gateway,) = [item["data"] for item in rendered.of("ConfigMap").values() if "GATEWAY_NAME" in item["data"]]
    explained: dict[str, dict[str, str]] = {name: {} for name in found}
    for cell, _ in _rows("| number | why |"):
        for key, value, alone in NUMBER.findall(cell):
            for name in [alone] if alone else found:
                explained[name][key] = value
    for name, numbers in explained.items():
        assert set(numbers) == EXPLAINED, name
        # What is kept warm is the overlay's: the reason is that of the base.
        wanted = {**found[name], **gateway, "min-scale": _told(render("trial").functions[name])["min-scale"]}
        assert numbers == {key: wanted[key] for key in numbers}, name
    assert f"| processor: {found['auth']['processor']} |" in DOCUMENT


def test_the_gateway_grows_as_it_is_written() -> None:
    rendered = render("production")
    (autoscaler,) = rendered.of("HorizontalPodAutoscaler").values()
    (metric,) = autoscaler["spec"]["metrics"]
    request = container(rendered.of("Deployment")["gateway"]["spec"]["template"]["spec"])["resources"]["requests"][
        "cpu"
    ]
    busy = quantity(request) * metric["resource"]["target"]["averageUtilization"] / 100
    low, high = autoscaler["spec"]["minReplicas"], autoscaler["spec"]["maxReplicas"]
    assert f"| gateway with {low} pods, {busy:g} of a processor each, then it grows to {high} |" in DOCUMENT
