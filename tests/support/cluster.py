"""A stand-in of a cluster with Knative that the real kubectl talks to, and what goes wrong in it if a test says so."""

import json
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.support.discovery import KNATIVE, discovery, openapi, refusal

Object = dict[str, Any]
WRITTEN = "kubectl.kubernetes.io/last-applied-configuration"
REVISION = "deployment.kubernetes.io/revision"
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@dataclass
class Wrong:
    """What goes wrong."""

    revision: str = ""
    """Why the newest revision of ``issues`` fails; "never" where it is never ready and never says why."""
    migration: str = ""
    """Why the Job fails."""
    smoke_from: int | None = None
    """The percentage from which on the candidate of ``issues`` answers 503."""
    revision_from: int | None = None
    """The percentage from which on it is not ready."""
    gateway: bool = False
    """Whether the gateway's new pods are never there."""
    gone_from: int | None = None
    """The percentage from which on the API's server is away."""


@dataclass
class Cluster:
    """What the API keeps, and what it was told."""

    namespace: str
    port: int = 0
    token: str = ""
    """What a client has to show; nothing where everybody may ask."""
    kept: dict[str, Object] = field(default_factory=dict)
    """By "plural.group/name"."""
    told: list[str] = field(default_factory=list)
    """What was made or changed, in order; of a Knative Service where its traffic shall go; and each smoke test."""
    shown: list[str] = field(default_factory=list)
    """The credentials that came."""
    wrong: Wrong = field(default_factory=Wrong)
    is_gone: bool = False
    """Whether the server hangs up on everybody."""

    def traffic(self, name: str) -> dict[str, int]:
        """Where the traffic of a function goes."""
        status = self.kept[f"services.{KNATIVE}/{name}"]["status"]
        return {told["revisionName"]: told["percent"] for told in status["traffic"] if told["percent"]}

    def answer(self, method: str, url: str, body: bytes) -> Object:
        """What is answered."""
        path = urlsplit(url).path
        if path in {"/api", "/apis"}:
            return discovery(core=path == "/api")
        if path.startswith("/openapi/v3"):
            return openapi(path)
        if path == "/exec":
            return {"raw": self._smoke(re.findall(r"http://[^+]+", unquote(urlsplit(url).query)))}
        match = re.match(r"/(?:api|apis/([^/]+))/[^/]+/namespaces/[^/]+/([^/]+)/?(.*)", path)
        if not match:
            return refusal(path)
        group, plural, name = match.groups()
        return self._object(method, f"{plural}.{group}/" if group else f"{plural}/", name, json.loads(body or "{}"))

    def _object(self, method: str, kind: str, name: str, told: Any) -> Object:
        key = kind + name
        if method == "POST":
            return self._write(key + told["metadata"]["name"], told)
        if not name:
            found = [item for kept, item in self.kept.items() if kept.startswith(key)]
            return {"kind": "List", "apiVersion": "v1", "metadata": {}, "items": found}
        if key not in self.kept:
            return refusal(key)
        if method == "PATCH":
            return self._write(key, self._patched(key, told))
        self._work(key)
        return self.kept[key]

    def _patched(self, key: str, patch: Any) -> Object:
        if isinstance(patch, list):  # kubectl rollout undo
            template = next(part["value"] for part in patch if part["path"] == "/spec/template")
            return {**self.kept[key], "spec": {**self.kept[key]["spec"], "template": template}}
        if written := patch.get("metadata", {}).get("annotations", {}).get(WRITTEN):
            # All of it is there, whatever kind of patch this is.
            whole: Object = json.loads(written)
            whole["metadata"].setdefault("annotations", {})[WRITTEN] = written
            return whole
        return {**self.kept[key], "spec": {**self.kept[key]["spec"], **patch["spec"]}}

    def _write(self, key: str, written: Object) -> Object:
        old = self.kept.get(key, {})
        is_same = old.get("spec") == written.get("spec")
        generation = old.get("metadata", {}).get("generation", 0) + (not is_same)
        metadata = {**written["metadata"], "generation": generation, "uid": key, "resourceVersion": "1"}
        self.kept[key] = {**written, "metadata": metadata, "status": old.get("status", {})}
        said = key.replace(f"services.{KNATIVE}/", "")
        if said != key:
            traffic = written["spec"]["traffic"]
            said += " " + " ".join(f"{part.get('revisionName', 'latest')}={part['percent']}" for part in traffic)
            gone = self.wrong.gone_from
            if gone is not None and any(part.get("tag") == "candidate" and part["percent"] >= gone for part in traffic):
                self.is_gone = True
        self.told.append(said)
        if key.startswith("deployments"):
            self._deployment(key, is_new=old.get("spec") != written["spec"])
        return self.kept[key]

    def _deployment(self, key: str, *, is_new: bool) -> None:
        item = self.kept[key]
        template = item["spec"]["template"]
        sets = {name: kept for name, kept in self.kept.items() if name.startswith("replicasets.apps/")}
        number = str(len(sets) + is_new)
        item["metadata"].setdefault("annotations", {})[REVISION] = number
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gateway", "uid": key, "controller": True}
        metadata = {
            "name": f"gateway-{number}",
            "namespace": self.namespace,
            "uid": number,
            "labels": template["metadata"]["labels"],
            "annotations": {REVISION: number},
            "ownerReferences": [owner],
        }
        replica_set = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": metadata,
            "spec": {"template": template},
        }
        self.kept[f"replicasets.apps/gateway-{number}"] = replica_set
        updated = 0 if self.wrong.gateway and number != "1" else 1
        counts = dict.fromkeys(("replicas", "availableReplicas", "readyReplicas"), 1)
        item["status"] = {"observedGeneration": item["metadata"]["generation"], "updatedReplicas": updated, **counts}

    def _work(self, key: str) -> None:
        """What controllers have done until somebody looks."""
        item = self.kept[key]
        if key.startswith("jobs"):
            told = {"type": "Failed", "message": self.wrong.migration} if self.wrong.migration else {"type": "Complete"}
            item["status"] = {"conditions": [{"status": "True", **told}]}
        if key.startswith(f"services.{KNATIVE}"):
            self._knative(item)

    def _knative(self, service: Object) -> None:
        name, generation = service["metadata"]["name"], service["metadata"]["generation"]
        status, template = service["status"], service["spec"]["template"]
        if status.get("template") != template:
            # The Configuration hears of it, and has made no revision of it yet.
            status.update(template=template, observedGeneration=generation, made=status.get("made", 0) + 1)
            status["conditions"] = [_condition("ConfigurationsReady", "Unknown", "OutOfDate")]
            return
        is_late = status["made"] > 1 and name == "issues"
        failure = self.wrong.revision if is_late else ""
        newest = f"{name}-{status['made']:05}"
        traffic = [
            {"revisionName": newest, **{key: part[key] for key in part if key != "latestRevision"}}
            for part in service["spec"]["traffic"]
        ]
        status.update(observedGeneration=generation, latestCreatedRevisionName=newest, traffic=traffic)
        given = sum(part["percent"] for part in traffic if part.get("tag") == "candidate")
        if is_late and self.wrong.revision_from is not None and given >= self.wrong.revision_from:
            failure = "the container ended with exit code 137"
        state = {"": "True", "never": "Unknown"}.get(failure, "False")
        message = f"Revision {newest!r} failed with message: {failure}." if state == "False" else ""
        status["conditions"] = [
            _condition("ConfigurationsReady", state, message=message),
            _condition("RoutesReady", "True"),
            _condition("Ready", state, message=message),
        ]

    def _smoke(self, urls: list[str]) -> str:
        self.told.append("smoke")
        answers = ""
        for url in urls:
            name = url.removeprefix("http://candidate-").partition(".")[0]
            status = self.kept[f"services.{KNATIVE}/{name}"]["status"]
            given = next(part["percent"] for part in status["traffic"] if part.get("tag") == "candidate")
            if name == "issues" and self.wrong.smoke_from is not None and given >= self.wrong.smoke_from:
                answers += "503 application/problem+json\n"
            else:
                answers += "200 application/json\n" if url.endswith("/readyz") else "401 application/problem+json\n"
        return answers


def _condition(kind: str, status: str, reason: str = "", message: str = "") -> Object:
    return {"type": kind, "status": status, "reason": reason, "message": message}


@contextmanager
def served(namespace: str, certificate: Path | None = None) -> Iterator[Cluster]:
    """Serve the API on 127.0.0.1; by TLS where there is a directory with tls.crt and tls.key."""
    cluster, lock = Cluster(namespace), Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer is one packet, which nobody waits to acknowledge

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            shown = self.headers.get("Authorization", "").removeprefix("Bearer ")
            with lock:
                cluster.shown.append(shown)
                if cluster.is_gone:
                    self.close_connection = True
                    return
                told = cluster.answer(self.command, self.path, body)
                status = 401 if cluster.token not in {"", shown} else told.get("code", 200)
            content = (told["raw"] if "raw" in told else json.dumps(told)).encode()
            self.send_response(status)
            self.send_header("Content-Type", DISCOVERY if "APIGroup" in told.get("kind", "") else "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_PATCH(self) -> None:
            self.do_GET()

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
            server.socket = context.wrap_socket(server.socket, server_side=True)
        cluster.port = server.server_port
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield cluster
        finally:
            server.shutdown()
            thread.join()
