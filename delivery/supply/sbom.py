"""The Python packages of the image as a CycloneDX bill of materials: ``python -m delivery.supply.sbom``.

The same commit makes the same bytes. What the base image brings is not in it: a scanner of images tells that.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion

from delivery.supply.locks import IMAGE, Pin, pins
from shared import VERSION

_SCHEMA = SchemaVersion.V1_6
_OURS = "flycatcher"


class IncompleteError(Exception):
    """The bill is not what it has to be; the text says why."""


def bill(packages: Sequence[Pin]) -> dict[str, Any]:
    """The bill of an application that has these packages.

    Raises:
        IncompleteError: cyclonedx-py fails, or leaves a package out.
    """
    command = [str(Path(sys.executable).with_name("cyclonedx-py")), "requirements", "--output-reproducible"]
    done = subprocess.run(  # noqa: S603  # the program of our own environment
        [*command, "--no-validate", "--spec-version", _SCHEMA.to_version(), "-"],
        input="".join(pin.text for pin in packages),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise IncompleteError(done.stderr.strip() or f"cyclonedx-py ends with {done.returncode}")
    made: dict[str, Any] = json.loads(done.stdout)
    refs = sorted(component["bom-ref"] for component in made["components"])
    made["metadata"]["component"] = {"bom-ref": _OURS, "type": "application", "name": _OURS, "version": VERSION}
    made["dependencies"] = [*made["dependencies"], {"ref": _OURS, "dependsOn": refs}]
    judge(made, packages)
    return made


def judge(made: Mapping[str, Any], packages: Sequence[Pin]) -> None:
    """Whether the bill names every package with its version and all its hashes, and is valid.

    Raises:
        IncompleteError: it does not, or is not.
    """
    listed = {(each["name"], each["version"]): _hashes(each) for each in made["components"]}
    for pin in packages:
        if listed.pop((pin.name, pin.version), None) != set(pin.hashes):
            raise IncompleteError(f"{pin.name} {pin.version} is not in it with all its hashes")
    if listed:
        raise IncompleteError(f"nothing pins {' '.join(min(listed))}, which is in it")
    # It makes grammars of forty kinds of addresses as it is imported, which takes seconds.
    from cyclonedx.validation.json import JsonStrictValidator

    error = JsonStrictValidator(_SCHEMA).validate_str(json.dumps(made))
    if error is not None:
        raise IncompleteError(f"it is no CycloneDX {_SCHEMA.to_version()}: {error}")


def _hashes(component: Mapping[str, Any]) -> set[str]:
    return {each["content"] for place in component["externalReferences"] for each in place.get("hashes", [])}


def main(arguments: Sequence[str]) -> int:
    """Write the bill and return the exit code: 0, or 1 where it cannot be made."""
    parser = argparse.ArgumentParser(
        prog="python -m delivery.supply.sbom", description="Write the bill of materials of the image."
    )
    parser.add_argument("--output", type=Path, default=Path("dist/sbom.json"), help="default: %(default)s")
    args = parser.parse_args(arguments)
    packages = [pin for pin in pins("operations") if pin.applies(IMAGE)]
    try:
        made = bill(packages)
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(json.dumps(made, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    except OSError as error:
        print(f"sbom: cannot use {error.filename}: {error.strerror}; make sbom has what it needs", file=sys.stderr)
        return 1
    except IncompleteError as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 1
    print(f"sbom: {args.output} names the {len(packages)} packages of {_OURS} {VERSION}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
