"""What only a real Knative can show: the whole way to each function, and each of them from zero."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx2 as httpx

from shared.settings import FUNCTION_NAMES
from tests.knative.conftest import Cluster
from tests.support.story import EACH_FUNCTION, bearer, play, sign_in

ZERO_SECONDS = 300
"""The trial's: a minute of no requests, two settings of 10 s each, and the 30 s in which a pod goes."""
START_SECONDS = 30
"""From nothing to an answer, on a crowded machine of CI; docs/scaling.md says what it is made of."""


def wait_for_zero(cluster: Cluster) -> float:
    """How many seconds it took until no function had a pod any more."""
    begun = time.monotonic()
    while any(cluster.pods(name) for name in FUNCTION_NAMES):
        assert time.monotonic() - begun < ZERO_SECONDS, "there are still pods"
        time.sleep(2)  # it is a matter of minutes
    return time.monotonic() - begun


def test_a_developer_s_day(client: httpx.Client) -> None:
    manager = bearer(sign_in(client, "manager1"))
    project = client.post("/api/projects", headers=manager, json={"name": f"Knative {uuid4().hex}"})
    assert project.status_code == 201, project.text
    play(client, project.json()["id"])


def test_every_function_goes_to_zero_and_answers_from_there(cluster: Cluster, client: httpx.Client) -> None:
    print(f"\nto zero in {wait_for_zero(cluster):.0f} s")

    def ask(path: str) -> tuple[int, float]:
        begun = time.monotonic()
        return client.get(path).status_code, time.monotonic() - begun

    with ThreadPoolExecutor(len(EACH_FUNCTION)) as threads:
        answers = dict(zip(FUNCTION_NAMES, threads.map(ask, EACH_FUNCTION), strict=True))
    print({name: f"{seconds:.1f} s" for name, (_, seconds) in answers.items()})
    assert {name: status for name, (status, _) in answers.items()} == dict.fromkeys(FUNCTION_NAMES, 401)
    assert max(seconds for _, seconds in answers.values()) < START_SECONDS
    assert {name: len(cluster.pods(name)) for name in FUNCTION_NAMES} == dict.fromkeys(FUNCTION_NAMES, 1)
