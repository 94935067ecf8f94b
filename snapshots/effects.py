"""What a change of configuration does to an Envoy that runs: whose connections are cut, which clusters warm. Pure.

A listener of which only filter chains change keeps its socket, and the connections of the chains that stay; anything
else makes it anew, and all its connections are drained: told to close, and closed after Envoy's drain time. Routes,
endpoints and secrets cut nothing. A cluster that changes is made anew: it warms, and its connections to backends go.
Source: Envoy's listener manager ("in place filter chain update") and cluster manager ("cluster warming").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from api.envoy.registry import EnvoyApi
from xds.protocol.resource import Resource
from xds.protocol.types import CLUSTER, LISTENER

# What may differ while a listener goes on. The default chain is drained like any other that changes.
_IN_PLACE = frozenset({"filter_chains", "default_filter_chain", "filter_chain_matcher"})
DEFAULT_CHAIN = "default"

# One resource before and after; None: it is not there.
Change = tuple[Resource | None, Resource | None]


@dataclass(frozen=True, slots=True)
class Drain:
    """A listener whose connections are cut: all, or those of some of its filter chains, by name. `because`: why."""

    listener: str
    whole: bool
    filter_chains: tuple[str, ...]
    because: str


@dataclass(frozen=True, slots=True)
class Warming:
    """A cluster that is made anew. `rebuilt`: it was there, and its connections to backends are closed."""

    cluster: str
    rebuilt: bool


@dataclass(frozen=True, slots=True)
class Effects:
    """Of a whole change, by name."""

    drains: tuple[Drain, ...]
    warmings: tuple[Warming, ...]


def effects(api: EnvoyApi, changes: Iterable[Change]) -> Effects:
    """What Envoys do that have the one side and are sent the other."""
    found = sorted(changes, key=_name)
    drains = (drain_of(api, *change) for change in found if _is(LISTENER, change))
    warmings = (
        Warming(after.name, before is not None) for before, after in found if after and after.type_url == CLUSTER
    )
    return Effects(tuple(each for each in drains if each is not None), tuple(warmings))


def drain_of(api: EnvoyApi, before: Resource | None, after: Resource | None) -> Drain | None:
    """What becomes of the connections of a listener; None: they all stay, or there were none."""
    if before is None:
        return None
    if after is None:
        return Drain(before.name, True, (), "it is removed")
    old, new = api.parse(LISTENER, before.body), api.parse(LISTENER, after.body)
    differing = tuple(_differing(old, new))
    elsewhere = [name for name in differing if name not in _IN_PLACE]
    if elsewhere or not _has_chains(old) or not _has_chains(new):
        changed = ", ".join(elsewhere or differing)
        return Drain(before.name, True, (), f"{changed} changed") if differing else None
    chains = tuple(_drained(old, new))
    return Drain(before.name, False, chains, "changed or removed") if chains else None


def _name(change: Change) -> str:
    return next((side.name for side in change if side is not None), "")


def _is(type_url: str, change: Change) -> bool:
    return any(side is not None and side.type_url == type_url for side in change)


def _has_chains(listener: Any) -> bool:
    """Without chains there is nothing to go on with: listeners of UDP are always made anew."""
    return len(listener.filter_chains) > 0


def _differing(old: Any, new: Any) -> Iterator[str]:
    """The fields that differ; Envoy compares lists without regard to their order here."""
    for field in old.DESCRIPTOR.fields:
        if _compared(field, old) != _compared(field, new):
            yield field.name


def _compared(field: Any, message: Any) -> Sequence[Any]:
    value = getattr(message, field.name)
    if field.is_repeated:
        return sorted(_comparable(each) for each in value)
    if field.has_presence and not message.HasField(field.name):
        return ()
    return (_comparable(value),)


def _comparable(value: Any) -> Any:
    return value.SerializeToString(deterministic=True) if hasattr(value, "SerializeToString") else value


def _drained(old: Any, new: Any) -> Iterator[str]:
    """The names of the chains that are no more as they were; a chain without a name by its number."""
    kept = {_comparable(chain) for chain in new.filter_chains}
    for number, chain in enumerate(old.filter_chains):
        if _comparable(chain) not in kept:
            yield chain.name or f"#{number}"
    if old.HasField("default_filter_chain"):
        same = new.HasField("default_filter_chain") and old.default_filter_chain == new.default_filter_chain
        if not same:
            yield DEFAULT_CHAIN
