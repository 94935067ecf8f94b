"""Which message a piece of Envoy's JSON is: so that a patch may write `connectTimeout` for `connect_timeout`. Pure.

What is below a Struct, a Duration or a wrapper is nobody's message, and its keys are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from api.envoy.messages import ANY, is_map
from api.envoy.registry import EnvoyApi

_WELL_KNOWN = "google.protobuf."


@dataclass(frozen=True, slots=True)
class Shape:
    """What stands somewhere. `message` is None for what is no message; `is_list`, `is_map`: several of it."""

    api: EnvoyApi
    message: Descriptor | None = None
    is_list: bool = False
    is_map: bool = False

    def opened(self, data: Any) -> Shape:
        """With an Any, what `data` says that it holds."""
        type_url = data.get("@type") if isinstance(data, Mapping) and not self.is_map else None
        if not isinstance(type_url, str) or not self.api.knows(type_url):
            return self
        descriptor: Any = self.api.message_class(type_url.rpartition("/")[2]).DESCRIPTOR
        return replace(self, message=descriptor)

    def field(self, key: str) -> FieldDescriptor | None:
        """The field that is called so, in one of both forms."""
        if self.message is None or self.is_list or self.is_map:
            return None
        return self.message.fields_by_name.get(key) or self.message.fields_by_camelcase_name.get(key)

    def name(self, key: str) -> str:
        """The key as the canonical form has it."""
        field = self.field(key)
        return field.name if field is not None else key

    def below(self, key: str | int) -> Shape:
        """What stands under a key, or an index."""
        if self.is_list or self.is_map:
            return replace(self, is_list=False, is_map=False)
        field = self.field(str(key))
        if field is None:
            return Shape(self.api)
        if is_map(field):
            entry: Any = field.message_type
            return Shape(self.api, _message(entry.fields_by_name["value"]), is_map=True)
        return Shape(self.api, _message(field), is_list=field.is_repeated)

    def empty(self) -> list[Any] | dict[str, Any] | None:
        """A list or map that nobody has set is there, and empty; None for what is neither."""
        return [] if self.is_list else {} if self.is_map else None


def canonical(shape: Shape, data: Any, base: Any = None) -> Any:
    """`data` with the names of fields as the canonical form has them. `base`: what it is merged into, whose types
    count where `data` does not say its own."""
    if isinstance(data, list):
        item = shape.below(0) if shape.is_list else Shape(shape.api)
        return [canonical(item, each) for each in data]
    if not isinstance(data, dict):
        return data
    known = shape.opened(data) if "@type" in data else shape.opened(base)
    held = base if isinstance(base, Mapping) else {}
    # Of a field written in both forms, both are kept: the reader says what is wrong with that.
    taken = [known.name(key) for key in data]
    names = {key: key if taken.count(name) > 1 else name for key, name in zip(data, taken, strict=True)}
    return {names[key]: canonical(known.below(key), value, held.get(names[key])) for key, value in data.items()}


def _message(field: FieldDescriptor) -> Descriptor | None:
    kind = field.message_type
    if kind is None or (kind.full_name.startswith(_WELL_KNOWN) and kind.full_name != ANY):
        return None
    return kind
