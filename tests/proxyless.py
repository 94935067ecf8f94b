"""gRPC without a proxy, for tests: backends that say who they are, clients that call without a pause, the documents."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import grpc

from tests.grpc_caller import METHOD
from tests.spine import ROOT

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

    def __init__(self, name: str, bootstrap: Path, **environment: str) -> None:
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self.last = ""
        command = (sys.executable, "-m", "tests.grpc_caller", f"xds:///{name}")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
            env={**os.environ, "GRPC_XDS_BOOTSTRAP": str(bootstrap), **environment},
        )  # fmt: skip
        self._reader = threading.Thread(target=self._count, daemon=True)
        self._reader.start()

    @property
    def total(self) -> int:
        return sum(self.answers.values()) + len(self.failures)

    def _count(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.last = line.rstrip("\n")
            if self.last.startswith("! "):
                self.failures.append(self.last)
            else:
                self.answers[self.last] += 1

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


@dataclass
class Services:
    """A workspace on disk: services by name, each a listener, its routes, and clusters with their backends."""

    directory: Path
    inline_routes: bool = False
    _documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    def routes(self, service: str, clusters: Mapping[str, int]) -> Services:
        """Calls to the service go to these clusters, by weight."""
        weighted = [{"name": name, "weight": weight} for name, weight in clusters.items()]
        hosts = [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": ""}, "route": {"weighted_clusters": {"clusters": weighted}}}]}]  # fmt: skip
        routes = {"name": f"{service}-routes", "virtual_hosts": hosts}
        rds = {"rds": {"route_config_name": routes["name"], "config_source": _ADS}}
        router = {"name": "router", "typed_config": {"@type": _TYPE + "extensions.filters.http.router.v3.Router"}}
        manager = {"@type": _TYPE + _HTTP, "stat_prefix": service, "http_filters": [router]}
        manager |= {"route_config": routes} if self.inline_routes else rds
        self._put("config.listener.v3.Listener", service, {"name": service, "api_listener": {"api_listener": manager}})
        if not self.inline_routes:
            self._put("config.route.v3.RouteConfiguration", f"{service}-routes", routes)
        return self

    def runs(self, cluster: str, backends: Sequence[Backend]) -> Services:
        """A cluster whose endpoints are these backends."""
        eds = {"name": cluster, "type": "EDS", "lb_policy": "ROUND_ROBIN", "eds_cluster_config": {"eds_config": _ADS}}
        self._put("config.cluster.v3.Cluster", cluster, eds)
        addresses = [{"socket_address": {"address": "127.0.0.1", "port_value": backend.port}} for backend in backends]
        # gRPC takes no locality without a weight, and none without its (even empty) name.
        locality = {"locality": {}, "load_balancing_weight": 1,
                    "lb_endpoints": [{"endpoint": {"address": address}} for address in addresses]}  # fmt: skip
        assignment = {"cluster_name": cluster, "endpoints": [locality]}
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
