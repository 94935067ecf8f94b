"""All objects of a workspace: found by name, in order of precedence, and who may refer to whom. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from snapshots.authoring.kinds.gateway import LabelExpression, LabelSelector
from snapshots.authoring.kinds.table import BY_NAME
from snapshots.authoring.objects import AuthoredObject

CONTROLLER_NAME = "fairlead.dev/gateway-controller"
# Kubernetes puts this label on every namespace by itself, and selectors rely on it.
_NAME_LABEL = "kubernetes.io/metadata.name"


def precedence(each: AuthoredObject) -> tuple[float, str, str]:
    """The older first (without a time: the oldest), then by namespace and name.  Gateway API: "Conflicts"."""
    return (each.created_s, each.namespace, each.name)


class World:
    """Immutable once made. An object stands once: of two of one name the first counts."""

    def __init__(self, objects: Iterable[AuthoredObject]) -> None:
        self._objects: dict[tuple[str, str, str], AuthoredObject] = {}
        for each in objects:
            self._objects.setdefault((each.key.kind, each.namespace, each.name), each)
        by_kind: dict[str, list[AuthoredObject]] = {}
        for each in self._objects.values():
            by_kind.setdefault(each.key.kind, []).append(each)
        self._by_kind = {kind: tuple(sorted(found, key=precedence)) for kind, found in by_kind.items()}
        self._grants = _grants(self._by_kind.get("ReferenceGrant", ()))
        self._slices = _slices(self._by_kind.get("EndpointSlice", ()))

    def get(self, kind: str, namespace: str, name: str) -> AuthoredObject | None:
        return self._objects.get((kind, namespace, name))

    def of(self, *kinds: str) -> tuple[AuthoredObject, ...]:
        """All of these kinds, in order of precedence."""
        if len(kinds) == 1:
            return self._by_kind.get(kinds[0], ())
        return tuple(sorted((each for kind in kinds for each in self._by_kind.get(kind, ())), key=precedence))

    def names(self, kind: str, namespace: str) -> tuple[str, ...]:
        """For suggestions: what objects of a kind a namespace has."""
        return tuple(each.name for each in self._by_kind.get(kind, ()) if each.namespace == namespace)

    def endpoint_slices(self, service: AuthoredObject) -> tuple[AuthoredObject, ...]:
        """The EndpointSlices of a Service, by name."""
        return self._slices.get((service.namespace, service.name), ())

    def is_ours(self, class_name: str) -> bool:
        """Whether Gateways of this class are served here. A class that is not among the documents is ours:
        the directory is Fairlead's, and a newcomer need not write one."""
        found = self.get("GatewayClass", "", class_name)
        return found is None or found.model.spec.controller_name == CONTROLLER_NAME

    def namespace_labels(self, namespace: str) -> Mapping[str, str]:
        found = self.get("Namespace", "", namespace)
        return {_NAME_LABEL: namespace, **(dict(found.labels) if found else {})}

    def may_refer(self, source: AuthoredObject, group: str, kind: str, namespace: str, name: str) -> bool:
        """Whether `source` may name an object of another namespace.  Gateway API: "ReferenceGrant"."""
        if namespace == source.namespace:
            return True
        asked = (BY_NAME[source.key.kind].group, source.key.kind, source.namespace, group, kind, namespace)
        allowed = self._grants.get(asked, frozenset())
        return None in allowed or name in allowed


Grants = Mapping[tuple[str, str, str, str, str, str], frozenset[str | None]]


def _grants(grants: Iterable[AuthoredObject]) -> Grants:
    """(from group, kind, namespace, to group, kind, namespace) -> the names that may be referred to; None: all."""
    found: dict[tuple[str, str, str, str, str, str], set[str | None]] = {}
    for grant in grants:
        for source in grant.model.spec.from_:
            for to in grant.model.spec.to:
                key = (source.group, source.kind, source.namespace, to.group, to.kind, grant.namespace)
                found.setdefault(key, set()).add(to.name)
    return {key: frozenset(names) for key, names in found.items()}


def _slices(slices: Iterable[AuthoredObject]) -> Mapping[tuple[str, str], tuple[AuthoredObject, ...]]:
    found: dict[tuple[str, str], list[AuthoredObject]] = {}
    for each in slices:
        service = dict(each.labels).get("kubernetes.io/service-name")
        if service:
            found.setdefault((each.namespace, service), []).append(each)
    return {key: tuple(sorted(each, key=lambda one: one.name)) for key, each in found.items()}


def selects(selector: LabelSelector | None, labels: Mapping[str, str]) -> bool:
    """Whether a selector takes these labels; none takes nothing.  Kubernetes: "Label selectors"."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in selector.match_labels.items()):
        return False
    return all(_holds(expression, labels) for expression in selector.match_expressions)


def _holds(expression: LabelExpression, labels: Mapping[str, str]) -> bool:
    value: Any = labels.get(expression.key)
    return {
        "In": value in expression.values,
        "NotIn": value not in expression.values,
        "Exists": expression.key in labels,
        "DoesNotExist": expression.key not in labels,
    }[expression.operator]
