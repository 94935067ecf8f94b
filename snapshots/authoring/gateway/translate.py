"""The stages in their order: objects in; resources, complaints and statuses out. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from api.envoy.registry import EnvoyApi
from snapshots.authoring.gateway.attachments import attachments
from snapshots.authoring.gateway.backend_tls import backend_policies
from snapshots.authoring.gateway.backends import Backends
from snapshots.authoring.gateway.bound import BoundListener
from snapshots.authoring.gateway.certificates import Certificates, certificate_resources
from snapshots.authoring.gateway.client_certificates import client_certificates
from snapshots.authoring.gateway.client_checks import ClientChecks, client_authorities
from snapshots.authoring.gateway.clusters import clusters, in_use, without_slices
from snapshots.authoring.gateway.complaints import Complaint, Complaints
from snapshots.authoring.gateway.conditions import ObjectStatus
from snapshots.authoring.gateway.envoy import Messages
from snapshots.authoring.gateway.gateways import gateways
from snapshots.authoring.gateway.http_routes import HttpRoutes
from snapshots.authoring.gateway.layer4 import Layer4Routes
from snapshots.authoring.gateway.listeners import bound_listeners
from snapshots.authoring.gateway.packet_shares import PacketShares
from snapshots.authoring.gateway.policy_statuses import policy_statuses
from snapshots.authoring.gateway.serving import serving
from snapshots.authoring.gateway.shadows import shadow_complaints
from snapshots.authoring.gateway.statuses import statuses
from snapshots.authoring.gateway.unheeded import unheeded
from snapshots.authoring.gateway.world import World
from snapshots.authoring.objects import AuthoredObject
from xds.protocol.resource import Resource


@dataclass(frozen=True, slots=True)
class Translation:
    """`resources` with the object that each stands for, `complaints` in the order found, `statuses` of all objects,
    and the `listeners` that all hangs on."""

    resources: tuple[tuple[AuthoredObject, Resource], ...]
    complaints: tuple[Complaint, ...]
    statuses: tuple[ObjectStatus, ...]
    listeners: tuple[BoundListener, ...] = ()


def translate(api: EnvoyApi, objects: Iterable[AuthoredObject]) -> Translation:
    """What the objects of one workspace come to. The same objects give the same answer in whatever order they come."""
    messages, complaints = Messages(api), Complaints()
    world = World(objects)
    certificates, checks = Certificates(world), ClientChecks(world, complaints)
    own = gateways(world, complaints)
    listeners = bound_listeners(own, certificates, checks, complaints)
    attached = attachments(world, own, listeners, complaints)
    shown = client_certificates(world, certificates, complaints)
    backends = Backends(world, backend_policies(world, complaints))
    routes = HttpRoutes(messages, backends, complaints)
    packet_shares = PacketShares(messages, world)
    layer4 = Layer4Routes(messages, backends, complaints, packet_shares)
    for each in attached:
        # Whether a listener serves it or not: what it refers to is told of even so.
        (routes.resolve if each.route.key.kind in ("HTTPRoute", "GRPCRoute") else layer4.shares)(each.route)
    served = list(serving(messages, listeners, attached, routes, layer4, shown))
    for warning in shadow_complaints(listeners, attached, routes.resolve):
        complaints.add(warning)
    for warning in unheeded(world):
        complaints.add(warning)
    used = in_use(backends.found, (resource for _, resource in served))
    for warning in without_slices(world, used):
        complaints.add(warning)
    served.extend(clusters(messages, world, used))
    served.extend(packet_shares.resources())
    named = {each.name for _, resource in served for each in resource.references}
    secrets = (*certificate_resources(messages, certificates.used), *client_authorities(messages, checks))
    served.extend((owner, secret) for owner, secret in secrets if secret.name in named)
    told = statuses(world, own, listeners, attached, complaints)
    policies = policy_statuses(backends.policies.all, backends.policy_users, attached)
    return Translation(tuple(served), tuple(complaints.found), (*told, *policies), listeners)
