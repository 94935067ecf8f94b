"""The same bytes for the same message, on every replica and after every restart.

Protobuf sorts map entries on request, but only in the message that it writes: a message inside an `Any` is bytes to
it, in whatever order their writer had. Those are read and written anew here, at every level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message

from api.envoy.messages import ANY, child_fields, children
from api.envoy.problem import DEPTH_LIMIT

if TYPE_CHECKING:
    from api.envoy.registry import EnvoyApi


def serialize(api: EnvoyApi, message: Message) -> bytes:
    """`message` in its canonical bytes. `message` is not changed.

    An Any of a type that `api` does not know, or whose bytes are broken, is kept as it is: whether it may be served is
    a question for the checks.
    """
    copy = type(message)()
    copy.CopyFrom(message)
    _settle(api, copy, 1)
    return copy.SerializeToString(deterministic=True)


def _settle(api: EnvoyApi, message: Any, depth: int) -> None:
    """Put every Any inside `message`, the innermost first, into its canonical bytes."""
    if depth > DEPTH_LIMIT:
        return
    for _, child in children(api, message, child_fields(message.DESCRIPTOR)):
        _settle(api, child, depth + 1)
        if message.DESCRIPTOR.full_name == ANY:
            message.value = child.SerializeToString(deterministic=True)
