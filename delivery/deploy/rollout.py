"""The steps of a release: what functions stand on, the migration, candidates, traffic, the gateway; and back."""

import json
import shlex
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from delivery.deploy.errors import DeliveryError, KubectlError
from delivery.deploy.knative import Found, Traffic, pinned, split
from delivery.deploy.kubectl import Kubectl, Object
from delivery.deploy.release import Release
from delivery.deploy.smoke import problems

STEPS = (10, 50, 100)
"""Percent of the traffic that goes to the candidates, of all functions at once."""
GATEWAY_REVISION = "deployment.kubernetes.io/revision"
SERVICE = "services.serving.knative.dev"
MIGRATION_SECONDS = 1900
"""A little more than the Job's own activeDeadlineSeconds, which ends it with a reason."""
LATER_SMOKE_SECONDS = 5
"""A candidate that has traffic may fail a check for so long; one that is new has the time of ``Times.smoke``."""


@dataclass(frozen=True)
class Times:
    """How long things may take, in seconds."""

    pause: float = 60
    """How long each step of the traffic is watched."""
    poll: float = 2
    """Between two questions."""
    watch: float = 5
    """Between two looks at candidates that have traffic: each function is asked, all from one address, which may ask a
    hundred times a minute (RATE_LIMIT_PER_MINUTE)."""
    within: float = 600
    """For a revision to be ready, and for traffic to move."""
    smoke: float = 60
    """For a candidate's first right answers: Knative has to make the way to it."""


