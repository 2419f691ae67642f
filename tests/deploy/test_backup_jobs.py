"""The CronJobs of knative/components/backup; what their scripts do is tried in test_backup.py."""

import re

import pytest

from tests.support.manifests import ROOT, Rendering, container, render

SCRIPTS = ROOT / "knative" / "components" / "backup"


@pytest.fixture
def rendered() -> Rendering:
    return render("production", "backup")


def test_a_dump_is_made_every_night_and_one_is_brought_back_only_when_somebody_says_so(rendered: Rendering) -> None:
    jobs = {name: item["spec"] for name, item in rendered.of("CronJob").items()}
    assert {name: job.get("suspend", False) for name, job in jobs.items()} == {"backup": False, "restore": True}
    assert re.fullmatch(r"\d+ \d+ \* \* \*", jobs["backup"]["schedule"])
    assert jobs["backup"]["timeZone"] == "Etc/UTC"
    assert jobs["backup"]["concurrencyPolicy"] == "Forbid"
    # Half a restore is undone by its script, and not tried again by itself.
    assert jobs["restore"]["jobTemplate"]["spec"]["backoffLimit"] == 0


@pytest.mark.parametrize("name", ["backup", "restore"])
def test_its_script_finds_what_it_reads(rendered: Rendering, name: str) -> None:
    spec = rendered.of("CronJob")[name]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    only = container(spec)
    script = SCRIPTS / f"{name}.sh"
    assert only["command"] == ["/bin/sh", f"/backup/{script.name}"]
    (files,) = (data["data"] for key, data in rendered.of("ConfigMap").items() if key.startswith("backup-files-"))
    assert files[script.name] == script.read_text(encoding="utf-8")
    told = {variable["name"]: variable["value"] for variable in only["env"]}
    # What it is told begins with one of these words; what is its own is in small letters.
    read = set(re.findall(r"\b(?:DATABASE|BACKUPS?)_[A-Z_]+", files[script.name]))
    assert {"DATABASE_OWNER_URL_FILE", "BACKUP_DIRECTORY"} <= read <= set(told)
    places = {mount["name"]: mount["mountPath"] for mount in only["volumeMounts"]}
    (claim,) = (volume for volume in spec["volumes"] if "persistentVolumeClaim" in volume)
    assert places[claim["name"]] == told["BACKUP_DIRECTORY"]
    assert claim["persistentVolumeClaim"]["claimName"] in rendered.of("PersistentVolumeClaim")


def test_the_tools_are_of_the_server_that_a_trial_has(rendered: Rendering) -> None:
    server = container(render("trial").of("StatefulSet")["postgres"]["spec"]["template"]["spec"])["image"]
    jobs = rendered.of("CronJob").values()
    assert {container(job["spec"]["jobTemplate"]["spec"]["template"]["spec"])["image"] for job in jobs} == {server}
