"""What clusters, endpoints and secrets come from: Backends, Services with their EndpointSlices, policies. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.provenance import tables
from snapshots.authoring.provenance.frames import Frame, Json, Known, items, named
from snapshots.authoring.yaml_nodes import Path


def cluster_frames(known: Known, subject: AuthoredObject, cluster: Json) -> Iterator[Frame]:
    """Of a Cluster; `subject` is the Backend, the Service, or the UDPRoute that shares packets."""
    yield Frame((), subject, ("spec",), tables.CLUSTER)
    port = _port(subject, cluster["name"])
    if port is not None:
        yield Frame(("typed_extension_protocol_options",), subject, (*port, "appProtocol"), tables.ITSELF)
    yield from _assignment_endpoints(known, subject, cluster.get("load_assignment", {}), ("load_assignment",))
    context = cluster.get("transport_socket", {}).get("typed_config", {}).get("common_tls_context", {})
    combined = context.get("combined_validation_context", {})
    policy = named(known.world, combined.get("validation_context_sds_secret_config", {}).get("name", ""))
    if policy is not None:
        yield Frame(("transport_socket",), policy, ("spec", "validation"), tables.UPSTREAM_TLS)


def assignment_frames(known: Known, subject: AuthoredObject, assignment: Json) -> Iterator[Frame]:
    """Of a ClusterLoadAssignment."""
    yield Frame((), subject, ("spec",), tables.ASSIGNMENT)
    yield from _assignment_endpoints(known, subject, assignment, ())


def secret_frames(subject: AuthoredObject, secret: Json) -> Iterator[Frame]:
    """Of a Secret: of one that was written, or of the authorities of a policy or Gateway."""
    yield Frame((), subject, (), tables.CERTIFICATE if "tls_certificate" in secret else tables.AUTHORITIES)


def _assignment_endpoints(known: Known, subject: AuthoredObject, assignment: Json, at: Path) -> Iterator[Frame]:
    places = list(_places(known, subject))
    for path, locality in items(assignment, "endpoints"):
        for below, endpoint in items(locality, "lb_endpoints"):
            socket = endpoint["endpoint"]["address"]["socket_address"]
            wanted = (socket["address"], socket["port_value"])
            found = [(whose, base) for whose, base, place in places if place == wanted]
            for whose, base in found:
                if below[-1] == 0:
                    yield Frame((*at, *path), whose, base, tables.LOCALITY)
                table = tables.SHARED_ENDPOINT if subject.key.kind == "UDPRoute" else tables.ENDPOINT
                yield Frame((*at, *path, *below), whose, base, table)
    yield from _slice_ports(known, subject, assignment, at)


def _places(known: Known, subject: AuthoredObject) -> Iterator[tuple[AuthoredObject, Path, tuple[str, int]]]:
    """Every endpoint that is written: by whom, where, and which address and port it is."""
    for backend in _backends(known, subject):
        yield from _of_backend(known, backend)


def _backends(known: Known, subject: AuthoredObject) -> Iterator[AuthoredObject]:
    """One, or those that a UDPRoute shares packets between."""
    if subject.key.kind != "UDPRoute":
        yield subject
        return
    for ref in subject.model.spec.rules[0].backend_refs:
        found = known.world.get(ref.kind, ref.namespace or subject.namespace, ref.name)
        if found is not None:
            yield found


def _of_backend(known: Known, subject: AuthoredObject) -> Iterator[tuple[AuthoredObject, Path, tuple[str, int]]]:
    spec = subject.model.spec
    if subject.key.kind == "Backend" and isinstance(spec.endpoints, tuple):
        for index, each in enumerate(spec.endpoints):
            address = str(ipaddress.ip_address(each.address))
            yield subject, ("spec", "endpoints", index), (address, each.port)
    for each in known.world.endpoint_slices(subject.key) if subject.key.kind == "Service" else ():
        ports = [port.port for port in each.model.ports or () if port.port]
        for index, endpoint in enumerate(each.model.endpoints or ()):
            for port in ports:
                yield each, ("endpoints", index), (endpoint.addresses[0], port)


def _slice_ports(known: Known, subject: AuthoredObject, assignment: Json, at: Path) -> Iterator[Frame]:
    """The ports of a Service's endpoints stand apart from their addresses."""
    services = (each for each in _backends(known, subject) if each.key.kind == "Service")
    for each in (found for service in services for found in known.world.endpoint_slices(service.key)):
        for number, port in enumerate(each.model.ports or ()):
            for path, locality in items(assignment, "endpoints"):
                for below, endpoint in items(locality, "lb_endpoints"):
                    if endpoint["endpoint"]["address"]["socket_address"]["port_value"] == port.port:
                        where = (*at, *path, *below, "endpoint", "address", "socket_address", "port_value")
                        yield Frame(where, each, ("ports", number, "port"), tables.ITSELF)


def _port(subject: AuthoredObject, cluster: str) -> Path | None:
    """The place of a Service's port, by the name of its cluster."""
    if subject.key.kind != "Service":
        return None
    number = cluster.rpartition(":")[2].partition("/")[0]
    for index, each in enumerate(subject.model.spec.ports):
        if str(each.port) == number:
            return ("spec", "ports", index)
    return None
