"""A stand-in of a cluster with Knative that the real kubectl talks to, and what goes wrong in it if a test says so."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.support.controllers import Wrong, end_job, reconcile, roll_out
from tests.support.discovery import KINDS, KNATIVE, discovery, openapi, refusal
from tests.support.serving import serving

Object = dict[str, Any]
WRITTEN = "kubectl.kubernetes.io/last-applied-configuration"
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


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
    """Whether whoever stands before the server says that there is none."""

    def traffic(self, name: str) -> dict[str, int]:
        """Where the traffic of a function goes."""
        status = self.kept[f"services.{KNATIVE}/{name}"]["status"]
        return {told["revisionName"]: told["percent"] for told in status["traffic"] if told["percent"]}

    def install(self, objects: Iterable[Object]) -> None:
        """Have these, as if they had been applied long ago."""
        for item in objects:
            self.write(item)
            self.look(_key(item))
            self.look(_key(item))
        self.told.clear()

    def answer(self, method: str, url: str, body: bytes) -> Object:
        """What is answered."""
        path = urlsplit(url).path
        if self.is_gone:
            return refusal(path, 503)
        if path in {"/api", "/apis"}:
            return discovery(core=path == "/api")
        if path.startswith("/openapi/v3"):
            return openapi(path)
        if path == "/exec":
            return {"raw": self.smoke(re.findall(r"http://[^+]+", unquote(urlsplit(url).query)))}
        match = re.match(r"/(?:api|apis/([^/]+))/[^/]+/namespaces/[^/]+/([^/]+)/?(.*)", path)
        if not match:
            return refusal(path)
        group, plural, name = match.groups()
        return self._object(method, f"{plural}.{group}/" if group else f"{plural}/", name, json.loads(body or "{}"))

    def _object(self, method: str, kind: str, name: str, told: Any) -> Object:
        key = kind + name
        if method == "POST":
            return self.write(told)
        if not name:
            found = [item for kept, item in self.kept.items() if kept.startswith(key)]
            of = found[0] if found else {"kind": "", "apiVersion": "v1"}
            return {"kind": f"{of['kind']}List", "apiVersion": of["apiVersion"], "metadata": {}, "items": found}
        if key not in self.kept:
            return refusal(key)
        return self.write(self._patched(key, told)) if method == "PATCH" else self.look(key)

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

    def write(self, written: Object) -> Object:
        """Make or change an object; controllers come to it later."""
        key = _key(written)
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
            number = sum(name.startswith("replicasets") for name in self.kept) + (not is_same)
            self.kept[f"replicasets.apps/gateway-{number}"] = roll_out(self.kept[key], number, self.wrong)
        return self.kept[key]

    def look(self, key: str) -> Object:
        """An object, after controllers have worked on it once more."""
        item = self.kept[key]
        if key.startswith("jobs"):
            end_job(item, self.wrong)
        if key.startswith(f"services.{KNATIVE}"):
            reconcile(item, self.wrong)
        return item

    def smoke(self, urls: list[str]) -> str:
        """What curl prints in a pod of the gateway."""
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


def _key(item: Object) -> str:
    group = item["apiVersion"].rpartition("/")[0]
    plural = next(plural for at, _, kind, plural in KINDS if (at, kind) == (group, item["kind"]))
    return f"{plural}.{group}/{item['metadata']['name']}" if group else f"{plural}/{item['metadata']['name']}"


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

    tls = (certificate / "tls.crt", certificate / "tls.key") if certificate else ()
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler), *tls) as cluster.port:
        yield cluster
