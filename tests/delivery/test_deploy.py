"""``make deploy`` against a cluster that the real kubectl talks to: what it does, and in which order."""

import re

import pytest
import yaml

from delivery.deploy.__main__ import main
from shared.settings import FUNCTION_NAMES
from tests.delivery.conftest import Deployer, image
from tests.support.cluster import Cluster

NAMES = sorted(FUNCTION_NAMES)


def steps(cluster: Cluster) -> list[str]:
    """What was told to the cluster, without what functions stand on; of functions in one step, the step."""
    found: list[str] = []
    for told in cluster.told:
        name, _, traffic = told.partition(" ")
        said = traffic.replace(f"{name}-0000", "") if traffic else told
        if (traffic or re.match("jobs|smoke|deployments", told)) and said not in found[-1:]:
            found.append(said)
    return found


def test_the_first_release_is_installed_as_it_is_rendered(deploy: Deployer) -> None:
    code, out, _ = deploy("1.0.0")
    assert code == 0, out
    assert steps(deploy.cluster) == ["jobs.batch/migrate-1.0.0", "deployments.apps/gateway", "latest=100"]
    assert {name: deploy.cluster.traffic(name) for name in NAMES} == {name: {f"{name}-00001": 100} for name in NAMES}
    assert not [told for told in deploy.cluster.kept if told.startswith("namespaces")]


@pytest.mark.usefixtures("installed", "near")
def test_a_release_moves_all_functions_by_steps(deploy: Deployer) -> None:
    code, out, _ = deploy("1.0.1")
    assert code == 0, out
    assert steps(deploy.cluster) == [
        "jobs.batch/migrate-1.0.1",
        "1=100",
        "1=100 2=0", "smoke",
        "1=90 2=10", "smoke",
        "1=50 2=50", "smoke",
        "1=0 2=100", "smoke",
        "latest=100",
        "deployments.apps/gateway",
    ]  # fmt: skip
    for step in ("=0", "=10", "=50", "=100"):
        # All have come so far before one goes on.
        told = [told.partition(" ")[0] for told in deploy.cluster.told if told.endswith(f"-00002{step}")]
        assert told == NAMES
    assert {name: deploy.cluster.traffic(name) for name in NAMES} == {name: {f"{name}-00002": 100} for name in NAMES}
    assert all(re.match(r" +\d+\.\d s  \S", line) for line in out.splitlines())


@pytest.mark.usefixtures("installed", "near")
def test_the_same_release_once_more_moves_nothing(deploy: Deployer) -> None:
    for _ in range(2):
        code, out, _ = deploy("1.0.0", "--functions", "auth,issues")
        assert code == 0, out
    assert "issues: unchanged, issues-00001 stays" in out
    assert steps(deploy.cluster) == ["1=100", "latest=100"]


@pytest.mark.usefixtures("installed", "near")
def test_one_function_goes_alone_and_without_a_migration(deploy: Deployer) -> None:
    code, out, _ = deploy("1.0.1", "--functions", "issues")
    assert code == 0, out
    assert {told.partition(" ")[0] for told in deploy.cluster.told} == {
        "serviceaccounts/flycatcher",
        next(name for name in deploy.cluster.kept if name.startswith("configmaps/functions-")),
        "issues",
        "smoke",
    }
    assert deploy.cluster.traffic("issues") == {"issues-00002": 100}
    assert deploy.cluster.traffic("auth") == {"auth-00001": 100}


def test_a_dry_run_prints_the_rendering_and_asks_nobody(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/dev/null")
    assert main(["--image", image("1.0.1"), "--dry-run"]) == 0
    objects = list(yaml.safe_load_all(capsys.readouterr().out))
    images = set(re.findall(r"image: (.*flycatcher.*)", yaml.safe_dump_all(objects, width=1000)))
    assert images == {image("1.0.1")}
    assert [item["metadata"]["name"] for item in objects if item["kind"] == "Job"] == ["migrate-1.0.1"]


DIGEST = f"@sha256:{0:064}"
WRONG = {
    "no digest": (["--image", "registry.example.com/flycatcher:1.0.0"], "--image"),
    "no tag": (["--image", f"registry.example.com/flycatcher{DIGEST}"], "--image"),
    "a digest that is none": (["--image", "registry.example.com/flycatcher:1.0.0@sha256:0"], "--image"),
    "another image": (["--image", f"registry.example.com/other:1.0.0{DIGEST}"], "--image"),
    "no registry": (["--image", f"flycatcher:1.0.0{DIGEST}"], "--image"),
    "a tag that names no Job": (
        ["--image", f"registry.example.com/flycatcher:v1_0{DIGEST}"],
        "--image: the tag 'v1_0'",
    ),
    "an unknown function": (["--image", image("1.0.0"), "--functions", "issues,users"], "--functions 'users'"),
    "an unknown overlay": (["--image", image("1.0.0"), "--overlay", "../base"], "--overlay '../base'"),
}


@pytest.mark.parametrize(("arguments", "named"), WRONG.values(), ids=WRONG)
def test_what_is_asked_for_wrongly_is_refused_in_one_line(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert not out
    assert re.fullmatch(rf"deploy: {re.escape(named)}.*\n", err)
