"""The store over HTTP, as far as Kubernetes' clients speak it here: JSON, discovery, CRUD, merge patches, logs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.gateway_conformance.kinds import Kind, Object
from tests.gateway_conformance.store import Refused, Store

# Namespace and name of a Pod, and since when (RFC 3339, or "") -> its lines.
Logs = Callable[[str, str, str], bytes]


@dataclass(frozen=True)
class Address:
    """What a path names: a kind in one of its versions, a namespace ("": all), an object ("": all), a part of it."""

    kind: Kind
    version: str
    namespace: str = ""
    name: str = ""
    part: str = ""


class Api:
    """An API server on a free loopback port."""

    def __init__(self, store: Store, logs: Logs) -> None:
        answers = _Answers(store, logs)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_GET(self) -> None:
                said = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                code, kind, body = answers.answer(self.command, self.path, said)
                self.send_response(code)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """Quiet: the suite says what goes wrong."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass(frozen=True)
class _Answers:
    store: Store
    logs: Logs

    def answer(self, method: str, target: str, said: bytes) -> tuple[int, str, bytes]:
        """Status, content type and body."""
        url = urlsplit(target)
        steps = [each for each in url.path.split("/") if each]
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        if steps[-1:] == ["log"]:
            return 200, "text/plain", self.logs(steps[3], steps[5], query.get("sinceTime", ""))
        try:
            found = self._discovered(steps) or self._done(method, self._address(steps), query, said)
            return (201 if method == "POST" else 200), "application/json", json.dumps(found).encode()
        except Refused as why:
            status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "metadata": {}}
            status |= {"reason": why.reason, "message": str(why), "code": why.code}
            return why.code, "application/json", json.dumps(status).encode()

    def _discovered(self, steps: list[str]) -> Object | None:
        """Which groups there are, and what is in one."""
        if steps == ["version"]:
            return {"major": "1", "minor": "36", "gitVersion": "v1.36.0"}
        if steps == ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"]}
        if steps == ["apis"]:
            groups = sorted({each.group for each in self.store.kinds.values() if each.group})
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [self._group(each) for each in groups]}
        if len(steps) == (2 if steps[:1] == ["api"] else 3):
            group, version = ("", steps[1]) if steps[0] == "api" else (steps[1], steps[2])
            kinds = [each for each in self.store.kinds.values() if each.group == group and version in each.versions]
            name = f"{group}/{version}" if group else version
            rows = [row for each in kinds for row in _resources(each)]
            return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": rows}
        return None

    def _group(self, group: str) -> Object:
        versions = {version for each in self.store.kinds.values() if each.group == group for version in each.versions}
        # v1 before v1beta1 before v1alpha2.
        ordered = sorted(versions, key=lambda each: ("alpha" in each, "beta" in each, each))
        rows = [{"groupVersion": f"{group}/{each}", "version": each} for each in ordered]
        return {"name": group, "versions": rows, "preferredVersion": rows[0]}

    def _address(self, steps: list[str]) -> Address:
        group, version, rest = ("", steps[1], steps[2:]) if steps[0] == "api" else (steps[1], steps[2], steps[3:])
        within = rest[1] if rest[0] == "namespaces" and len(rest) > 2 and rest[2] != "status" else ""
        plural, *names = rest[2:] if within else rest
        kind = self.store.kinds.get(f"{plural}.{group}")
        if kind is None or version not in kind.versions:
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        return Address(kind, version, within, *names)

    def _done(self, method: str, at: Address, query: dict[str, str], said: bytes) -> Object:
        if method == "GET" and not at.name:
            return _list(at, self.store.all(at.kind, at.namespace), query.get("labelSelector", ""), self.store.revision)
        return _in_version(self._changed(method, at, said), at)

    def _changed(self, method: str, at: Address, said: bytes) -> Object:
        store, where = self.store, (at.kind, at.namespace)
        if method == "GET":
            return store.get(*where, at.name)
        if method == "DELETE":
            return store.delete(*where, at.name)
        body: Object = json.loads(said)
        if method == "POST":
            return store.create(*where, body)
        if method == "PUT":
            return store.replace(*where, body, at.part)
        return store.merge(*where, at.name, body, at.part)


def _resources(kind: Kind) -> Iterable[Object]:
    verbs = ["get", "list", "create", "update", "patch", "delete"]
    row = {"singularName": "", "namespaced": kind.namespaced, "kind": kind.name, "verbs": verbs}
    yield row | {"name": kind.plural}
    yield row | {"name": f"{kind.plural}/status"}


def _list(at: Address, found: list[Object], selector: str, revision: int) -> Object:
    wanted = [each.replace("==", "=").partition("=") for each in selector.split(",") if each]
    items = [
        _in_version(each, at)
        for each in found
        if all(each["metadata"].get("labels", {}).get(key) == value for key, _, value in wanted)
    ]
    metadata = {"resourceVersion": str(revision)}
    return {"kind": f"{at.kind.name}List", "apiVersion": _api_version(at), "metadata": metadata, "items": items}


def _in_version(each: Object, at: Address) -> Object:
    return each | {"apiVersion": _api_version(at), "kind": at.kind.name}


def _api_version(at: Address) -> str:
    return f"{at.kind.group}/{at.version}" if at.kind.group else at.version


def kubeconfig(url: str) -> dict[str, Any]:
    """How clients find the API."""
    name = "conformance"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": url}}],
        "users": [{"name": name, "user": {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }
