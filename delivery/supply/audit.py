"""Whether a vulnerability is known of what is pinned: ``python -m delivery.supply.audit``. It asks the network.

Without data nothing is judged: packages whose vulnerabilities are known have to be reported first, and afterwards every
pinned package has to be answered for.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from delivery.supply.locks import INSTALLED, REQUIREMENTS, pins
from shared.usage import take_no_arguments

KNOWN: Mapping[str, str] = {"jinja2": "2.10", "requests": "2.19.0"}
"""Versions with vulnerabilities that every source of data has had for years: CVE-2019-10906, CVE-2018-18074."""
SERVICES = ("pypi", "osv")
"""Sources of data by their names in pip-audit, in the order in which they are asked."""


class NoDataError(Exception):
    """Nothing can be said; the text says why."""


@dataclass(frozen=True)
class Judged:
    """What is known of one package."""

    name: str
    version: str
    vulnerabilities: tuple[str, ...]


Ask = Callable[[Path, str], list[Judged]]
"""Judges the packages of a requirements file by the data of a service."""


def ask(requirements: Path, service: str) -> list[Judged]:
    """What is known of the packages of a requirements file.

    Raises:
        NoDataError: the service cannot be reached, or does not know one of them.
    """
    options = ["--no-deps", "--disable-pip", "--format=json", "--progress-spinner=off", "--timeout=10"]
    done = subprocess.run(  # noqa: S603  # the program of our own environment
        [
            sys.executable,
            "-m",
            "pip_audit",
            *options,
            f"--vulnerability-service={service}",
            f"--requirement={requirements}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        answered = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError) as error:
        raise NoDataError((done.stderr.splitlines() or ["pip-audit says nothing"])[-1]) from error
    for each in answered:
        if "skip_reason" in each:
            raise NoDataError(each["skip_reason"])
    return [
        Judged(
            name=each["name"],
            version=each["version"],
            vulnerabilities=tuple(
                " ".join([found["id"], *(["repaired in", *found["fix_versions"]] if found["fix_versions"] else [])])
                for found in each["vulns"]
            ),
        )
        for each in answered
    ]


def find_service(ask: Ask) -> str:
    """The first service that knows what is known.

    Raises:
        NoDataError: there is none.
    """
    reasons = []
    with tempfile.TemporaryDirectory() as directory:
        known = Path(directory, "known.txt")
        known.write_text("".join(f"{name}=={version}\n" for name, version in KNOWN.items()), encoding="utf-8")
        for service in SERVICES:
            try:
                vulnerable = {each.name for each in ask(known, service) if each.vulnerabilities}
            except NoDataError as error:
                reasons.append(f"{service}: {error}")
                continue
            if vulnerable == KNOWN.keys():
                return service
            missed = min(KNOWN.keys() - vulnerable)
            reasons.append(f"{service}: does not know that {missed} {KNOWN[missed]} is vulnerable")
    raise NoDataError("there is no data of vulnerabilities here, nothing was judged; " + "; ".join(reasons))


def judge(layer: str, service: str, ask: Ask) -> list[Judged]:
    """What is known of every package of a lock that is installed here.

    Raises:
        NoDataError: one is not answered for.
    """
    judged = ask(REQUIREMENTS / f"{layer}.txt", service)
    here = {(pin.name, pin.version) for pin in pins(layer) if pin.marker is None or pin.marker.evaluate()}
    missing = here - {(each.name, each.version) for each in judged}
    if missing:
        raise NoDataError(f"{' '.join(min(missing))} of requirements/{layer}.txt was not judged")
    return judged


def main(ask: Ask = ask) -> int:
    """Print what is known and return the exit code: 0 for nothing, 1 for something, 2 where data is missing."""
    try:
        service = find_service(ask)
        judged = {each for layer in INSTALLED for each in judge(layer, service, ask)}
    except NoDataError as error:
        print(f"audit: {error}", file=sys.stderr)
        return 2
    lines = sorted(f"{each.name} {each.version}: {found}" for each in judged for found in each.vulnerabilities)
    for line in lines:
        print(f"audit: {line}", file=sys.stderr)
    print(f"audit: {len(judged)} packages, {len(lines)} known vulnerabilities, by the data of {service}")
    return int(bool(lines))


if __name__ == "__main__":
    take_no_arguments("python -m delivery.supply.audit", "Look for known vulnerabilities in what is pinned.")
    sys.exit(main())
