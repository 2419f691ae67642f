"""What is told to people and to Dependabot is what is there: commands, files, owners, everything that is pinned."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAPERS = ("CONTRIBUTING.md", "SECURITY.md", "README.md", ".pre-commit-config.yaml", ".github/pull_request_template.md")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAPERS)
def test_every_command_that_is_told_of_is_there(name: str, targets: set[str]) -> None:
    named = set(re.findall(r"(?:`|^|entry: )make ([a-z-]+)", read(name), re.MULTILINE))
    assert named <= targets


def test_every_command_of_the_pipeline_is_told_of() -> None:
    told = set(re.findall(r"make ([a-z-]+)", read("CONTRIBUTING.md")))
    (quality,) = re.findall(r"target: \[(lint.+)\]", read(".github/workflows/check.yml"))
    assert set(quality.split(", ")) - {"smoke"} <= told


@pytest.mark.parametrize("name", PAPERS)
def test_every_link_leads_somewhere(name: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", read(name))
    assert [link for link in links if not (ROOT / name).parent.joinpath(link).exists()] == []


def test_hooks_are_commands_of_make_and_nothing_else() -> None:
    (source,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert source["repo"] == "local"
    assert all(hook["entry"].startswith("make ") and hook["language"] == "system" for hook in source["hooks"])


def test_every_path_that_has_an_owner_is_there() -> None:
    lines = [line.split() for line in read(".github/CODEOWNERS").splitlines() if line and not line.startswith("#")]
    assert lines[0][0] == "*"
    assert [path for path, *_ in lines[1:] if not (ROOT / path.strip("/")).is_dir()] == []
    assert all(owner.startswith("@") for _, *owners in lines for owner in owners)


def test_dependabot_looks_wherever_something_is_pinned() -> None:
    updates = yaml.safe_load(read(".github/dependabot.yml"))["updates"]
    looked = {
        (update["package-ecosystem"], path)
        for update in updates
        for path in update.get("directories", [update.get("directory")])
    }
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()  # noqa: S607  # the git of this machine
    kinds = {
        "Dockerfile": "docker",
        "docker-compose.yml": "docker-compose",
        "package-lock.json": "npm",
        "action.yml": "github-actions",
    }
    pinned = {
        (kinds[Path(path).name], f"/{Path(path).parent}".rstrip(".")) for path in tracked if Path(path).name in kinds
    }
    assert looked == pinned | {("pip", "/requirements"), ("github-actions", "/")}
    assert all(update["cooldown"]["default-days"] >= 7 for update in updates)
