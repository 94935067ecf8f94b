"""What an operator may ask of a node through its agent, and how it ends.  No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class OrderKind(StrEnum):
    LOGS = "logs"
    CONFIG = "config"
    DRAIN = "drain"
    UNDRAIN = "undrain"
    RESTART = "restart"

    @property
    def operation(self) -> str:
        """The word in the agent's `operations.allow` that allows it: who may drain may take it back."""
        return OrderKind.DRAIN.value if self is OrderKind.UNDRAIN else self.value


class OrderStatus(StrEnum):
    DONE = "done"
    DENIED = "denied"
    UNAVAILABLE = "unavailable"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of which node, by whom and why. `lines` of the past and `follow` are for logs."""

    node: str
    kind: OrderKind
    author: str = ""
    reason: str = ""
    lines: int = 0
    follow: bool = False


@dataclass(frozen=True, slots=True)
class OrderEnd:
    """How an order ended, in words for the one who gave it."""

    status: OrderStatus
    message: str = ""
