"""Many virtual hosts, spread over route configurations so small that a change of one host sends little. Pure.

A request's scope (Envoy's scoped routes) says which: there is one for each host, and it leads to a slice of the hosts.
The key of a scope is a header that Envoy writes before it looks for routes. What has no scope, a host under a wildcard
or one written in capitals, is looked up again by a filter, which costs such requests a few microseconds and the others
nothing. The header does not reach backends.
docs/decisions/route-slices.md has what was measured, and what was not chosen.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from snapshots.authoring.gateway.envoy import ADS, Messages, Part
from snapshots.authoring.gateway.routing import Form, Routing, ServedHost, other_fields, route_configuration, whole
from xds.protocol.resource import Reference, Resource
from xds.protocol.types import ROUTE, SCOPED_ROUTE
from xds.protocol.wire import field

# The virtual hosts of one connection manager; Envoy takes about 15 ms for a change among so many, 2 ms for a slice.
WHOLE_LIMIT_BYTES = 64 * 1024
# Of one connection manager, whatever its size: a host never changes its slice.
SLICES = 256
SCOPE_HEADER = "x-fairlead-scope"
OTHER_HOSTS_FILTER = "fairlead/other-hosts"
WAY_BACK_FILTER = "fairlead/way-back"

_LUA = "envoy.extensions.filters.http.lua.v3.Lua"
_LUA_PER_ROUTE = "envoy.extensions.filters.http.lua.v3.LuaPerRoute"
_HEADER_MUTATION = "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
_EARLY_HEADER_MUTATION = "envoy.http.early_header_mutation.header_mutation"
_VIRTUAL_HOST = "envoy.config.route.v3.VirtualHost"
_NAME, _ROUTE_NAME, _KEY = b"\x0a", b"\x12", b"\x1a"  # of a ScopedRouteConfiguration
_FRAGMENTS, _STRING_KEY = b"\x0a", b"\x0a"
# Hosts know no case. A virtual host that was found is known by its metadata, for it may have no route for a request.
# `metadata` makes Envoy look for routes anew; what `virtualHost` says it says for good, so a filter can ask once.
_OTHER_HOSTS = """\
function envoy_on_request(handle)
  local headers = handle:headers()
  headers:replace("HEADER", "PREFIX" .. string.lower(headers:get(":authority") or ""))
  handle:metadata()
  for _ in pairs(handle:virtualHost():metadata()) do
    return
  end
  headers:replace("HEADER", "PREFIX*")
end
"""
_WAY_BACK = """\
function envoy_on_request(handle)
  handle:headers():replace("HEADER", "PREFIX(whole)")
end
"""


def form_of(size_bytes: int, exact: int) -> Form:
    """How hosts of that size together are laid out, of which so many are `exact`."""
    if size_bytes > WHOLE_LIMIT_BYTES and exact > 1:
        return Form.SLICES
    # With less than this nobody is expected to come back from slices at one go.
    return Form.WHOLE_WITH_WAY_BACK if size_bytes > WHOLE_LIMIT_BYTES // 16 and exact > 1 else Form.WHOLE


def routing(messages: Messages, name: str, form: Form) -> Routing:
    """How the requests of one connection manager find its hosts."""
    if form != Form.SLICES:
        return whole(name)
    scripts = ((OTHER_HOSTS_FILTER, _OTHER_HOSTS), (WAY_BACK_FILTER, _WAY_BACK))
    return Routing(_fields(messages, name), tuple(_script(messages, each, name, script) for each, script in scripts))


def slice_of(host: str) -> int:
    """Which slice has a host, for ever."""
    return zlib.crc32(host.encode()) % SLICES


def hosts_slice(messages: Messages, name: str, number: int, hosts: Iterable[ServedHost]) -> Resource:
    """The route configuration of one slice. Where a route was found at once no filter looks again."""
    found_at_once = _others(messages, OTHER_HOSTS_FILTER, WAY_BACK_FILTER)
    return route_configuration(f"{name}/hosts/{number}", _marked(messages, hosts), found_at_once)


def scope_of(name: str, host: str) -> Resource:
    """The scope that leads to an exact host."""
    return _scope(name, host, f"{name}/hosts/{slice_of(host)}")


def other_hosts(messages: Messages, name: str, hosts: Iterable[ServedHost]) -> tuple[Resource, ...]:
    """What is no exact host: the scope that leads there, and its route configuration. Under a wildcard a filter looked
    again."""
    rest = route_configuration(f"{name}/hosts/*", _marked(messages, hosts), _others(messages, WAY_BACK_FILTER))
    return (_scope(name, "*", rest.name), rest)


def _others(messages: Messages, *off: str) -> Part:
    """The fields of a route configuration beside its hosts. `off`: filters that are."""
    disabled = {each: messages.packed(_LUA_PER_ROUTE, {"disabled": True}) for each in off}
    return other_fields(messages, request_headers_to_remove=[SCOPE_HEADER], typed_per_filter_config=disabled)


def _fields(messages: Messages, name: str) -> dict[str, Any]:
    """The connection manager's: the header is written, and says which scope a request is in, up to the host's port."""
    value = _prefix(name).replace("%", "%%") + "%REQ(:authority)%"
    append = {"header": {"key": SCOPE_HEADER, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
    early = messages.extension(_EARLY_HEADER_MUTATION, _HEADER_MUTATION, {"mutations": [{"append": append}]})
    extractor = {"name": SCOPE_HEADER, "element_separator": ":", "index": 0}
    return {
        "scoped_routes": {
            "name": name,
            "scope_key_builder": {"fragments": [{"header_value_extractor": extractor}]},
            "rds_config_source": ADS,
            "scoped_rds": {"scoped_rds_config_source": ADS},
        },
        "early_header_mutation_extensions": [early],
    }


def _script(messages: Messages, filter_name: str, name: str, script: str) -> dict[str, Any]:
    """A filter that puts requests into another scope."""
    text = script.replace("HEADER", SCOPE_HEADER).replace("PREFIX", _prefix(name))
    return messages.extension(filter_name, _LUA, {"default_source_code": {"inline_string": text}})


def _prefix(name: str) -> str:
    """What a key begins with: all connection managers of an Envoy have their scopes in common. A `:` ends the key."""
    return f"{name.replace(':', '_')}/"


def _scope(name: str, host: str, route: str) -> Resource:
    """A ScopedRouteConfiguration, written by hand, for there are as many as hosts:
    `name, route_configuration_name, key { fragments { string_key } }`."""
    own = f"{name}/{host}"
    key = field(_FRAGMENTS, field(_STRING_KEY, f"{_prefix(name)}{host}".encode()))
    body = field(_NAME, own.encode()) + field(_ROUTE_NAME, route.encode()) + field(_KEY, key)
    return Resource.of(SCOPED_ROUTE, own, body, (Reference(ROUTE, route),))


def way_back(name: str) -> Resource:
    """For connections that were opened while there were slices, and are kept while Envoy drains their listener: their
    scopes go, and the filter looks here."""
    return _scope(name, "(whole)", name)


def _marked(messages: Messages, hosts: Iterable[ServedHost]) -> Iterator[ServedHost]:
    """With the metadata that the filter looks for, the last of their fields."""
    known = {"filter_metadata": {OTHER_HOSTS_FILTER: {"fields": {"known": {"bool_value": True}}}}}
    mark = messages.part(_VIRTUAL_HOST, {"metadata": known}).body
    return (ServedHost(each.name, Part(each.part.body + mark, each.part.references)) for each in hosts)
