"""Whatever fails once candidates are there: all functions have the traffic where it was, and the reason is told."""

import re
import signal
from collections.abc import Callable

import pytest

from delivery.deploy.__main__ import SIGNALS, main
from delivery.deploy.release import Image, render
from tests.delivery.conftest import TIMES, Deployer, image
from tests.support.cluster import Cluster, Object
from tests.support.controllers import Wrong

TWO = ("--functions", "auth,issues")
FAILURES = {
    "a revision that fails": (Wrong(revision="ImagePullBackOff"), "Revision 'issues-00002' failed with message: Image"),
    "a revision that is never ready": (Wrong(revision="never"), r"waited 0.2 s for issues \(.*\) to be ready"),
    "a candidate that does not answer well": (Wrong(smoke_from=0), r"http://candidate-issues\..*/readyz answered 503"),
    "a candidate that answers badly at 50 %": (Wrong(smoke_from=50), r"http://candidate-issues\..* and 1 more"),
    "a revision that dies at 50 %": (Wrong(revision_from=50), "issues: Revision .* exit code 137"),
}


def serve_as_before(cluster: Cluster) -> None:
    """Nothing but the first release serves."""
    for name in ("auth", "issues"):
        assert cluster.traffic(name) == {f"{name}-00001": 100}
        assert [told for told in cluster.told if told.startswith(name)][-1] == f"{name} {name}-00001=100"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A candidate that has traffic is not given seconds to be better."""
    monkeypatch.setattr("delivery.deploy.rollout.LATER_SMOKE_SECONDS", 0.05)


@pytest.mark.usefixtures("near")
@pytest.mark.parametrize(("wrong", "reason"), FAILURES.values(), ids=FAILURES)
def test_all_go_back_together(wrong: Wrong, reason: str, installed: Cluster, deploy: Deployer) -> None:
    installed.wrong = wrong
    code, out, err = deploy("1.0.1", *TWO, "--within", "0.2" if wrong.revision == "never" else "5")
    assert code == 1
    assert re.fullmatch(f"deploy: .*{reason}.*\n", err), err
    assert "back: all traffic goes to auth-00001, issues-00001 again" in out
    serve_as_before(installed)


@pytest.mark.usefixtures("near")
def test_a_migration_that_fails_ends_it_before_anything_that_serves(installed: Cluster, deploy: Deployer) -> None:
    installed.wrong.migration = "BackoffLimitExceeded"
    code, out, err = deploy("1.0.1")
    assert code == 1
    assert err.startswith("deploy: migrate-1.0.1 failed: BackoffLimitExceeded; see kubectl logs job/migrate-1.0.1")
    assert "nothing to take back" in out
    assert not [told for told in installed.told if " " in told]


def test_a_gateway_that_does_not_come_up_takes_the_functions_with_it(
    installed: Cluster,
    deploy: Deployer,
    monkeypatch: pytest.MonkeyPatch,
    rendered: Callable[[str, Image], str],
) -> None:
    def changed(overlay: str, image: Image) -> str:
        return rendered(overlay, image).replace("nginx-unprivileged:stable", "nginx-unprivileged:other")

    monkeypatch.setattr("delivery.deploy.__main__.render", changed)
    installed.wrong.gateway = True
    # The functions are unchanged here.
    code, out, _ = deploy("1.0.0", "--within", "0.3")
    assert code == 1
    assert "back: the gateway is what it was, revision 1 of its Deployment" in out
    serve_as_before(installed)
    template = installed.kept["deployments.apps/gateway"]["spec"]["template"]
    assert template["spec"]["containers"][0]["image"].endswith(":stable")


@pytest.mark.usefixtures("near")
def test_a_cluster_that_is_away_is_told_of_loudly_with_what_to_do(installed: Cluster, deploy: Deployer) -> None:
    installed.wrong.gone_from = 10
    code, _, err = deploy("1.0.1", *TWO)
    assert code == 1
    assert "GOING BACK FAILED: kubectl: the server is currently unable" in err
    for name in ("auth", "issues"):
        assert (
            f"kubectl --namespace flycatcher patch services.serving.knative.dev {name} --type merge --patch "
            f"""'{{"spec": {{"traffic": [{{"revisionName": "{name}-00001", "percent": 100}}]}}}}'"""
        ) in err


@pytest.mark.usefixtures("near")
def test_what_was_taken_back_is_tried_again_by_the_next_deploy(installed: Cluster, deploy: Deployer) -> None:
    installed.wrong.smoke_from = 0
    assert deploy("1.0.1", *TWO)[0] == 1
    installed.wrong = Wrong()
    code, out, _ = deploy("1.0.1", *TWO)
    assert code == 0
    assert "issues: issues-00002 is ready and has no traffic" in out
    assert installed.traffic("issues") == {"issues-00002": 100}


@pytest.mark.usefixtures("near")
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_takes_back_what_was_begun_and_a_second_one_changes_nothing(
    number: signal.Signals, installed: Cluster, deploy: Deployer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = installed.write

    def interrupted(item: Object) -> Object:
        if any(told.endswith("=10") for told in installed.told):
            signal.raise_signal(number)
        return write(item)

    monkeypatch.setattr(installed, "write", interrupted)
    code, out, err = deploy("1.0.1", *TWO)
    assert (code, err) == (1, f"deploy: stopped by {number.name}\n")
    assert "back: all traffic goes to auth-00001, issues-00001 again" in out
    serve_as_before(installed)


def test_a_process_whose_terminal_is_closed_goes_back_and_ends(installed: Cluster, deploy: Deployer) -> None:
    with deploy.started("1.0.1", "--functions", "issues", "--pause", "60") as running:
        try:
            assert running.stdout
            assert any("10 % of the traffic" in line for line in iter(running.stdout.readline, ""))
            running.stdout.close()
            running.send_signal(signal.SIGHUP)
            running.wait(timeout=20)
            assert running.stderr
            err = running.stderr.read()
        finally:
            running.kill()
    assert running.returncode
    assert err.startswith("deploy: stopped by SIGHUP\n")
    assert installed.traffic("issues") == {"issues-00001": 100}


def test_a_kubectl_that_is_not_there_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("delivery.deploy.__main__.render", render)
    monkeypatch.setenv("KUBECTL", "/nowhere/kubectl")
    assert main(["--image", image("1.0.1"), *TIMES]) == 1
    assert re.fullmatch("deploy: kubectl cannot be run: .*\n", capsys.readouterr().err)
