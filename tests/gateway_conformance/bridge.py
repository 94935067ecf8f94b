"""Every change of the store becomes documents that are published as `apply --partial` does; statuses are written back.

Added is what somebody else gives in a cluster: an address for each Gateway that asks for none, ways to the Pods, and
times of conditions.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from typing import Any

from api.errors import InvalidConfig
from api.management.client import ManagementClient
from snapshots.authoring.kinds.table import BY_NAME
from snapshots.model import Document
from tests.gateway_conformance.kinds import Object
from tests.gateway_conformance.pods import Pods
from tests.gateway_conformance.store import Refused, Store, now

GROUP = "default"
_KEPT = ("name", "namespace", "labels", "annotations", "generation", "creationTimestamp")


class Bridge:
    """One server's. `addresses`: those that Gateways have been given."""

    def __init__(self, store: Store, client: ManagementClient, pods: Pods) -> None:
        self._store, self._client, self._pods = store, client, pods
        self._published = -1
        self._addresses: dict[tuple[str, str], str] = {}

    async def settle(self) -> None:
        """Publish what is new, and write down what is told of it."""
        news = self._store.news
        if news != self._published:
            try:
                await self._client.publish(
                    list(self._documents()), group=GROUP, workspace="cluster", partial=True, beyond_budgets=True
                )
            except InvalidConfig as error:
                print(f"not published: {error}", flush=True)
            self._published = news
        self._write(await self._client.list_objects(GROUP))

    def _documents(self) -> Iterator[Document]:
        for kind in self._store.kinds.values():
            for each in (
                self._store.all(kind) if kind.name in BY_NAME and kind.group == BY_NAME[kind.name].group else ()
            ):
                document = self._document(each, kind.name)
                for found in self._on_this_machine(document) if kind.name == "EndpointSlice" else (document,):
                    path = f"{found['metadata'].get('namespace', '-')}/{kind.plural}-{found['metadata']['name']}.yaml"
                    yield Document(path, json.dumps(found).encode())

    def _on_this_machine(self, endpoint_slice: Object) -> Iterator[Object]:
        """A slice for each endpoint: each Pod has ports of its own."""
        for number, endpoint in enumerate(endpoint_slice.get("endpoints") or ()):
            (address,) = endpoint["addresses"]
            ports = [
                each | {"port": port}
                for each in endpoint_slice["ports"]
                if (port := self._pods.reached(address, each.get("protocol", "TCP"), each["port"])) is not None
            ]
            metadata = endpoint_slice["metadata"]
            own = metadata | {"name": f"{metadata['name']}-{number}"}
            here = endpoint | {"addresses": ["127.0.0.1"]}
            yield endpoint_slice | {"metadata": own, "ports": ports, "endpoints": [here]}

    def _document(self, each: Object, kind: str) -> Object:
        found = {key: copy.deepcopy(value) for key, value in each.items() if key != "status"}
        found["metadata"] = {key: value for key, value in found["metadata"].items() if key in _KEPT}
        found["kind"] = kind
        if kind == "Gateway":
            asked = [one for one in found["spec"].get("addresses", ()) if one.get("value")]
            found["spec"]["addresses"] = asked or [{"type": "IPAddress", "value": self._address(found)}]
        return found

    def _address(self, gateway: Object) -> str:
        """Gateways share ports, so each has an address of its own."""
        key = (gateway["metadata"]["namespace"], gateway["metadata"]["name"])
        number = len(self._addresses)
        return self._addresses.setdefault(key, f"127.66.{number // 250}.{number % 250 + 1}")

    def _write(self, objects: Iterable[Any]) -> None:
        for each in objects:
            kind = self._store.kind(each.kind)
            try:
                found = self._store.get(kind, each.namespace if kind.namespaced else "", each.name)
            except Refused:
                continue
            status = _timed(json.loads(each.status), found.get("status") or {})
            if status != found.get("status"):
                self._store.replace(
                    kind, each.namespace if kind.namespaced else "", found | {"status": status}, "status"
                )


def _timed(new: Any, old: Any) -> Any:
    """With the time at which each condition came to be what it is."""
    if isinstance(new, list):
        return [_timed(each, _same(each, old)) for each in new]
    if not isinstance(new, dict):
        return new
    known = old if isinstance(old, dict) else {}
    if {"type", "status", "reason"} <= new.keys():
        since = known.get("lastTransitionTime") if known.get("status") == new["status"] else None
        return new | {"lastTransitionTime": since or now()}
    return {key: _timed(each, known.get(key)) for key, each in new.items()}


def _same(each: Any, old: Any) -> Any:
    """What stood for it before: the condition of its type, the listener of its name, the parent that it is of."""
    for key in ("type", "name", "parentRef", "ancestorRef"):
        if isinstance(each, dict) and key in each:
            return next((one for one in old or () if isinstance(one, dict) and one.get(key) == each[key]), None)
    return None
