"""A server's parts, put together: which is given which. What they do when they run is `process`' part."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from starlette.routing import Route

from api.envoy.registry import EnvoyApi
from api.hosting.http import HttpServer
from api.hosting.version import version
from api.management.backend import Addresses, Backend, ServerFacts
from api.management.events import EventHub
from snapshots.checks.budgets import Budgets
from snapshots.store.endpoint_sets import Store
from snapshots.store.protocol import StoreStatus
from xds.fleet import Fleet
from xds.server.follow import Follower
from xds.server.follow_endpoints import EndpointFollower
from xds.server.gauges import declare_gauges
from xds.server.json_encoding import JsonEncoder
from xds.server.load_gauges import declare_load
from xds.server.management import ManagementServer
from xds.server.readiness import Readiness
from xds.server.report_gauges import declare_reports
from xds.server.reporting import Reporting
from xds.server.rest import rest_is_off, rest_route
from xds.server.settings import ServerSettings
from xds.server.taste.at_publish import taste_of
from xds.transport.csds import Audience
from xds.transport.limits import Limits
from xds.transport.server import XdsOptions, XdsServer
from xds.transport.tls import TlsFiles


@dataclass(frozen=True, slots=True)
class Parts:
    """One server process. None of it runs yet."""

    store: Store
    xds: XdsServer
    management: ManagementServer
    http: HttpServer
    endpoints: EndpointFollower
    follower: Follower
    readiness: Readiness

    @property
    def addresses(self) -> Addresses:
        return Addresses(self.xds.address, self.management.address, self.http.address)


def assemble(settings: ServerSettings, store: Store, envoy: EnvoyApi) -> Parts:
    """Wire a server. Nothing is bound and no file is read here."""
    fleet, hub = Fleet(), EventHub()
    observer = Reporting(hub, lambda: follower.heads)
    xds = XdsServer(envoy, fleet, _xds_options(settings), observer)
    endpoints = EndpointFollower(store, xds.groups, observer)
    follower = Follower(store, xds.groups, fleet, observer, endpoints.known)
    readiness = Readiness(follower)
    facts = ServerFacts(
        version=version(),
        started_s=time.time(),
        addresses=lambda: parts.addresses,
        not_ready=readiness.not_ready,
        served=lambda: follower.heads,
        absent_store=StoreStatus("memory" if settings.memory else "etcd", False, endpoints=settings.etcd),
        leaving=lambda: readiness.draining,
    )
    management = ManagementServer(
        Backend(store, envoy, fleet, hub, facts, xds.loads, xds.orders, _budgets(settings), taste_of(settings, envoy)),
        str(settings.management_address),
        observer,
        tls=_tls(settings.management_cert, settings.management_key, settings.management_client_ca),
        plaintext_allowed=settings.plaintext_allowed,
    )
    http = HttpServer(settings.http_address, readiness.not_ready, [_rest(settings, xds, envoy)])
    parts = Parts(store, xds, management, http, endpoints, follower, readiness)
    declare_gauges(xds, fleet, follower, readiness)
    declare_load(xds.loads)
    declare_reports(fleet.reports)
    return parts


def _xds_options(settings: ServerSettings) -> XdsOptions:
    return XdsOptions(
        address=str(settings.xds_address),
        tls=_tls(settings.xds_cert, settings.xds_key, settings.xds_client_ca),
        plaintext_off_loopback=settings.plaintext_allowed,
        identifier=f"fairlead {version()}",
        client_status=Audience(settings.client_status),
        load_reporting_interval_s=settings.load_reporting_interval_s,
    )


def _budgets(settings: ServerSettings) -> Budgets:
    return Budgets(
        settings.budget_resources,
        settings.budget_size_bytes,
        settings.budget_growth_percent,
        settings.budget_removed_percent,
    )


def _rest(settings: ServerSettings, xds: XdsServer, envoy: EnvoyApi) -> Route:
    if not settings.rest_polling:
        return rest_is_off()
    encoder = JsonEncoder(envoy, Limits().response_cache_bytes, f"fairlead {version()}")
    return rest_route(xds.poller, encoder, on_loopback=settings.http_address.loopback)


def _tls(certificate: Path | None, key: Path | None, client_ca: Path | None) -> TlsFiles | None:
    return TlsFiles(certificate, key, client_ca) if certificate and key else None
