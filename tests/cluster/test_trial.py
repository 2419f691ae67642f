"""The trial overlay, every pod of it, run as the manifests say: it comes up in one go, serves, stops, is backed up."""

import json
import ssl
import time
from collections.abc import Callable, Iterator

import httpx2 as httpx
import pytest

from operations.secrets import PLACES
from shared.settings import FUNCTION_NAMES
from tests.cluster.engine import remove, wait_until
from tests.cluster.pods import HOST, Node
from tests.containers.conftest import Stack
from tests.support.kubernetes_api import served
from tests.support.manifests import NAMESPACE, container, render
from tests.support.story import PASSWORD, bearer, sign_in

PREFIX = "flycatcher-trial"
LONG_RUNNING = [
    "statefulset-postgres",
    "statefulset-redis",
    "deployment-gateway",
    *(f"service-{n}" for n in FUNCTION_NAMES),
]
STOP_SECONDS = 10


class Trial(Node):
    """The node with what runs on it, and the way in."""

    running: dict[str, str]
    jobs: dict[str, tuple[int, str]]
    address: str
    tls: ssl.SSLContext

    def client(self) -> httpx.Client:
        """Of the gateway."""
        return httpx.Client(base_url=self.address, verify=self.tls, timeout=30)

    def come_up(self) -> None:
        """Everything at once, in no order but that of the Secrets."""
        image = container(next(spec for name, _, spec in self.pods() if name == "job-migrate"))["image"]
        self.stack.command("tag", self.stack.image, image)
        secrets = self.start("job-secrets")
        self.running = {name: self.start(name) for name in LONG_RUNNING}
        migrate, seed = self.start("job-migrate"), self.start("job-seed")
        self.jobs = {
            name: (self.ended(job), self.said(job))
            for name, job in {"secrets": secrets, "migrate": migrate, "seed": seed}.items()
        }
        port = self.stack.command("port", self.running["deployment-gateway"], "8443/tcp").stdout.split()[0]
        self.address = f"https://localhost:{port.rpartition(':')[2]}"
        self.tls = ssl.create_default_context(cadata=self.api.files("tls")["tls.crt"].decode())

    def start_again(self, name: str) -> None:
        """A new pod in place of one that is gone."""
        remove(self.stack, self.running[name])
        self.running[name] = self.start(name)
        self.wait_for(name)

    def wait_for(self, name: str, probe: str = "readinessProbe") -> None:
        """Until a probe says yes."""
        running = self.running[name]
        wait_until(lambda: self.is_probed_well(name, running, probe), 30, lambda: self.said(running))


def once_connected(send: Callable[[], httpx.Response], seconds: float) -> httpx.Response:
    """The first answer that is no 503: the functions' pools connect anew by themselves."""
    answers: list[httpx.Response] = []

    def is_served() -> bool:
        answers.append(send())
        return answers[-1].status_code != 503

    wait_until(is_served, seconds, lambda: answers[-1].text)
    return answers[-1]


