"""gRPC without a proxy, for tests: backends that say who they are, clients that call without a pause, the documents."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import grpc

from tests.grpc_caller import METHOD
from tests.grpc_callers import AT_HAND, Caller
from tests.spine import ROOT, wait_for

GROUP = "services"
_TYPE = "type.googleapis.com/envoy."
_HTTP = "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ADS = {"resource_api_version": "V3", "ads": {}}


class Backend:
    """A gRPC server on a free loopback port that answers every call with its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
        service, _, method = METHOD.strip("/").partition("/")
        answer = grpc.unary_unary_rpc_method_handler(lambda request, context: name.encode())
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: answer}),))
        self.port = self._server.add_insecure_port("127.0.0.1:0")

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End at once, with whatever it still serves."""
        self._server.stop(0).wait(10)


class Calls:
    """A client in a process of its own that calls `xds:///name` again and again; as `examples.demo.traffic.Traffic`."""

    def __init__(self, caller: Caller, name: str, bootstrap: Path) -> None:
        self.caller = caller
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self.last = ""
        self._process = subprocess.Popen(
            (*caller.command, f"xds:///{name}"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
            env={**os.environ, "GRPC_XDS_BOOTSTRAP": str(bootstrap), **caller.environment},
        )  # fmt: skip
        self._reader = threading.Thread(target=self._count, daemon=True)
        self._reader.start()

    def __repr__(self) -> str:
        return f"<{self.caller.language}: {dict(self.answers)}, {len(self.failures)} failed, last {self.last!r}>"

    @property
    def total(self) -> int:
        return sum(self.answers.values()) + len(self.failures)

    def _count(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.last = line.rstrip("\n")
            if self._own_fault():
                continue
            if self.last.startswith("! "):
                self.failures.append(self.last)
            else:
                self.answers[self.last] += 1

    def _own_fault(self) -> bool:
        own_fault = self.caller.own_fault
        return bool(own_fault) and self.last.startswith("! ") and own_fault in self.last

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(10)


@contextmanager
def everybody(name: str, bootstrap: Path) -> Iterator[list[Calls]]:
    """A client of each language at hand calls `xds:///name`; each is a node of its own, named for its language."""
    with ExitStack() as stack:
        yield [stack.enter_context(Calls(caller, name, named(bootstrap, caller))) for caller in AT_HAND]


def named(bootstrap: Path, caller: Caller) -> Path:
    """The same bootstrap for another node."""
    told = json.loads(bootstrap.read_text())
    told["node"]["id"] = caller.language
    file = bootstrap.with_name(f"bootstrap-{caller.language}.json")
    file.write_text(json.dumps(told))
    return file


def more(everyone: Sequence[Calls], number: int = 50) -> None:
    """Wait until each has made further calls, and all of them were answered."""
    seen = [calls.total for calls in everyone]
    wait_for(
        lambda: all(calls.total >= before + number for calls, before in zip(everyone, seen, strict=True)),
        f"{number} more calls of each of {everyone}",
        timeout_s=30,
    )
    assert_none_failed(everyone)


def settle_on(name: str, everyone: Sequence[Calls], number: int = 50) -> None:
    """Wait until that many calls in a row of each were answered by one backend."""
    for calls in everyone:
        _settles_on(name, calls, number)


def _settles_on(name: str, calls: Calls, number: int) -> None:
    since = {"others": -1, "name": 0}

    def settled() -> bool:
        others = calls.total - calls.answers[name]
        if others != since["others"]:
            since.update(others=others, name=calls.answers[name])
        return calls.answers[name] >= since["name"] + number

    wait_for(settled, f"only {name} to be called by {calls}", timeout_s=30)


def assert_none_failed(everyone: Sequence[Calls]) -> None:
    failed = {calls.caller.language: calls.failures[:5] for calls in everyone if calls.failures}
    assert not failed, f"{failed} of {everyone}"


@dataclass
class Services:
    """A workspace on disk: services by name, each a listener, its routes, and clusters with their backends."""

    directory: Path
    inline_routes: bool = False
    _documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    def routes(self, service: str, clusters: Mapping[str, int], *, beside: str = "") -> Services:
        """Calls to the service go to these clusters, by weight; `beside`: a cluster that no call goes to."""
        weighted = [{"name": name, "weight": weight} for name, weight in clusters.items()]
        routes = [{"match": {"prefix": "/nobody/"}, "route": {"cluster": beside}}] if beside else []
        routes.append({"match": {"prefix": ""}, "route": {"weighted_clusters": {"clusters": weighted}}})
        hosts = [{"name": "all", "domains": ["*"], "routes": routes}]
        table = {"name": f"{service}-routes", "virtual_hosts": hosts}
        rds = {"rds": {"route_config_name": table["name"], "config_source": _ADS}}
        router = {"name": "router", "typed_config": {"@type": _TYPE + "extensions.filters.http.router.v3.Router"}}
        manager = {"@type": _TYPE + _HTTP, "stat_prefix": service, "http_filters": [router]}
        manager |= {"route_config": table} if self.inline_routes else rds
        self._put("config.listener.v3.Listener", service, {"name": service, "api_listener": {"api_listener": manager}})
        if not self.inline_routes:
            self._put("config.route.v3.RouteConfiguration", f"{service}-routes", table)
        return self

    def runs(self, cluster: str, backends: Sequence[Backend], *, policy: str = "ROUND_ROBIN") -> Services:
        """A cluster whose endpoints are these backends."""
        return self._runs(cluster, {"": backends}, lb_policy=policy)

    def spread(self, cluster: str, zones: Mapping[str, Sequence[Backend]]) -> Services:
        """A cluster with backends in several zones, whose clients report their load."""
        return self._runs(cluster, zones, lb_policy="ROUND_ROBIN", lrs_server={"self": {}})

    def _runs(self, cluster: str, zones: Mapping[str, Sequence[Backend]], **fields: Any) -> Services:
        eds = {"name": cluster, "type": "EDS", "eds_cluster_config": {"eds_config": _ADS}, **fields}
        self._put("config.cluster.v3.Cluster", cluster, eds)
        localities = [_locality(zone, backends) for zone, backends in zones.items()]
        assignment = {"cluster_name": cluster, "endpoints": localities}
        self._put("config.endpoint.v3.ClusterLoadAssignment", f"{cluster}-endpoints", assignment)
        return self

    def without(self, name: str) -> Services:
        del self._documents[name]
        return self

    def _put(self, message: str, name: str, body: dict[str, Any]) -> None:
        head = {"apiVersion": "fairlead.dev/v1", "kind": "EnvoyResource", "metadata": {"name": name}}
        self._documents[name] = {**head, "spec": {"@type": _TYPE + message, **body}}

    def written(self) -> str:
        """Write them; returns the directory."""
        self.directory.mkdir(parents=True, exist_ok=True)
        head = {"apiVersion": "fairlead.dev/v1", "kind": "Workspace", "metadata": {"name": "shop"}}
        (self.directory / "fairlead.yaml").write_text(json.dumps({**head, "spec": {"group": GROUP}}))
        documents = "\n---\n".join(json.dumps(document) for document in self._documents.values())
        (self.directory / "services.yaml").write_text(documents)
        return str(self.directory)


def _locality(zone: str, backends: Sequence[Backend]) -> dict[str, Any]:
    """gRPC takes no locality without a weight, and none without its (even empty) name."""
    addresses = [{"socket_address": {"address": "127.0.0.1", "port_value": backend.port}} for backend in backends]
    endpoints = [{"endpoint": {"address": address}} for address in addresses]
    return {"locality": {"zone": zone} if zone else {}, "load_balancing_weight": 1, "lb_endpoints": endpoints}