@dataclass
class Rollout:
    """A release on its way to a cluster."""

    release: Release
    kubectl: Kubectl
    times: Times
    say: Callable[[str], None]
    before: dict[str, str] = field(default_factory=dict)
    """The revision that had each function's traffic; none for a function that is new."""
    _candidates: dict[str, str] = field(default_factory=dict)
    _gateway: str | None = None
    """The revision of the gateway's Deployment; None where there is none yet."""
    _is_pinned: bool = False
    _is_gateway_changed: bool = False

    def run(self) -> None:
        """Take every step.

        Raises:
            DeliveryError: one failed; nothing that serves has been touched yet, or ``back`` is to be called.
        """
        self._look()
        self._lay_foundation()
        self._make_candidates()
        if self._candidates:
            self._move_traffic()
        self._finish()

    def back(self) -> bool:
        """Give all functions' traffic, and the gateway, back to what they were; False where that failed."""
        if not self._is_pinned or not self.before:
            self.say("nothing to take back: what serves was not touched")
            return True
        deadline = time.monotonic() + self.times.smoke
        while True:
            try:
                self._take_back()
            except DeliveryError as error:
                # What kubectl cannot do now it may do in a moment: the API's server may be back by then.
                if isinstance(error, KubectlError) and time.monotonic() < deadline:
                    time.sleep(self.times.poll)  # between two tries
                    continue
                self._tell_by_hand(error)
                return False
            return True

    def _look(self) -> None:
        names = [f"{SERVICE}/{name}" for name in self.release.functions]
        for item in self.kubectl.get(*names, "deployments.apps/gateway"):
            if item["kind"] == "Deployment":
                self._gateway = item["metadata"].get("annotations", {}).get(GATEWAY_REVISION, "1")
            elif revision := Found.of(item).serving:
                self.before[item["metadata"]["name"]] = revision
        shown = [f"{name} {self.before.get(name, 'not there')}" for name in self.release.functions]
        self.say(f"serving now: {_listed(shown)}")

    def _lay_foundation(self) -> None:
        # Candidates are asked through the gateway, so a first one comes first.
        first = [] if self._gateway else self.release.gateway
        self.kubectl.apply([*self.release.foundation, *first])
        self.say(f"applied {len(self.release.foundation) + len(first)} objects that functions stand on")
        job = self.release.migration
        if job is None:
            return
        deadline = time.monotonic() + MIGRATION_SECONDS
        while (state := _ended(self.kubectl.get(f"jobs.batch/{job}"))) != "Complete":
            if state:
                raise DeliveryError(
                    f"{job} failed: {state}; see kubectl logs job/{job}, then delete it and deploy again"
                )
            if time.monotonic() > deadline:
                raise DeliveryError(f"{job} did not end within {MIGRATION_SECONDS} s")
            time.sleep(self.times.poll)  # a look at a Job of minutes
        self.say(f"{job} is complete")

    def _make_candidates(self) -> None:
        # Also true where the call fails: it may have reached some.
        self._is_pinned = True
        targets = {name: pinned(self.before[name]) if name in self.before else None for name in self.release.functions}
        for found in self._set(targets, "to be ready"):
            name, before = found.name, self.before.get(found.name)
            if before is None:
                self.say(f"{name}: installed")
            elif found.latest == before or found.latest is None:
                self.say(f"{name}: unchanged, {before} stays")
            else:
                self._candidates[name] = found.latest
                self.say(f"{name}: {found.latest} is ready and has no traffic")

    def _move_traffic(self) -> None:
        self._set(self._split(0), "to have a candidate")
        self._smoke(self.times.smoke)
        self.say(f"candidates answer: {_listed(self._candidates)}")
        for percent in STEPS:
            self._set(self._split(percent), f"to have {percent} %")
            self.say(f"{percent} % of the traffic goes to {_listed(self._candidates.values())}")
            end = time.monotonic() + self.times.pause
            self._smoke(LATER_SMOKE_SECONDS)
            while (rest := end - time.monotonic()) > 0:
                time.sleep(min(rest, self.times.watch))  # the pause is what was asked for
                self._await(self._split(percent), f"to keep {percent} %")
                self._smoke(LATER_SMOKE_SECONDS)

    def _finish(self) -> None:
        self._set(dict.fromkeys(self.release.functions), "to be ready")
        self.say(f"{_listed(self.release.functions)}: as rendered, all traffic to the newest revision")
        if self.release.gateway:
            self._is_gateway_changed = self._gateway is not None
            self.kubectl.apply(self.release.gateway)
            self.kubectl.await_gateway(self.times.within)
            self.say("gateway: as rendered, and rolled out")

    def _split(self, percent: int) -> Mapping[str, Traffic]:
        return {name: split(self.before[name], after, percent) for name, after in self._candidates.items()}

    def _set(self, targets: Mapping[str, Traffic | None], what: str) -> Sequence[Found]:
        """Give functions traffic (None: as rendered) in one call, and wait until it goes like that."""
        told = self._apply(targets)
        return self._await(targets, what, told)

    def _apply(self, targets: Mapping[str, Traffic | None]) -> list[Object]:
        return self.kubectl.apply([_with(self.release.functions[name], told) for name, told in targets.items()])

    def _await(
        self, targets: Mapping[str, Traffic | None], what: str, told: Sequence[Object] = (), *, back: bool = False
    ) -> Sequence[Found]:
        names = [f"{SERVICE}/{name}" for name in targets]
        deadline = time.monotonic() + self.times.within
        while True:
            services = [Found.of(item) for item in told or self.kubectl.get(*names)]
            waiting = [found for found in services if not _follows(found, targets[found.name], back=back)]
            if not back:
                for found in services:
                    found.check_newest()
            if not waiting and len(services) == len(names):
                return services
            if time.monotonic() > deadline:
                reasons = [f"{found.name} ({found.why_not()})" for found in waiting]
                raise DeliveryError(f"waited {self.times.within:g} s for {_listed(reasons)} {what}")
            if not told:
                time.sleep(self.times.poll)  # Knative works meanwhile
            told = ()

    def _smoke(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while found := problems(self.kubectl, list(self._candidates)):
            if time.monotonic() + self.times.poll > deadline:
                raise DeliveryError(f"smoke test: {found[0]}" + (f", and {len(found) - 1} more" if found[1:] else ""))
            time.sleep(self.times.poll)  # the way to a new candidate is being made

    def _take_back(self) -> None:
        before = {name: pinned(revision) for name, revision in self.before.items()}
        told = self._apply(before)
        if self._is_gateway_changed and self._gateway:
            self.kubectl.undo_gateway(self._gateway)
            self.say(f"back: the gateway is what it was, revision {self._gateway} of its Deployment")
        self._await(before, "to go back", told, back=True)
        self.say(f"back: all traffic goes to {_listed(self.before.values())} again")

    def _tell_by_hand(self, problem: DeliveryError) -> None:
        kubectl = f"kubectl --namespace {self.kubectl.namespace}"
        lines = [f"GOING BACK FAILED: {problem}; by hand:"]
        for name, revision in self.before.items():
            patch = shlex.quote(json.dumps({"spec": {"traffic": pinned(revision)}}))
            lines.append(f"{kubectl} patch {SERVICE} {name} --type merge --patch {patch}")
        if self._is_gateway_changed:
            lines.append(f"{kubectl} rollout undo deployment/gateway --to-revision={self._gateway}")
        print("\n  ".join(lines), file=sys.stderr)


def _follows(found: Found, traffic: Traffic | None, *, back: bool) -> bool:
    """Whether a Service is as it was asked for; on the way back, whatever its newest revision is like."""
    if traffic is None:
        return found.is_ready()
    return found.has(traffic) and (back or found.condition("ConfigurationsReady").status == "True")


def _with(service: Object, traffic: Traffic | None) -> Object:
    return service if traffic is None else {**service, "spec": {**service["spec"], "traffic": list(traffic)}}


def _ended(jobs: Sequence[Object]) -> str:
    """How a Job has ended: "Complete", or why it failed; nothing while it has not."""
    for job in jobs:
        for told in job.get("status", {}).get("conditions", ()):
            if told["status"] == "True" and told["type"] in {"Complete", "Failed"}:
                return "Complete" if told["type"] == "Complete" else told.get("message") or told["reason"]
    return ""


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
