"""All objects of a workspace: found by name, in order of precedence, and who may refer to whom. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from snapshots.authoring.kinds.gateway import LabelExpression, LabelSelector
from snapshots.authoring.kinds.table import BY_NAME
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from snapshots.authoring.sheet import Column, Gathered, Given, Sheet

CONTROLLER_NAME = "fairlead.dev/gateway-controller"
# Kubernetes puts this label on every namespace by itself, and selectors rely on it.
_NAME_LABEL = "kubernetes.io/metadata.name"


def precedence(each: AuthoredObject) -> tuple[float, str, str]:
    """The older first (without a time: the oldest), then by namespace and name.  Gateway API: "Conflicts"."""
    return (each.created_s, each.namespace, each.name)


class World:
    """An object stands once. What is asked of it is noted by the cell that asks: it is made anew when that changes."""

    def __init__(self, objects: Iterable[AuthoredObject] = (), sheet: Sheet | None = None) -> None:
        """Of two objects of one name the first counts. `sheet`: whose cells ask."""
        sheet = sheet or Sheet()
        self._objects: Given[ObjectKey, AuthoredObject] = Given(sheet)
        self._by_kind: dict[str, dict[ObjectKey, AuthoredObject]] = {}
        self._kinds: Column[str] = Column(sheet)
        self._names: Gathered[tuple[str, str], None] = Gathered(sheet)
        self._grants: Given[Asked, frozenset[str | None]] = Given(sheet)
        self._slices: Gathered[tuple[str, str], AuthoredObject] = Gathered(sheet)
        self.change({each.key: each for each in reversed(tuple(objects))})

    def change(self, changes: Mapping[ObjectKey, AuthoredObject | None]) -> None:
        """Put objects in, in place of those that were there; None takes one out."""
        for key, each in changes.items():
            before = self._objects.peek(key)
            of_kind = self._by_kind.setdefault(key.kind, {})
            if each is None:
                of_kind.pop(key, None)
            else:
                of_kind[key] = each
            self._objects.put(key, each)
            self._names.change(_named(before), _named(each))
            self._slices.change(_slice(before), _slice(each))
        for kind in {key.kind for key in changes}:
            self._kinds.tell(kind)
        if any(key.kind == "ReferenceGrant" for key in changes):
            self._grants.become(_grants(self._by_kind["ReferenceGrant"].values()))

    def get(self, kind: str, namespace: str, name: str) -> AuthoredObject | None:
        return self._objects.get(ObjectKey(kind, namespace, name))

    def at(self, key: ObjectKey) -> AuthoredObject | None:
        return self._objects.get(key)

    def peek(self, key: ObjectKey) -> AuthoredObject | None:
        """Not noted: for cells that are made anew with the object anyhow, and for who comes after all cells."""
        return self._objects.peek(key)

    def of(self, *kinds: str) -> tuple[AuthoredObject, ...]:
        """All of these kinds, in order of precedence; of equals the kind that is asked for first."""
        for kind in kinds:
            self._kinds.note(kind)
        return tuple(sorted((each for kind in kinds for each in self._by_kind.get(kind, {}).values()), key=precedence))

    def names(self, kind: str, namespace: str) -> Sequence[str]:
        """For suggestions: what objects of a kind a namespace has."""
        return self._names.orders((kind, namespace))

    def endpoint_slices(self, service: ObjectKey) -> tuple[AuthoredObject, ...]:
        """The EndpointSlices of a Service, by name."""
        return tuple(each for _, each in self._slices.get((service.namespace, service.name)))

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
        allowed = self._grants.get(asked) or frozenset()
        return None in allowed or name in allowed


def _named(each: AuthoredObject | None) -> list[tuple[tuple[str, str], str, None]]:
    return [] if each is None else [((each.key.kind, each.namespace), each.name, None)]


def _slice(each: AuthoredObject | None) -> list[tuple[tuple[str, str], str, AuthoredObject]]:
    """The Service that an EndpointSlice belongs to, by its label."""
    if each is None or each.key.kind != "EndpointSlice":
        return []
    service = dict(each.labels).get("kubernetes.io/service-name")
    return [((each.namespace, service), each.name, each)] if service else []


# From group, kind, namespace; to group, kind, namespace.
Asked = tuple[str, str, str, str, str, str]


def _grants(grants: Iterable[AuthoredObject]) -> dict[Asked, frozenset[str | None]]:
    """The names that may be referred to; None among them: all."""
    found: dict[Asked, set[str | None]] = {}
    for grant in grants:
        for source in grant.model.spec.from_:
            for to in grant.model.spec.to:
                key = (source.group, source.kind, source.namespace, to.group, to.kind, grant.namespace)
                found.setdefault(key, set()).add(to.name)
    return {key: frozenset(names) for key, names in found.items()}


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
