"""The workflows of GitHub do what a developer can do: every step is a target of make, or an action by its commit."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ACTIONS = sorted((GITHUB / "actions").glob("*/action.yml"))

RUN = re.compile(r'(?:exec )?make (?P<target>[a-z-]+|"\$TARGET")(?P<given>( [A-Z_]+=("\$[A-Z_]+"|[\w./-]+))*)')
"""One target, and what it is given, as shell variables or plain words: `${{ }}` would become part of the script."""
PINNED = re.compile(r"[\w.-]+(/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+")

Map = dict[str, Any]


def load(path: Path) -> Map:
    found: Map = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def jobs() -> Iterator[tuple[str, Map]]:
    """Each job of each workflow that has steps."""
    for path in WORKFLOWS:
        for name, job in load(path)["jobs"].items():
            if "steps" in job:
                yield f"{path.stem}/{name}", job


JOBS = dict(jobs())


def runs(job: Map) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def asked(job: Map) -> list[str]:
    """What make is asked for in a job, for each line of its matrix."""
    found = []
    for run in runs(job):
        matched = RUN.fullmatch(run)
        assert matched, run
        if matched["target"] == '"$TARGET"':
            assert job["env"]["TARGET"] == "${{ matrix.target }}"
            found += job["strategy"]["matrix"]["target"]
        else:
            found.append(matched["target"])
    return found


def test_there_are_workflows() -> None:
    assert {path.stem for path in WORKFLOWS} == {"check", "codeql", "openapi", "release", "upkeep"}
    assert len([run for job in JOBS.values() for run in runs(job)]) > 20


@pytest.mark.parametrize("name", JOBS)
def test_every_step_runs_one_target_that_is_there(name: str, targets: set[str]) -> None:
    assert set(asked(JOBS[name])) <= targets


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: path.parent.name + "/" + path.name)
def test_every_action_is_named_by_its_commit_and_its_version(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text(encoding="utf-8"))
    outside = [name for name in used if not name.startswith("./")]
    assert [name for name in outside if not PINNED.fullmatch(name)] == []
    assert all((ROOT / name).exists() for name in set(used) - set(outside))


def test_an_action_has_one_version_everywhere() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in [*WORKFLOWS, *ACTIONS])
    used = set(re.findall(r"uses: ([\w-]+/[\w-]+)[\w/-]*@(.+)", text))
    assert sorted(name for name, _ in used) == sorted({name for name, _ in used})


@pytest.mark.parametrize("name", JOBS)
def test_every_job_has_an_end_and_no_more_rights_than_it_says(name: str) -> None:
    job = JOBS[name]
    assert 0 < job["timeout-minutes"] <= 60
    assert job["permissions"]
    assert job["runs-on"] == "ubuntu-24.04"
    for step in job["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_no_rights_of_its_own_and_runs_once_at_a_time(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]
    assert "pull_request_target" not in path.read_text(encoding="utf-8")


def test_what_a_job_may_write() -> None:
    may = {
        name: sorted(right for right, level in job["permissions"].items() if level == "write")
        for name, job in JOBS.items()
    }
    assert {name: rights for name, rights in may.items() if rights} == {
        "codeql/analyze": ["security-events"],
        "openapi/tell": ["pull-requests"],
        "release/image": ["id-token", "packages"],
        "release/publish": ["contents"],
        "release/deploy": ["id-token"],
    }


def test_no_secret_is_needed_but_the_one_that_a_run_is_given() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    assert "secrets." not in text
    assert set(re.findall(r"github\.token", text)) == {"github.token"}


def test_green_waits_for_every_job() -> None:
    check = load(GITHUB / "workflows" / "check.yml")["jobs"]
    assert set(check["green"]["needs"]) == set(check) - {"green"}
    assert check["green"]["if"] == "always()"


def test_whoever_runs_tests_says_whether_the_tree_is_unchanged() -> None:
    for name, job in JOBS.items():
        if name.startswith("check/") and name != "check/green":
            assert runs(job)[-1] == "make unchanged", name


def test_every_check_of_the_decisive_run_is_a_job_too() -> None:
    steps = re.sub(r"(^|\s)#.*", "", (ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    decisive = set(re.findall(r"make ([a-z-]+)", steps))
    checks = [job for name, job in JOBS.items() if name.startswith(("check/", "openapi/"))]
    made = {target for job in checks for target in asked(job)}
    # `smoke` starts the first two, `coverage` is the third; a bench of a shared machine says nothing.
    assert decisive - made == {"run", "loadtest", "test", "bench", "install-dev"}


def test_a_release_is_checked_scanned_and_signed_before_it_is_deployed() -> None:
    release = load(GITHUB / "workflows" / "release.yml")["jobs"]
    assert release["check"]["uses"] == "./.github/workflows/check.yml"
    assert set(release["image"]["needs"]) == {"check", "version"}
    assert "image" in release["deploy"]["needs"]
    assert release["deploy"]["environment"] == "production"
    steps = [step.get("uses", step.get("run", "")).split("@")[0] for step in release["image"]["steps"]]
    assert steps[-1] == "make sign"
    scans = [step for step in release["image"]["steps"] if "trivy-action" in step.get("uses", "")]
    assert ",".join(scan["env"]["TRIVY_PLATFORM"] for scan in scans) == "linux/amd64,linux/arm64"
    assert {scan["with"]["cache"] for scan in scans} == {"false"}
    assert runs(release["deploy"]) == ["make verify-signature", "make kubeconfig", "exec make deploy"]
    (built,) = [step["with"] for step in release["image"]["steps"] if "build-push-action" in step.get("uses", "")]
    assert (built["provenance"], built["sbom"], built["platforms"]) == ("mode=max", True, "linux/amd64,linux/arm64")
    # A cache could hold what another branch has put there.
    assert built["no-cache"] is True
    assert "cache-from" not in built


def test_every_scan_fails_on_what_could_be_mended() -> None:
    scans = [step["with"] for job in JOBS.values() for step in job["steps"] if "trivy-action" in step.get("uses", "")]
    assert len(scans) == 5
    for scan in scans:
        assert (scan["severity"], scan["ignore-unfixed"], scan["exit-code"]) == ("HIGH,CRITICAL", True, "1")
        # These releases of the scanner were not its makers' (GHSA-69fq-xp46-6x23).
        assert scan["version"] not in {"v0.69.4", "v0.69.5", "v0.69.6"}


def test_the_pythons_of_the_tests_are_those_that_the_project_promises() -> None:
    tested = load(GITHUB / "workflows" / "check.yml")["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert tested == ["3.11", "3.12", "3.13"]
    assert 'requires-python = ">=3.11"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    image = re.search(r"^ARG PYTHON=python:([\d.]+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert image
    (action,) = ACTIONS
    assert load(action)["inputs"]["version"]["default"] == image[1] == tested[-1]