@pytest.fixture(scope="module")
def trial(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    directory = tmp_path_factory.mktemp("node")
    for parent in (directory, *directory.parents[:2]):
        parent.chmod(0o755)
    made = Trial(stack, render("trial", "backup"), directory, PREFIX, {"deployment-gateway": 8443})
    try:
        made.open()
        with served(directory, NAMESPACE, HOST) as made.api:
            made.come_up()
            yield made
    finally:
        made.stop()


def test_every_job_ends_well(trial: Trial) -> None:
    assert {name: code for name, (code, _) in trial.jobs.items()} == {"secrets": 0, "migrate": 0, "seed": 0}
    assert "migrated: the database is at head" in trial.jobs["migrate"][1]
    assert set(trial.api.kept) == set(PLACES)


def test_every_probe_says_yes(trial: Trial) -> None:
    for name in LONG_RUNNING:
        if name == "deployment-gateway":
            continue  # it has no Python to ask with, and answers the other tests
        trial.wait_for(name)
        if name.startswith(("service-", "statefulset-redis")):
            trial.wait_for(name, "livenessProbe")
        elif name.startswith("statefulset-postgres"):
            trial.wait_for(name, "startupProbe")


def test_a_developer_works_with_it(trial: Trial) -> None:
    for name in FUNCTION_NAMES:
        trial.wait_for(f"service-{name}")
    with trial.client() as client:
        admin = bearer(sign_in(client, "admin"))
        project = client.post("/api/projects", headers=admin, json={"name": "On Knative"}).json()["id"]
        issue = client.post(f"/api/projects/{project}/issues", headers=admin, json={"title": "From zero"})
        assert issue.status_code == 201, issue.text
        comment = client.post(f"{issue.headers['Location']}/comments", headers=admin, json={"content": "And back."})
        assert comment.status_code == 201, comment.text
        assert client.get("/api/issues", headers=admin).json()["total"] == 501
        assert client.get("/api/openapi.json").status_code == 200


def test_only_auth_finds_the_signing_key(trial: Trial) -> None:
    find = "import pathlib; print(*sorted(p.name for p in pathlib.Path('/secrets').rglob('*') if p.is_file()))"
    common = ["database-url", "public.json", "redis-url"]
    for name in FUNCTION_NAMES:
        told = trial.stack.python(trial.running[f"service-{name}"], find).stdout.split()
        assert told == (["database-url", "private.pem", *common[1:]] if name == "auth" else common)


def test_log_lines_name_service_and_revision(trial: Trial) -> None:
    with trial.client() as client:
        request_id = client.get("/api/issues").headers["X-Request-ID"]
    (line,) = [line for line in trial.said(trial.running["service-issues"]).splitlines() if request_id in line]
    told = json.loads(line)
    assert (told["function"], told["service"], told["revision"]) == ("issues", "issues", "issues-00001")


def test_the_address_of_a_client_is_not_the_gateway_s(trial: Trial) -> None:
    with trial.client() as client:
        admin = bearer(sign_in(client, "admin"))
        newest = client.get("/api/audit", headers=admin, params={"action": "auth.login"}).json()["items"][0]
    addresses = trial.stack.command(
        "inspect", "--format={{json .NetworkSettings.Networks}}", trial.running["deployment-gateway"]
    )
    assert newest["ip"] not in addresses.stdout.replace(HOST, "")


def test_migrating_again_changes_nothing_while_the_functions_serve(trial: Trial) -> None:
    code, said = trial.finish("job-migrate")
    assert (code, said.strip()) == (0, "nothing to migrate")
    with trial.client() as client:
        assert client.get("/api/projects", headers=bearer(sign_in(client, "dev1"))).status_code == 200


def test_a_night_s_dump_is_brought_back_while_everything_runs(trial: Trial) -> None:
    with trial.client() as client:
        # A session from after the dump would not be there any more.
        admin = bearer(sign_in(client, "admin"))
        code, said = trial.finish("cronjob-backup")
        assert code == 0, said
        before = client.get("/api/projects", headers=admin).json()["total"]
        made = client.post("/api/projects", headers=admin, json={"name": "After the dump"})
        assert made.status_code == 201
        code, said = trial.finish("cronjob-restore")
        assert code == 0, said
        answer = once_connected(lambda: client.get("/api/projects", headers=admin), 15)
        assert answer.json()["total"] == before
        assert client.get(made.headers["Location"], headers=admin).status_code == 404


@pytest.mark.parametrize("name", FUNCTION_NAMES)
def test_a_function_ends_when_it_is_told_to_and_a_new_one_takes_its_place(trial: Trial, name: str) -> None:
    container_name = trial.running[f"service-{name}"]
    trial.wait_for(f"service-{name}")
    begun = time.monotonic()
    trial.signal(container_name)
    assert trial.ended(container_name, STOP_SECONDS) == 0
    assert time.monotonic() - begun < STOP_SECONDS
    trial.start_again(f"service-{name}")


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_the_data_s_servers_stop_in_order_and_come_back(trial: Trial, name: str) -> None:
    gone = trial.running[f"statefulset-{name}"]
    trial.signal(gone, "INT" if name == "postgres" else "TERM")
    assert trial.ended(gone, 30) == 0
    trial.running[f"statefulset-{name}"] = trial.start(f"statefulset-{name}")
    trial.wait_for(f"statefulset-{name}")
    with trial.client() as client:
        account = {"username": "dev2", "password": PASSWORD}
        answer = once_connected(lambda: client.post("/api/auth/login", json=account), 30)
        assert answer.status_code == 200
