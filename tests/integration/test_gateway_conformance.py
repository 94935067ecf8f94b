"""What the Gateway API's own suite is run with (`make conformance`), without it: an API, and a way to Fairlead."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from snapshots.authoring.kinds.table import KINDS
from tests.gateway_conformance.api import Api
from tests.gateway_conformance.bridge import GROUP, Bridge
from tests.gateway_conformance.kinds import CORE, Kind, Object, with_defaults
from tests.gateway_conformance.pods import Pods
from tests.gateway_conformance.store import Store
from tests.gateways import a_gateway, conditions
from tests.whole_servers import whole_server

GATEWAYS = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways"


@pytest.fixture
def store() -> Store:
    ours = [each for each in KINDS if each.group == "gateway.networking.k8s.io"]
    kinds = (
        Kind(each.group, each.name, f"{each.name.lower()}s", {key: {} for key in each.versions}, each.namespaced)
        for each in ours
    )
    return Store((*CORE, *kinds))


@pytest.fixture
def api(store: Store) -> Iterator[Api]:
    with Api(store, lambda namespace, name, since: f"{namespace}/{name}".encode()) as running:
        yield running


def call(api: Api, method: str, path: str, body: Object | None = None) -> tuple[int, Any]:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(api.url + path, data, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_objects_have_a_generation_for_what_is_wanted_and_a_status_apart(api: Api) -> None:
    _, made = call(api, "POST", GATEWAYS, a_gateway())
    assert made["metadata"]["generation"] == 1

    made["metadata"]["labels"] = {"team": "shop"}
    _, labelled = call(api, "PUT", f"{GATEWAYS}/edge", made)
    assert labelled["metadata"]["generation"] == 1
    code, why = call(api, "PUT", f"{GATEWAYS}/edge", made)
    assert (code, why["reason"]) == (409, "Conflict")
    _, told = call(api, "PATCH", f"{GATEWAYS}/edge/status", {"status": {"addresses": []}})
    assert told["metadata"]["generation"] == 1
    _, changed = call(api, "PATCH", f"{GATEWAYS}/edge", {"spec": {"gatewayClassName": "other"}})
    assert (changed["metadata"]["generation"], changed["status"]) == (2, {"addresses": []})


def test_what_is_there_can_be_found_out_and_a_namespace_takes_it_away(api: Api) -> None:
    call(api, "POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    call(api, "POST", GATEWAYS, a_gateway())
    _, groups = call(api, "GET", "/apis")
    assert "gateway.networking.k8s.io" in [each["name"] for each in groups["groups"]]
    _, listed = call(api, "GET", "/apis/gateway.networking.k8s.io/v1beta1/gateways?labelSelector=team%3Dnone")
    assert (listed["kind"], listed["items"]) == ("GatewayList", [])
    assert call(api, "DELETE", "/api/v1/namespaces/shop")[0] == 200
    assert call(api, "GET", f"{GATEWAYS}/edge")[1]["reason"] == "NotFound"


def test_schemas_fill_in_what_is_left_out() -> None:
    schema = {"properties": {"a": {"default": {}, "properties": {"b": {"default": 1}}}, "c": {"type": "string"}}}
    assert with_defaults(schema, {"c": None}) == {"a": {"b": 1}}
    assert with_defaults({"items": schema}, [{"a": {"b": 2}}]) == [{"a": {"b": 2}}]


async def test_every_change_is_published_and_its_status_written_back(store: Store, tmp_path: Path) -> None:
    kind = store.kind("Gateway")
    pods = Pods(store, tmp_path / "no-backend", tmp_path)
    async with whole_server() as server:
        bridge = Bridge(store, server.client, pods)
        store.create(kind, "shop", a_gateway())
        await bridge.settle()

        found = store.get(kind, "shop", "edge")["status"]
        assert conditions(found)["Programmed"] == ("True", "Programmed")
        assert [each["value"] for each in found["addresses"]] == ["127.66.0.1"]
        assert all(each["lastTransitionTime"] for each in found["conditions"])
        _, resources = await server.client.get_snapshot(GROUP)
        assert "tcp/127.66.0.1:80" in [each.name for each in resources]
