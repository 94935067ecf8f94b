"""What an operator lays over the bootstrap that the agent makes: statistics sinks, runtime, an overload manager. Pure.

Laid over as Envoy merges messages: objects field by field, lists one after the other, anything else replaced. What the
agent lives by is not for an overlay: who the node is, where its configuration comes from, its admin interface.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.errors import InvalidConfig
from xds.bootstrap import CLUSTER_NAME

_SETTLED = {
    ("node", "id"): "--node says who this gateway is",
    ("node", "cluster"): "--group says which group it is in",
    ("dynamic_resources",): "Envoy takes its configuration from the agent",
    ("admin", "address"): "envoy.admin says where Envoy's admin interface is",
}
_DEPTH_LIMIT = 64


def laid_over(bootstrap: Mapping[str, Any], overlay: object, source: str) -> dict[str, Any]:
    """`bootstrap` with `overlay`, which is from the file `source`. Raises InvalidConfig."""
    if overlay is None:
        return dict(bootstrap)
    if not isinstance(overlay, dict):
        raise InvalidConfig(f"{source} is no bootstrap: it must be an object at its top, such as stats_sinks: […]")
    wrong = [*_settled(overlay), *_clusters(overlay)]
    if wrong:
        raise InvalidConfig(f"{source} lays over what the agent lives by: {'; '.join(wrong)}. Take that out of it")
    return _merged(bootstrap, overlay, source, 1)


def _settled(overlay: Mapping[str, Any]) -> list[str]:
    return [f"{'.'.join(path)} ({why})" for path, why in _SETTLED.items() if _has(overlay, path)]


def _has(overlay: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """In either spelling of the field names: Envoy takes both."""
    for known in (path, tuple(_camel(name) for name in path)):
        here: object = overlay
        for name in known:
            here = here.get(name) if isinstance(here, dict) else None
        if here is not None:
            return True
    return False


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def _clusters(overlay: Mapping[str, Any]) -> list[str]:
    static = overlay.get("static_resources", overlay.get("staticResources"))
    clusters = static.get("clusters") if isinstance(static, dict) else None
    named = [each.get("name") for each in clusters if isinstance(each, dict)] if isinstance(clusters, list) else []
    return [f"static_resources.clusters has {CLUSTER_NAME} (that is the agent's)"] if CLUSTER_NAME in named else []


def _merged(below: Mapping[str, Any], above: Mapping[str, Any], source: str, depth: int) -> dict[str, Any]:
    if depth > _DEPTH_LIMIT:
        raise InvalidConfig(f"{source} is nested more than {_DEPTH_LIMIT} deep")
    merged = dict(below)
    for written, value in above.items():
        # One spelling: Envoy refuses a field that is there twice.
        name = _snake(str(written)) if _snake(str(written)) in below else written
        there = below.get(name)
        if isinstance(there, dict) and isinstance(value, dict):
            merged[name] = _merged(there, value, source, depth + 1)
        elif isinstance(there, list) and isinstance(value, list):
            merged[name] = [*there, *value]
        else:
            merged[name] = value
    return merged


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
