"""Reads `validate.rules` (protoc-gen-validate) and its kin out of the options of descriptors.

A descriptor hands out its options as messages of protobuf's default pool, which does not know `validate`: there the
rules are unknown bytes. They are read once more with the private pool's own options, which do know them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, OneofDescriptor

if TYPE_CHECKING:
    from api.envoy.registry import EnvoyApi


class RuleOptions:
    """The rules of messages, fields and oneofs, as messages of `validate.proto` in the private pool."""

    def __init__(self, api: EnvoyApi) -> None:
        find = api.pool.FindExtensionByName
        self._field_options = api.message_class("google.protobuf.FieldOptions")
        self._oneof_options = api.message_class("google.protobuf.OneofOptions")
        self._message_options = api.message_class("google.protobuf.MessageOptions")
        self._rules, self._required = find("validate.rules"), find("validate.required")
        self._disabled, self._ignored = find("validate.disabled"), find("validate.ignored")

    def of_field(self, field: FieldDescriptor) -> Any | None:
        """`validate.FieldRules` of `field`, or None when it has none."""
        options: Any = self._field_options.FromString(field.GetOptions().SerializeToString())
        return options.Extensions[self._rules] if options.HasExtension(self._rules) else None

    def requires_one_of(self, oneof: OneofDescriptor) -> bool:
        """Whether one of the fields of `oneof` has to be set."""
        options: Any = self._oneof_options.FromString(oneof.GetOptions().SerializeToString())
        return bool(options.Extensions[self._required])

    def exempts(self, message: Descriptor) -> bool:
        """Whether `message` and all in it is not to be checked."""
        options: Any = self._message_options.FromString(message.GetOptions().SerializeToString())
        return bool(options.Extensions[self._disabled] or options.Extensions[self._ignored])
