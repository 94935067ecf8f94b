"""Gateway API objects for tests: made as dicts, written as documents, read and compiled as an author's are."""

from __future__ import annotations

import json
from typing import Any

from api.envoy.json_form import to_json
from api.envoy.registry import load_default
from snapshots.authoring.compile import Compilation, compile_documents
from snapshots.authoring.kinds.table import BY_NAME
from snapshots.model import Document

Object = dict[str, Any]
NAMESPACE = "shop"


def an_object(kind: str, name: str, /, namespace: str = NAMESPACE, **body: Any) -> Object:
    """A document of a kind; `body` is what stands beside its metadata. `metadata` in it adds to that."""
    metadata = {"name": name} | ({"namespace": namespace} if BY_NAME[kind].namespaced else {})
    metadata |= body.pop("metadata", {})
    return {"apiVersion": BY_NAME[kind].api_versions[0], "kind": kind, "metadata": metadata, **body}


def a_gateway(name: str = "edge", *listeners: Object, **spec: Any) -> Object:
    """With one listener for HTTP on port 80, unless it is given others."""
    shown = listeners or ({"name": "http", "port": 80, "protocol": "HTTP"},)
    return an_object("Gateway", name, spec={"gatewayClassName": "fairlead", "listeners": shown, **spec})


def a_backend(name: str = "carts", **spec: Any) -> Object:
    """At 10.0.0.7:8080, unless it is said where."""
    return an_object("Backend", name, spec=spec or {"endpoints": [{"address": "10.0.0.7", "port": 8080}]})


def to_backend(name: str = "carts", **fields: Any) -> Object:
    """A backendRef to a Backend."""
    return {"group": "fairlead.dev", "kind": "Backend", "name": name, **fields}


def a_route(name: str = "web", *refs: Object, kind: str = "HTTPRoute", **spec: Any) -> Object:
    """A route of the Gateway `edge` with one rule that leads to `refs`."""
    return an_object(kind, name, spec={"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": refs}], **spec})


def compiled(*objects: Object) -> Compilation:
    """What the objects come to, each from a file of its own: `0.yaml`, `1.yaml`, …"""
    files = [Document(f"{number}.yaml", json.dumps(each).encode()) for number, each in enumerate(objects)]
    return compile_documents(load_default(), files)


def made(compilation: Compilation, type_name: str, name: str) -> Object:
    """One generated resource as JSON: `made(found, "Cluster", "Backend/shop/carts")`."""
    for each in compilation.resources:
        if each.resource.type_url.endswith(f".{type_name}") and each.resource.name == name:
            return to_json(load_default(), load_default().parse(each.resource.type_url, each.resource.body))
    raise AssertionError(f"no {type_name} {name} among {names_made(compilation, type_name)}")


def names_made(compilation: Compilation, type_name: str) -> list[str]:
    """The names of all generated resources of a type."""
    return [each.resource.name for each in compilation.resources if each.resource.type_url.endswith(f".{type_name}")]


def status(compilation: Compilation, kind: str, name: str) -> Object:
    """What an object is told."""
    found = [each.status for each in compilation.statuses if (each.subject.key.kind, each.subject.name) == (kind, name)]
    assert len(found) == 1, f"{kind} {name} has {len(found)} statuses"
    return found[0]


def conditions(told: Object) -> dict[str, tuple[str, str]]:
    """Type -> (status, reason) of whatever has `conditions`."""
    return {each["type"]: (each["status"], each["reason"]) for each in told["conditions"]}


def findings(compilation: Compilation) -> list[tuple[str, str]]:
    """(code, field) of all findings."""
    return [(each.code, each.field) for each in compilation.findings]
