"""Resources as the command line shows them: a short name of their type, their body in JSON without its secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.cli.messages import plain
from api.cli.sensitive import Mask, Redactor, hidden
from api.errors import InvalidConfig

if TYPE_CHECKING:
    from api.envoy.registry import EnvoyApi
    from api.management.v1 import management_pb2 as pb


def ttl_text(ttl_ms: int) -> str:
    """`30s`, as the annotation has it; empty for what lives for ever."""
    return f"{ttl_ms / 1000:g}s" if ttl_ms else ""


def place_of(origin: pb.Origin) -> str:
    """`routes.yaml:14`; empty when it is not known."""
    return f"{origin.path}:{origin.line}" if origin.path else ""


class Bodies:
    """Turns bytes into Envoy's JSON form. `mask` says what stands where a secret was."""

    def __init__(self, mask: Mask = hidden) -> None:
        from api.envoy.registry import load_default

        self._api: EnvoyApi = load_default()
        self._redactor = Redactor(self._api, mask)

    def body(self, type_url: str, data: bytes) -> dict[str, Any]:
        """What the bytes say; of a type or of bytes that cannot be read, what can be said of them."""
        from api.envoy.json_form import to_json

        try:
            message = self._api.parse(type_url, data)
        except InvalidConfig as error:
            return {"@type": type_url, "unreadable": error.message}
        redacted: dict[str, Any] = self._redactor.redacted(to_json(self._api, message))
        return redacted

    def document(self, resource: pb.Resource) -> dict[str, Any]:
        """One resource for -o json, in the shape of `fairlead render`, and where it was authored."""
        return {
            "type_url": resource.type_url,
            "name": resource.name,
            "version": resource.version,
            **({"ttl": ttl_text(resource.ttl_ms)} if resource.ttl_ms else {}),
            "body": self.body(resource.type_url, resource.body),
            "origin": plain(resource.origin),
        }
