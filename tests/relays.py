"""Agents that relay, and what is asked through them, for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from snapshots.model import Document
from snapshots.store.etcd.ports import free_port
from tests.agents import AgentProcess, an_agent
from tests.clients import DeltaClient
from xds.protocol.features import REVISION
from xds.protocol.types import CLUSTER

NOBODY = "127.0.0.1:1"
"""An address that nobody listens on."""

QUICK_RELAY = {"report_interval_s": 1, "bake_s": 0.1, "upstream_return_s": 1, "start_patience_s": 0.2}


@contextmanager
def a_relay(*servers: str, **settings: object) -> Iterator[AgentProcess]:
    """Not started: relay-1 of group edge, without an Envoy, unless it is said otherwise. Its port stays its own."""
    who = {"node": "relay-1", "envoy": "none", "relay_address": f"127.0.0.1:{free_port()}"}
    with an_agent(*servers, **{**who, **QUICK_RELAY, **settings}) as relay:
        yield relay


def relay_of(agent: AgentProcess) -> str:
    """Where it serves other agents."""
    return str(agent.addresses["relay"])


class AgentClient(DeltaClient):
    """One who understands revisions, as agents do."""

    def request(self, type_url: str, **fields: Any) -> Any:
        request = super().request(type_url, **fields)
        if request.HasField("node"):
            request.node.client_features.append(REVISION)
        return request

    async def takes_everything(self, **held: str) -> Any:
        """Ask for all clusters, of which these are held already; the first answer, acknowledged."""
        await self.subscribe(CLUSTER, ("*",), holding=held)
        return await self.takes()

    async def takes(self) -> Any:
        """The next answer, acknowledged."""
        answer = await self.next()
        await self.ack(CLUSTER)
        return answer


def an_agent_at(address: str, node: str = "edge-1", group: str = "edge", **options: Any) -> AgentClient:
    """Written by hand, at a relay, a server, or an agent's own socket."""
    return AgentClient(address, node, group, **options)


def a_listener_document(name: str, port: int) -> Document:
    """It answers every request by itself."""
    text = f"""\
apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata: {{name: {name}-document}}
spec:
  "@type": type.googleapis.com/envoy.config.listener.v3.Listener
  name: {name}
  address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
  filter_chains:
  - filters:
    - name: http
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
        stat_prefix: {name}
        route_config:
          virtual_hosts:
          - name: all
            domains: ["*"]
            routes:
            - match: {{prefix: /}}
              direct_response: {{status: 200, body: {{inline_string: {name}}}}}
        http_filters:
        - name: router
          typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
"""
    return Document(f"{name}.yaml", text.encode())
