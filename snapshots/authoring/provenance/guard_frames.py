"""What the filters of guards come from: ExternalAuth filters of rules; those that ask alike are one. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from snapshots.authoring.gateway.backend_faces import backend_of
from snapshots.authoring.gateway.backends import BackendTarget
from snapshots.authoring.gateway.guards import GUARD_PREFIX, Guard, guard_filter
from snapshots.authoring.kinds.filters import ExternalAuth
from snapshots.authoring.objects import AuthoredObject
from snapshots.authoring.provenance import tables
from snapshots.authoring.provenance.frames import Frame, Json, Known, items
from snapshots.authoring.yaml_nodes import Path


def guard_frames(known: Known, path: Path, manager: Json) -> Iterator[Frame]:
    """Of the connection manager at `path`: the first rule in order of precedence that has a guard counts."""
    for below, each in items(manager, "http_filters"):
        name = str(each["name"])
        if name.startswith(GUARD_PREFIX):
            found = next((one for one in _asked(known) if _is_called(known, *one, name)), None)
            if found is not None:
                yield Frame((*path, *below), found[0], found[1], tables.GUARD)


def _asked(known: Known) -> Iterator[tuple[AuthoredObject, Path, ExternalAuth]]:
    for route in known.world.of("HTTPRoute"):
        for number, rule in enumerate(route.model.spec.rules):
            base: Path = ("spec", "rules", number)
            refs = enumerate(rule.backend_refs)
            lists = [(base, rule.filters), *(((*base, "backendRefs", at), ref.filters) for at, ref in refs)]
            for where, filters in lists:
                for index, each in enumerate(filters):
                    if each.external_auth is not None:
                        yield route, (*where, "filters", index, "externalAuth"), each.external_auth


def _is_called(known: Known, route: AuthoredObject, at: Path, auth: ExternalAuth, name: str) -> bool:
    ref = auth.backend_ref
    backend = known.world.get(ref.kind, ref.namespace or route.namespace, ref.name)
    if backend is None:
        return False
    cluster = name.removeprefix(GUARD_PREFIX).rpartition("/")[0]
    guard = Guard(BackendTarget(backend_of(backend), None, "http"), auth)
    return bool(guard_filter(known.messages, guard, cluster)["name"] == name)
