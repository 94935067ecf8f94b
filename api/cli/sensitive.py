"""Takes secrets out of what is printed: fields that Envoy's API marks sensitive, in a message's JSON form.

Also inside nested `Any`s. Which fields these are is `api.envoy.sensitive`'s affair.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from api.envoy.registry import EnvoyApi
    from api.envoy.sensitive import Descriptor, FieldDescriptor

Mask = Callable[[Any], str]


def hidden(_value: Any) -> str:
    """The mask for one state: nothing of the value."""
    return "(sensitive)"


def fingerprints() -> Mask:
    """The mask for two states side by side: equal values look equal, by a key that no other run has."""
    key = secrets.token_bytes(16)

    def mask(value: Any) -> str:
        text = json.dumps(value, sort_keys=True).encode()
        return f"(sensitive, {hmac.new(key, text, hashlib.sha256).hexdigest()[:8]})"

    return mask


class Redactor:
    """Replaces sensitive fields by their mask. Remembers which fields of a type are sensitive."""

    def __init__(self, api: EnvoyApi, mask: Mask = hidden) -> None:
        self._api = api
        self.mask = mask
        self._sensitive: dict[str, frozenset[str]] = {}

    def redacted(self, body: Any) -> Any:
        """`body` is an object in Envoy's JSON form with its `@type`, or anything else, which stays as it is."""
        type_url = body.get("@type") if isinstance(body, dict) else None
        if not isinstance(type_url, str) or not self._api.knows(type_url):
            return body
        return self._object(body, self._api.message_class(type_url.rpartition("/")[2]).DESCRIPTOR)

    def _object(self, data: dict[str, Any], descriptor: Descriptor) -> dict[str, Any]:
        sensitive = self._sensitive_fields(descriptor)
        return {
            key: self.mask(value) if key in sensitive else self._value(value, _field(descriptor, key))
            for key, value in data.items()
        }

    def _value(self, value: Any, field: FieldDescriptor | None) -> Any:
        kind = field.message_type if field is not None else None
        if kind is None:
            return value
        if isinstance(value, list):
            return [self._value(item, field) for item in value]
        if not isinstance(value, dict):
            return value
        if kind.GetOptions().map_entry:
            entry = kind.fields_by_name["value"]
            return {key: self._value(item, entry) for key, item in value.items()}
        return self.redacted(value) if "@type" in value else self._object(value, kind)

    def _sensitive_fields(self, descriptor: Descriptor) -> frozenset[str]:
        from api.envoy.sensitive import sensitive_fields

        found = self._sensitive.get(descriptor.full_name)
        if found is None:
            secret = sensitive_fields(descriptor)
            found = frozenset(name for field in secret for name in (field.name, field.json_name))
            self._sensitive[descriptor.full_name] = found
        return found


def _field(descriptor: Descriptor, key: str) -> FieldDescriptor | None:
    """The field that a key means: authored documents may have lowerCamelCase ones."""
    return descriptor.fields_by_name.get(key) or descriptor.fields_by_camelcase_name.get(key)
