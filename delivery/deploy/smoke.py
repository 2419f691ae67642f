"""What a candidate is asked before and while it gets traffic: from the gateway, the way that the traffic takes."""

from collections.abc import Iterator, Sequence

from delivery.deploy.errors import KubectlError
from delivery.deploy.knative import TAG
from delivery.deploy.kubectl import Kubectl

READS = {
    "auth": "/api/users",
    "projects": "/api/projects",
    "issues": "/api/issues",
    "comments": "/api/comments/00000000-0000-7000-8000-000000000000/revisions",
}
"""One read for each function, which nobody gets without a token."""
READY, REFUSED = "200 application/json", "401 application/problem+json"
ANSWER_SECONDS = 10
"""A start from zero takes two or three."""


def questions(namespace: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The URLs that are asked, each with the status and the media type that are right."""
    for name in names:
        host = f"http://{TAG}-{name}.{namespace}.svc.cluster.local"
        yield f"{host}/readyz", READY
        yield f"{host}{READS[name]}", REFUSED


def problems(kubectl: Kubectl, names: Sequence[str]) -> list[str]:
    """Ask the candidates of these functions, all by one curl, and tell what was not right, a line for each."""
    asked = list(questions(kubectl.namespace, names))
    command = ["curl", "--silent", "--max-time", str(ANSWER_SECONDS), "--write-out", r"%{http_code} %{content_type}\n"]
    for url, _ in asked:
        command += ["--output", "/dev/null", url]
    try:
        answers = kubectl.run_in_gateway(command).splitlines()
    except KubectlError as error:
        return [str(error)]
    if len(answers) != len(asked):
        return [f"the gateway's curl gave {len(answers)} answers to {len(asked)} questions"]
    return [
        f"{url} answered {answer.strip()}, not {right}"
        for (url, right), answer in zip(asked, answers, strict=True)
        if answer.partition(";")[0].strip() != right
    ]
