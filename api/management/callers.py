"""Who calls: what a certificate proves, or else where the call comes from. For counting, not for allowing."""

from __future__ import annotations

from typing import Any


def caller_of(context: Any) -> str:
    """The identities of the client's certificate, or its address without the port, which differs from call to call."""
    identities = context.peer_identities()
    if identities:
        return " ".join(sorted(identity.decode("utf-8", "replace") for identity in identities))
    return str(context.peer()).rpartition(":")[0]
