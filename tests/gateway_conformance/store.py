"""Objects in memory, as an API server would keep them: generations, defaults, conflicts. No HTTP here."""

from __future__ import annotations

import copy
import threading
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from tests.gateway_conformance.kinds import Kind, Object, with_defaults


class Refused(Exception):
    """What a client is told: an HTTP status, and its reason as Kubernetes has it."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason = code, reason


class Store:
    """Safe to use from several threads. `revision`: the number of the last change, by which conflicts are told; `news`:
    how many there were that are not of a status."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self.kinds = {each.key: each for each in kinds}
        self.revision = self.news = 0
        self._objects: dict[str, dict[tuple[str, str], Object]] = {key: {} for key in self.kinds}
        self._lock = threading.RLock()

    def kind(self, name: str) -> Kind:
        return next(each for each in self.kinds.values() if each.name == name)

    def get(self, kind: Kind, namespace: str, name: str) -> Object:
        with self._lock:
            found = self._objects[kind.key].get((namespace, name))
            if found is None:
                raise Refused(404, "NotFound", f'{kind.plural} "{name}" not found')
            return copy.deepcopy(found)

    def all(self, kind: Kind, namespace: str = "") -> list[Object]:
        with self._lock:
            found = sorted(self._objects[kind.key].items())
            return [copy.deepcopy(each) for (within, _), each in found if namespace in ("", within)]

    def create(self, kind: Kind, namespace: str, body: Object) -> Object:
        with self._lock:
            metadata = body["metadata"] | ({"namespace": namespace} if kind.namespaced else {})
            if (namespace, metadata["name"]) in self._objects[kind.key]:
                raise Refused(409, "AlreadyExists", f'{kind.plural} "{metadata["name"]}" already exists')
            metadata |= {"uid": str(uuid.uuid4()), "generation": 1, "creationTimestamp": now()}
            return self._keep(kind, namespace, body | {"metadata": metadata})

    def replace(self, kind: Kind, namespace: str, body: Object, part: str = "") -> Object:
        """With `part` "status" its status alone; else all but its status. Refused if somebody else was first."""
        with self._lock:
            before = self.get(kind, namespace, body["metadata"]["name"])
            asked = body["metadata"].get("resourceVersion")
            if asked and asked != before["metadata"]["resourceVersion"]:
                raise Refused(409, "Conflict", f'{kind.plural} "{body["metadata"]["name"]}" has been changed')
            if part == "status":
                self.news -= 1
                return self._keep(kind, namespace, before | {"status": body.get("status", {})})
            return self._keep(kind, namespace, _changed(kind, before, body))

    def merge(self, kind: Kind, namespace: str, name: str, patch: Object, part: str = "") -> Object:
        """RFC 7386."""
        with self._lock:
            found = _merged(self.get(kind, namespace, name), patch)
            return self.replace(kind, namespace, found, part)

    def delete(self, kind: Kind, namespace: str, name: str) -> Object:
        """A namespace takes with it what is in it."""
        with self._lock:
            found = self.get(kind, namespace, name)
            del self._objects[kind.key][namespace, name]
            if kind.name == "Namespace":
                for objects in self._objects.values():
                    for key in [key for key in objects if key[0] == name]:
                        del objects[key]
            self.revision, self.news = self.revision + 1, self.news + 1
            return found

    def _keep(self, kind: Kind, namespace: str, body: Object) -> Object:
        self.revision, self.news = self.revision + 1, self.news + 1
        version = body["apiVersion"].rpartition("/")[2]
        kept = with_defaults(kind.versions.get(version, {}), copy.deepcopy(body))
        kept["metadata"]["resourceVersion"] = str(self.revision)
        self._objects[kind.key][namespace, kept["metadata"]["name"]] = kept
        return copy.deepcopy(kept)


def _changed(kind: Kind, before: Object, body: Object) -> Object:
    """A new generation if what is wanted has changed."""
    version = body["apiVersion"].rpartition("/")[2]
    after = with_defaults(kind.versions.get(version, {}), copy.deepcopy(body))
    own = {"uid", "creationTimestamp", "generation"}
    metadata = body["metadata"] | {key: before["metadata"][key] for key in own}
    if _wanted(before) != _wanted(after):
        metadata["generation"] += 1
    kept = {"status": before["status"]} if "status" in before else {}
    return {key: value for key, value in after.items() if key != "status"} | {"metadata": metadata} | kept


def _wanted(each: Object) -> Object:
    return {key: value for key, value in each.items() if key not in ("metadata", "status", "apiVersion")}


def _merged(value: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    found = dict(value) if isinstance(value, dict) else {}
    for key, each in patch.items():
        if each is None:
            found.pop(key, None)
        else:
            found[key] = _merged(found.get(key), each)
    return found


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
