"""An agent's parts, put together: which is given which. What they do when they run is `process`' part."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from grpc import aio

from agents.node.envoy.admin import Admin, admin_place
from agents.node.envoy.bootstrap_file import Bootstrap, content_of, write_bootstrap
from agents.node.envoy.keeping import EnvoyKeeper, Hooks
from agents.node.envoy.life import Limits
from agents.node.envoy.minding import Minding
from agents.node.envoy.supervisor import Supervised, Supervisor
from agents.node.generations.floor import Floor
from agents.node.generations.pin_file import PinFile
from agents.node.generations.reading import Owner
from agents.node.generations.secrecy import secrets_of
from agents.node.generations.store import Generations
from agents.node.generations.vault import vault_from
from agents.node.last_good import LastGood
from agents.node.local.clients import Clients
from agents.node.local.identity import Identity
from agents.node.local.load_reports import LoadReports
from agents.node.local.passage import Passage
from agents.node.local.serving import local_server
from agents.node.pinning import Pinning
from agents.node.relations import relations_in
from agents.node.relay.downstream import Downstream
from agents.node.relay.relay import Relay
from agents.node.relay.serving import only, relay_server
from agents.node.reports.reporter import Reporter
from agents.node.reports.wiring import make_reporter
from agents.node.settings import AgentSettings
from agents.node.status import Status
from agents.node.upstream.channels import UpstreamTls, open_channel
from agents.node.upstream.link import Beside, Link
from agents.node.upstream.messages import Messages
from api.envoy.registry import EnvoyApi
from api.hosting.address import SocketPath, parse_any
from api.hosting.probes import Probes
from xds.bootstrap import NodeFacts, Place, UnixPlace
from xds.client.mirror import Mirror
from xds.client.wants import Wants
from xds.protocol.catalogue import Catalogue
from xds.protocol.types import GroupName
from xds.transport.load_reports import LOAD_REPORTING
from xds.transport.server import XdsServer
from xds.transport.tls import TlsFiles

PARENT_LONGER = 1.5


@dataclass(frozen=True, slots=True)
class Parts:
    """One agent. None of it runs yet. `envoy` is made once the local server is bound: its bootstrap names that."""

    settings: AgentSettings
    server: XdsServer
    passage: Passage
    link: Link
    last_good: LastGood
    reporter: Reporter
    status: Status
    http: Probes
    relay: Relay | None = None


def assemble(settings: AgentSettings, api: EnvoyApi) -> Parts:
    """Wire an agent. Nothing is bound here, and no file read but a key. Raises InvalidConfig."""
    identity = Identity(
        settings.node_id, GroupName(settings.group), settings.region, settings.zone, labels=settings.labels
    )
    wants, catalogue = Wants(), Catalogue(identity.group, partial=True)
    passage = Passage(identity, Mirror(wants), wants, catalogue, has_envoy=settings.envoy != "none")
    loads = LoadReports()
    server = local_server(api, local_address(settings), identity.group, passage, {LOAD_REPORTING: loads.handler})
    passage.serve_on(server.groups, Clients(identity.node_id, wants, server.session))
    upstreams, tls = (*settings.relays, *settings.servers), _upstream_tls(settings)
    generations, owner = _generations(settings, api), Owner(settings.node_id, settings.group)
    pinning = Pinning(passage, generations, PinFile(settings.places.pinned, owner))
    last_good = LastGood(passage, generations, Floor(settings.places.floor), pinning, settings.bake_s)
    status = Status(settings, passage, last_good)
    relay = _relay(settings, api, passage, wants)
    status.relay = relay
    below = relay.below(server.fleet) if relay is not None else None
    reporter = make_reporter(settings, passage, last_good, lambda: status.envoy, below, lambda: link.passed_by)
    status.clock_ahead_s = lambda: reporter.clock_ahead_s
    if relay is not None:
        relay.downstream.on_news = reporter.wake
    link = Link(
        upstreams,
        passage,
        Messages(api),
        lambda address: open_channel(address, tls),
        return_s=settings.upstream_return_s,
        beside=partial(_both, reporter.run, loads.run),
    )
    status.faults = lambda: link.faults
    http = Probes(settings.http_address, status.pages)
    return Parts(settings, server, passage, link, last_good, reporter, status, http, relay)


async def _both(first: Beside, second: Beside, channel: aio.Channel) -> None:
    await asyncio.gather(first(channel), second(channel))


def make_keeper(settings: AgentSettings, xds_address: str, hooks: Hooks) -> EnvoyKeeper | None:
    """Who keeps Envoy; None where there is none to keep. Raises InvalidConfig."""
    if settings.envoy == "none":
        return None
    bootstrap, limits = bootstrap_of(settings, xds_address), _limits(settings)
    directory = settings.places.envoy
    if settings.envoy == "mind":
        offered = directory / "bootstrap.json"
        write_bootstrap(content_of(bootstrap), offered)
        return Minding(Admin(bootstrap.admin), limits, hooks, offered=offered)
    what = Supervised(bootstrap, directory, settings.envoy_binary, settings.envoy_arguments, limits)
    return Supervisor(what, hooks)


def bootstrap_of(settings: AgentSettings, xds_address: str) -> Bootstrap:
    """What Envoy is to start with. Raises InvalidConfig for an admin address that cannot be."""
    admin = admin_place(settings.envoy_admin or f"unix:{settings.places.envoy / 'admin.sock'}")
    facts = NodeFacts(settings.region, settings.zone, metadata=dict(settings.labels))
    return Bootstrap(
        settings.node_id,
        settings.group,
        _place(xds_address),
        admin,
        facts,
        overlay=settings.bootstrap_overlay,
        load_reports=settings.envoy_load_reports,
    )


def _limits(settings: AgentSettings) -> Limits:
    return Limits(
        hang_s=settings.hang_s,
        drain_delay_s=settings.drain_delay_s,
        drain_s=settings.drain_s,
        # What a hot restart replaces must be through with its drain: it ends with whoever is still connected.
        parent_shutdown_s=settings.drain_s * PARENT_LONGER,
    )


def _relay(settings: AgentSettings, api: EnvoyApi, passage: Passage, wants: Wants) -> Relay | None:
    """What serves other agents, where this one is to."""
    if settings.relay_at is None:
        return None
    own, group = passage.identity.node_id, passage.identity.group
    downstream = Downstream(own, group, passage.mirror, wants)
    downstream.on_wish, downstream.on_gone = passage.want, passage.want_less_later
    downstream.on_relays = partial(passage.introduce_again, "another relay takes its configuration from this one")
    passage.beside = downstream
    tls = _relay_tls(settings)
    server = relay_server(
        api,
        settings.relay_at,
        tls,
        only(group, own),
        downstream,
        plaintext_off_loopback=settings.plaintext_allowed,
    )
    return Relay(server, downstream)


def _relay_tls(settings: AgentSettings) -> TlsFiles | None:
    if settings.relay_cert is None or settings.relay_key is None:
        return None
    return TlsFiles(settings.relay_cert, settings.relay_key, settings.relay_client_ca)


def _generations(settings: AgentSettings, api: EnvoyApi) -> Generations:
    """Raises InvalidConfig for a key that cannot be used."""
    return Generations(
        settings.places.generations,
        Owner(settings.node_id, settings.group),
        is_secret=secrets_of(api),
        relate=relations_in(api),
        keep=settings.generations,
        vault=vault_from(settings.secrets_key) if settings.secrets_key is not None else None,
    )


def local_address(settings: AgentSettings) -> str:
    """Where local clients find the agent."""
    return settings.local_address or str(SocketPath(settings.places.xds))


def _place(xds_address: str) -> Place | UnixPlace:
    address = parse_any(xds_address)
    return UnixPlace(str(address.path)) if isinstance(address, SocketPath) else Place(address.host, address.port)


def _upstream_tls(settings: AgentSettings) -> UpstreamTls | None:
    if settings.upstream_ca is None:
        return None
    return UpstreamTls(settings.upstream_ca, settings.upstream_cert, settings.upstream_key, settings.upstream_name)
