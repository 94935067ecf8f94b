"""An agent's parts, put together: which is given which. What they do when they run is `process`' part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agents.node.envoy.admin import admin_place
from agents.node.envoy.bootstrap_file import Bootstrap
from agents.node.envoy.keeping import EnvoyKeeper, Hooks
from agents.node.envoy.life import Limits
from agents.node.envoy.supervisor import Supervised, Supervisor
from agents.node.local.clients import Clients
from agents.node.local.identity import Identity
from agents.node.local.passage import Passage
from agents.node.local.serving import local_server
from agents.node.settings import AgentSettings
from agents.node.status import Status
from agents.node.upstream.channels import UpstreamTls, open_channel
from agents.node.upstream.link import Link
from agents.node.upstream.messages import Messages
from api.envoy.registry import EnvoyApi
from api.hosting.address import SocketPath, parse_any
from api.hosting.probes import Probes
from xds.bootstrap import NodeFacts, Place, UnixPlace
from xds.client.mirror import Mirror
from xds.client.wants import Wants
from xds.protocol.catalogue import Catalogue
from xds.protocol.types import GroupName
from xds.transport.server import XdsServer


@dataclass(frozen=True, slots=True)
class Parts:
    """One agent. None of it runs yet. `envoy` is made once the local server is bound: its bootstrap names that."""

    settings: AgentSettings
    server: XdsServer
    passage: Passage
    link: Link
    status: Status
    http: Probes


def assemble(settings: AgentSettings, api: EnvoyApi) -> Parts:
    """Wire an agent. Nothing is bound and no file is read here."""
    identity = Identity(
        settings.node_id, GroupName(settings.group), settings.region, settings.zone, labels=settings.labels
    )
    wants, catalogue = Wants(), Catalogue(identity.group, partial=True)
    passage = Passage(identity, Mirror(wants), wants, catalogue, has_envoy=settings.envoy != "none")
    server = local_server(api, local_address(settings), identity.group, passage)
    passage.serve_on(server.groups, Clients(identity.node_id, wants, server.session))
    upstreams, tls = (*settings.relays, *settings.servers), _upstream_tls(settings)
    link = Link(upstreams, passage, Messages(api), lambda address: open_channel(address, tls))
    status = Status(settings, passage)
    return Parts(settings, server, passage, link, status, Probes(settings.http_address, status.pages))


def make_keeper(settings: AgentSettings, xds_address: str, hooks: Hooks) -> EnvoyKeeper | None:
    """Who keeps Envoy; None where there is none to keep. Raises InvalidConfig."""
    if settings.envoy == "none":
        return None
    directory = settings.state_dir.absolute() / "envoy"
    admin = admin_place(settings.envoy_admin or f"unix:{directory / 'admin.sock'}")
    facts = NodeFacts(settings.region, settings.zone, metadata=dict(settings.labels))
    bootstrap = Bootstrap(
        settings.node_id, settings.group, _place(xds_address), admin, facts, overlay=settings.bootstrap_overlay
    )
    limits = Limits(hang_s=settings.hang_s, drain_delay_s=settings.drain_delay_s, drain_s=settings.drain_s)
    what = Supervised(bootstrap, directory, settings.envoy_binary, settings.envoy_arguments, limits)
    return Supervisor(what, hooks)


def local_address(settings: AgentSettings) -> str:
    """Where local clients find the agent."""
    return settings.local_address or str(SocketPath(settings.state_dir.absolute() / "xds.sock"))


def _place(xds_address: str) -> Place | UnixPlace:
    address = parse_any(xds_address)
    return UnixPlace(str(address.path)) if isinstance(address, SocketPath) else Place(address.host, address.port)


def _upstream_tls(settings: AgentSettings) -> UpstreamTls | None:
    if settings.upstream_ca is None:
        return None
    return UpstreamTls(settings.upstream_ca, settings.upstream_cert, settings.upstream_key, settings.upstream_name)


def state_file(settings: AgentSettings) -> Path:
    """What other commands find a running agent by."""
    return settings.state_dir / "agent.json"
