"""Endpoints as people write them: `10.0.0.7:8080,weight=2,zone=fra-1` on the command line, or a list in a file.

Whether an endpoint can be one is for the server to say; here only what cannot be read is refused.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from api.errors import Finding, InvalidConfig

if TYPE_CHECKING:
    from api.management.v1 import management_pb2 as pb

_TEXTS: Final = ("region", "zone", "sub_zone")
_NUMBERS: Final = ("weight", "priority")
FIELDS: Final = (*_NUMBERS, *_TEXTS, "health")
HEALTHS: Final = ("healthy", "unhealthy", "draining", "degraded")
_HIGHEST: Final = 2**32 - 1
_FILE_LIMIT_BYTES: Final = 16 * 1024 * 1024


def endpoints_from(texts: Sequence[str]) -> list[pb.Endpoint]:
    """Raises typer.BadParameter (exit 2) for what is no endpoint."""
    return [_endpoint(text) for text in texts]


def places_from(texts: Sequence[str]) -> list[pb.EndpointPlace]:
    """Raises typer.BadParameter (exit 2) for what is no address and port."""
    from api.management.v1 import management_pb2 as pb

    return [pb.EndpointPlace(address=address, port=port) for address, port in map(_place, texts)]


def endpoints_in_file(path: str) -> list[pb.Endpoint]:
    """The endpoints in a YAML or JSON file; `-` is standard input. Raises InvalidConfig, naming the place."""
    name, text = ("standard input", sys.stdin.read()) if path == "-" else (path, _read(path))
    return [_from_mapping(name, place, item) for place, item in _items(name, text)]


def shown(endpoint: pb.Endpoint | pb.EndpointPlace) -> str:
    """`10.0.0.7:8080`, `[2001:db8::1]:80`; the name alone of what has no port."""
    address = f"[{endpoint.address}]" if ":" in endpoint.address and endpoint.port else endpoint.address
    return f"{address}:{endpoint.port}" if endpoint.port else address


def _endpoint(text: str) -> pb.Endpoint:
    from api.management.v1 import management_pb2 as pb

    where, *settings = text.split(",")
    address, port = _place(where)
    given: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        field = key.strip().replace("-", "_")
        if field not in FIELDS or not equals:
            raise typer.BadParameter(f"{setting!r} of {text!r} is none of {', '.join(f'{name}=…' for name in FIELDS)}")
        given[field] = _value(field, value.strip(), text)
    return pb.Endpoint(address=address, port=port, **given)


def _place(text: str) -> tuple[str, int]:
    address, colon, port = text.strip().rpartition(":")
    if not colon or not address or not port.isascii() or not port.isdigit() or int(port) > _HIGHEST:
        raise typer.BadParameter(f"{text!r} is no ADDRESS:PORT, such as 10.0.0.7:8080 or [2001:db8::1]:8080")
    if address.startswith("[") and address.endswith("]"):
        return address[1:-1], int(port)
    if ":" in address:
        raise typer.BadParameter(f"{text!r}: write an IPv6 address in brackets, [2001:db8::1]:8080")
    return address, int(port)


def _value(field: str, value: str, text: str) -> Any:
    """Raises typer.BadParameter."""
    if field in _NUMBERS:
        if not value.isascii() or not value.isdigit() or int(value) > _HIGHEST:
            raise typer.BadParameter(f"{field} of {text!r} is no number")
        return int(value)
    if field == "health":
        if value.lower() not in HEALTHS:
            raise typer.BadParameter(f"health of {text!r} is none of {', '.join(HEALTHS)}")
        return _health(value)
    return value


def _health(word: str) -> int:
    from api.management.v1 import management_pb2 as pb

    return pb.Endpoint.Health.Value(word.upper())


def _read(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            content = file.read(_FILE_LIMIT_BYTES + 1)
    except OSError as error:
        raise InvalidConfig(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > _FILE_LIMIT_BYTES:
        raise InvalidConfig(f"{path} is larger than {_FILE_LIMIT_BYTES} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidConfig(f"{path} is not UTF-8") from error


def _items(name: str, text: str) -> Iterator[tuple[str, Any]]:
    """Each endpoint with its place, `file:line`. A list, or a mapping that has one under `endpoints`."""
    from snapshots.authoring.source import Source
    from snapshots.authoring.yaml_nodes import Listing, Mapping, to_data
    from snapshots.authoring.yaml_tree import read_yaml

    file = read_yaml(text)
    if file.mistakes:
        findings: tuple[Finding, ...] = tuple(map(Source(name, text).finding, file.mistakes))
        raise InvalidConfig(f"{name} is no list of endpoints", findings=findings)
    root = file.documents[0] if len(file.documents) == 1 else None
    if isinstance(root, Mapping) and "endpoints" in root.entries:
        root = root.entries["endpoints"].node
    if not isinstance(root, Listing):
        raise InvalidConfig(f"{name} is no list of endpoints; write - {{address: 10.0.0.7, port: 8080}} for each")
    for node in root.nodes:
        yield f"{name}:{node.place.line}", to_data(node)


def _from_mapping(name: str, place: str, item: Any) -> pb.Endpoint:
    from api.management.v1 import management_pb2 as pb

    if not isinstance(item, Mapping):
        raise InvalidConfig(f"{place}: an endpoint is a mapping with address and port")
    unknown = [key for key in item if key not in ("address", "port", *FIELDS)]
    if unknown:
        raise InvalidConfig(f"{place}: unknown field {unknown[0]!r}; there are address, port, {', '.join(FIELDS)}")
    given = {key: _typed(place, key, value) for key, value in item.items()}
    missing = [key for key in ("address", "port") if key not in given]
    if missing:
        raise InvalidConfig(f"{place}: {missing[0]} is missing")
    return pb.Endpoint(**given)


def _typed(place: str, key: str, value: Any) -> Any:
    if key in ("port", *_NUMBERS):
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _HIGHEST:
            raise InvalidConfig(f"{place}: {key} must be a whole number")
        return value
    if not isinstance(value, str):
        raise InvalidConfig(f"{place}: {key} must be text")
    if key == "health":
        if value.lower() not in HEALTHS:
            raise InvalidConfig(f"{place}: health is none of {', '.join(HEALTHS)}")
        return _health(value)
    return value
