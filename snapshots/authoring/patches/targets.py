"""The authored object that a patch names -> the resources that hold its part, and where in each. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from api.envoy.problem import did_you_mean
from snapshots.authoring.gateway.bound import Bind, BoundListener
from snapshots.authoring.gateway.endpoints import endpoints_name
from snapshots.authoring.gateway.whose import chain_of, host_of
from snapshots.authoring.gateway.world import World
from snapshots.authoring.kinds.patch import EnvoyPatchSpec, PartName, PatchTarget
from snapshots.authoring.kinds.table import BY_NAME
from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.patches import parts
from snapshots.authoring.patches.operations import PatchFailed
from snapshots.authoring.yaml_nodes import Path
from snapshots.codes import PATCH_NOT_PERMITTED, PATCH_PART_UNKNOWN, PATCH_TARGET_MISSING
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, ENDPOINT, LISTENER, ROUTE, TypeUrl

_TARGET: Path = ("spec", "target")
# Parts that listeners without TLS on one port have in common.
_SHARED_BY_PLAIN = ("FilterChain", "HttpConnectionManager", "RouteConfiguration")

ResourceKey = tuple[TypeUrl, str]


@dataclass(frozen=True, slots=True)
class Spot:
    """A resource that holds a part, and what finds it there; it may find nothing."""

    key: ResourceKey
    find: parts.Find


@dataclass(slots=True)
class Targets:
    """All that can be named: the objects, their listeners, and what they came to."""

    world: World
    listeners: Sequence[BoundListener]
    resources: Mapping[ResourceKey, Resource]
    _by_type: dict[TypeUrl, list[Resource]] = field(default_factory=dict)

    def spots(self, patch: AuthoredObject) -> list[Spot]:
        """Where the part that `patch` names is. Raises PatchFailed if there is no such object, section or part."""
        spec: EnvoyPatchSpec = patch.model.spec
        target = spec.target
        found = self._object(patch, target)
        known = parts.PARTS_OF[target.kind]
        if spec.part not in known:
            text = f"a {target.kind} has no part {spec.part}"
            raise PatchFailed(PATCH_PART_UNKNOWN, ("spec", "part"), text, f"it has {', '.join(known)}")
        return list(_FINDERS[target.kind](self, found, spec))

    def _object(self, patch: AuthoredObject, target: PatchTarget) -> AuthoredObject:
        kind = BY_NAME.get(target.kind)
        if kind is None or kind.name not in parts.PARTS_OF:
            hint = did_you_mean(target.kind, parts.PARTS_OF.keys()) or f"one of {', '.join(parts.PARTS_OF)}"
            text = f'nothing of a kind "{target.kind}" can be patched'
            raise PatchFailed(PATCH_TARGET_MISSING, (*_TARGET, "kind"), text, hint)
        if target.group not in (None, kind.group):
            text = f'{kind.name} belongs to the group "{kind.group}", not "{target.group}"'
            raise PatchFailed(PATCH_TARGET_MISSING, (*_TARGET, "group"), text, "correct it, or leave it out")
        found = self.world.get(target.kind, patch.namespace, target.name)
        if found is None:
            hint = did_you_mean(target.name, self.world.names(target.kind, patch.namespace))
            text = f'{target.kind} "{target.name}" not found in namespace {patch.namespace}'
            raise PatchFailed(PATCH_TARGET_MISSING, (*_TARGET, "name"), text, hint)
        return found

    def of_type(self, *type_urls: TypeUrl) -> Iterator[Resource]:
        """All resources of these types."""
        if not self._by_type:
            for resource in self.resources.values():
                self._by_type.setdefault(resource.type_url, []).append(resource)
        for type_url in type_urls:
            yield from self._by_type.get(type_url, ())

    def mentioning(self, text: str, *type_urls: TypeUrl) -> Iterator[ResourceKey]:
        """Those that have `text` somewhere in them: to look at bytes is cheaper than to read them."""
        wanted = text.encode()
        return ((each.type_url, each.name) for each in self.of_type(*type_urls) if wanted in each.body)

    def listener_parts(self, owner: AuthoredObject, spec: EnvoyPatchSpec) -> Iterator[Spot]:
        """Of a Gateway or ListenerSet: what serves its listeners."""
        section = spec.target.section_name
        mine = [each for each in self.listeners if each.owner.key == owner.key]
        chosen = [each for each in mine if section in (None, each.listener.name)]
        if section is not None and not chosen and owner.key in {each.owner.key for each in self.listeners}:
            raise _no_section(f"{owner.key} has no listener", section, [each.listener.name for each in mine])
        for listener in chosen:
            for bind in listener.binds if listener.usable else ():
                beside = [each for each in self.listeners if each.usable and bind in each.binds]
                _only_of(owner, spec.part, listener, beside)
                yield from self._at_bind(spec, bind, listener, beside)

    def _at_bind(
        self, spec: EnvoyPatchSpec, bind: Bind, listener: BoundListener, beside: Sequence[BoundListener]
    ) -> Iterator[Spot]:
        part, key = spec.part, (LISTENER, bind.name)
        if part == "Listener":
            yield Spot(key, parts.whole)
        elif part == "UdpProxy":
            yield Spot(key, parts.packet_proxies())
        elif part == "FilterChain":
            yield Spot(key, parts.chains(chain_of(bind, listener, beside)))
        elif part in ("HttpConnectionManager", "TcpProxy", "DownstreamTls"):
            yield Spot(key, parts.in_chains(part, chain_of(bind, listener, beside)))
        else:
            yield from self._routes_at(spec, bind, listener, beside)

    def _routes_at(
        self, spec: EnvoyPatchSpec, bind: Bind, listener: BoundListener, beside: Sequence[BoundListener]
    ) -> Iterator[Spot]:
        protocol = listener.listener.protocol
        if protocol not in ("HTTP", "HTTPS"):
            return
        name = bind.name if protocol == "HTTP" else f"{bind.name}/{listener.hostname or '*'}"
        find: parts.Find = parts.whole
        if spec.part == "VirtualHost":
            is_its, hostname = host_of(listener, beside), spec.target.hostname
            find = parts.virtual_hosts(lambda host: is_its(host) and hostname in (None, *host.get("domains", ())))
        wanted = spec.target.hostname or ""
        for each in self.of_type(ROUTE):
            if wanted.encode() not in each.body:
                continue  # to look at bytes is cheaper than to read them
            # Whole, in slices, or with guards.
            if each.name == name or each.name.startswith((f"{name}/hosts/", f"{name}/guarded/")):
                yield Spot((ROUTE, each.name), find)

    def http_route(self, route: AuthoredObject, spec: EnvoyPatchSpec) -> Iterator[Spot]:
        """Of an HTTPRoute or GRPCRoute: its routes, wherever they are served."""
        section = spec.target.section_name
        rules = [each.name or str(number) for number, each in enumerate(route.model.spec.rules)]
        if section is not None and section not in rules:
            raise _no_section(f"{route.key} has no rule", section, rules)
        prefix = f"{_name(route)}/"
        names = frozenset(prefix + each for each in rules if section in (None, each))
        find = parts.routes(lambda each: each.get("name") in names)
        for key in self.mentioning(prefix, ROUTE):
            yield Spot(key, find)

    def other_route(self, route: AuthoredObject, spec: EnvoyPatchSpec) -> Iterator[Spot]:
        """Of a TLSRoute, TCPRoute or UDPRoute: the proxies that pass its connections on."""
        _whole_only(route, spec.target)
        for key in self.mentioning(_name(route), LISTENER):
            yield Spot(key, parts.proxies(_name(route)))

    def backend(self, backend: AuthoredObject, spec: EnvoyPatchSpec) -> Iterator[Spot]:
        """Of a Backend, or of one or all ports of a Service: its clusters, and where they lead."""
        whose = _clusters_of(backend, spec.target)
        find: Mapping[PartName, parts.Find] = {
            "Cluster": parts.whole,
            "Endpoints": parts.endpoints,
            "UpstreamTls": parts.upstream_tls(),
        }
        for each in self.of_type(CLUSTER, *([ENDPOINT] if spec.part == "Endpoints" else [])):
            if whose(each.name):
                yield Spot((each.type_url, each.name), find[spec.part])

    def policy(self, policy: AuthoredObject, spec: EnvoyPatchSpec) -> Iterator[Spot]:
        """Of a BackendTLSPolicy: the TLS of all clusters that it counts for."""
        _whole_only(policy, spec.target)
        for key in self.mentioning(_name(policy), CLUSTER):
            yield Spot(key, parts.upstream_tls(_name(policy)))


_FINDERS: Mapping[str, Callable[[Targets, AuthoredObject, EnvoyPatchSpec], Iterator[Spot]]] = {
    "Gateway": Targets.listener_parts,
    "ListenerSet": Targets.listener_parts,
    "HTTPRoute": Targets.http_route,
    "GRPCRoute": Targets.http_route,
    "TLSRoute": Targets.other_route,
    "TCPRoute": Targets.other_route,
    "UDPRoute": Targets.other_route,
    "Service": Targets.backend,
    "Backend": Targets.backend,
    "BackendTLSPolicy": Targets.policy,
}


def _name(each: AuthoredObject) -> str:
    return f"{each.key.kind}/{each.namespace}/{each.name}"


def _no_section(text: str, section: str, known: Sequence[str]) -> PatchFailed:
    hint = did_you_mean(section, known) or (f"it has {', '.join(known)}" if known else "")
    return PatchFailed(PATCH_TARGET_MISSING, (*_TARGET, "sectionName"), f'{text} "{section}"', hint)


def _whole_only(each: AuthoredObject, target: PatchTarget) -> None:
    if target.section_name is not None:
        raise _no_section(f"{each.key} has no section", target.section_name, ())


def _only_of(owner: AuthoredObject, part: PartName, listener: BoundListener, beside: Sequence[BoundListener]) -> None:
    """What listeners of other namespaces are served by, too, is not one's own to change. Raises PatchFailed."""
    shared = part in ("Listener", "UdpProxy") or (listener.listener.protocol == "HTTP" and part in _SHARED_BY_PLAIN)
    for each in beside if shared else ():
        alike = part == "Listener" or each.listener.protocol == listener.listener.protocol
        if alike and each.owner.namespace != owner.namespace:
            text = f'the {part} of listener "{listener.listener.name}" also serves {each.owner.key}'
            hint = "patch the virtual hosts, or give the listener an address or port of its own"
            raise PatchFailed(PATCH_NOT_PERMITTED, ("spec", "part"), text, hint)


def _clusters_of(backend: AuthoredObject, target: PatchTarget) -> Callable[[str], bool]:
    """Whether a cluster, or an assignment, is that of a backend; of a Service, of the port that is asked for."""
    name = endpoints_name(backend.key)
    if backend.key.kind == "Backend":
        _whole_only(backend, target)
        return lambda each: each == name or each.startswith(f"{name}/")
    ports = {each.name: each.port for each in backend.model.spec.ports}
    if target.section_name is None:
        return lambda each: each.startswith(f"{name}:")
    if target.section_name not in ports:
        raise _no_section(f"{backend.key} has no port of the name", target.section_name, [*filter(None, ports)])
    own = f"{name}:{ports[target.section_name]}"
    return lambda each: each == own or each.startswith(f"{own}/")
