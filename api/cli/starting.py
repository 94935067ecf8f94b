"""The documents that `fairlead init` writes: one gateway, one service, and the schema that editors check them by."""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass

from api.errors import InvalidConfig

DEFAULT_BACKEND = ("127.0.0.1", 9000)
SCHEMA_FILE = ".fairlead.schema.json"
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_ADDRESS = re.compile(r"\d+(\.\d+){3}")
# What editors with a YAML language server look for at the start of a file.
_HEADER = "# yaml-language-server: $schema={schema}\n"

_WORKSPACE = """\
# Whose documents these are, and which gateways are served them: in development those with `node.cluster: {group}`.
apiVersion: fairlead.dev/v1
kind: Workspace
metadata: {{name: {quoted_name}}}
spec:
  group: {quoted_group}
"""
_GATEWAY = """\
# Where requests are taken. Without `addresses` it would be all addresses of the machine.
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: edge}}
spec:
  gatewayClassName: fairlead
  addresses:
  - value: {address}
  listeners:
  - name: http
    port: {port}
    protocol: HTTP
"""
_ROUTES = """\
# Which requests go where: `fairlead explain HTTPRoute.spec.rules` says what else a rule can do.
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {quoted_name}}}
spec:
  parentRefs:
  - name: edge
{hostnames}\
  rules:
  - backendRefs:
    - {{group: fairlead.dev, kind: Backend, name: {quoted_name}}}
    timeouts: {{request: 15s}}
"""
_BACKENDS = """\
# Where the service is. More endpoints share the requests; `fairlead explain Backend.spec` says how.
apiVersion: fairlead.dev/v1
kind: Backend
metadata: {{name: {quoted_name}}}
spec:
{where}\
"""


@dataclass(frozen=True, slots=True)
class Start:
    """What a person may choose. `backend` and its port are where the service is; `hostname` empty: all hosts."""

    name: str
    group: str = "edge"
    address: str = "127.0.0.1"
    port: int = 10080
    backend: tuple[str, int] = DEFAULT_BACKEND
    hostname: str = ""


def starting_files(start: Start, schema: str = SCHEMA_FILE) -> dict[str, bytes]:
    """The files, by name, the schema among them; `schema` is where the others look for it."""
    from api.envoy.registry import load_default
    from snapshots.authoring.kinds.editor_schema import documents_schema

    words = {"group": start.group, "address": _quoted(start.address), "port": start.port}
    words |= {"quoted_name": _quoted(start.name), "quoted_group": _quoted(start.group)}
    hostnames = f'  hostnames:\n  - "{start.hostname}"\n' if start.hostname else ""
    texts = {
        "fairlead.yaml": _WORKSPACE.format(**words),
        "gateway.yaml": _GATEWAY.format(**words),
        "routes.yaml": _ROUTES.format(**words, hostnames=hostnames),
        "backends.yaml": _BACKENDS.format(**words, where=_where(*start.backend)),
    }
    header = _HEADER.format(schema=schema)
    content = json.dumps(documents_schema(load_default()), separators=(",", ":")) + "\n"
    return {**{name: (header + text).encode() for name, text in texts.items()}, SCHEMA_FILE: content.encode()}


def _where(host: str, port: int) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return f"  hostname: {_quoted(host)}\n  port: {port}\n"
    return f"  endpoints:\n  - address: {_quoted(host)}\n    port: {port}\n"


def _quoted(text: str) -> str:
    """A text as YAML has it: in quotes where some reader could take it for something else (`no`, `010`, `::1`)."""
    is_plain = text[:1].isalpha() and text not in _WORDS and ":" not in text
    return text if is_plain or _ADDRESS.fullmatch(text) else f'"{text}"'


def workspace_name(directory_name: str) -> str:
    """The name of a directory as that of a workspace; `shop` where nothing is left of it."""
    return re.sub(r"[^a-z0-9]+", "-", directory_name.lower()).strip("-")[:63].strip("-") or "shop"


def host_and_port(text: str) -> tuple[str, int]:
    """`carts.internal:8080`, `10.0.0.7:8080`, `[::1]:8080`. Raises InvalidConfig with the form that is wanted."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535 or not _is_host(host):
        raise InvalidConfig(f"{text!r} is not where a service could be; write 10.0.0.7:8080 or carts.internal:8080")
    return host, int(port)


def _is_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return is_hostname(text) and not re.fullmatch(r"[0-9.]+", text)
    return True


def is_hostname(text: str) -> bool:
    """A name in lower case; a first label `*` is none here."""
    label = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    return len(text) <= 253 and re.fullmatch(rf"{label}(\.{label})*", text) is not None
