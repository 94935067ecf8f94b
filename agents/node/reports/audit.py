"""The record of orders at the node: who asked for what, why, and how it ended. One JSON object a line, appended only.

Two files of bounded size: when one is full it becomes the older one, and the one before that goes. The server has a
record of its own; this one is for whoever looks after the machine.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.nodes.orders import Order
from api.telemetry import logs

LIMIT_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Audit:
    """`file` is made when there is something to say. What cannot be written is logged: an order to a gateway whose disk
    is full may be what mends it."""

    file: Path
    limit_bytes: int = LIMIT_BYTES
    now: Callable[[], float] = time.time

    @property
    def older(self) -> Path:
        return self.file.with_name(f"{self.file.name}.1")

    def write(self, order: Order, outcome: str, words: str = "") -> None:
        """A line. Blocks, for about as long as a disk takes to have it."""
        told = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.now())),
            "order": order.kind.value,
            "node": order.node,
            "author": order.author,
            "reason": order.reason,
            "outcome": outcome,
            "message": words,
        }
        line = json.dumps(told, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        try:
            self._append(line)
        except OSError as error:
            logs.logger("audit").error("the record of an order cannot be written", why=str(error), **told)

    def _append(self, line: bytes) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        if self.file.exists() and self.file.stat().st_size + len(line) > self.limit_bytes:
            os.replace(self.file, self.older)
        descriptor = os.open(self.file, flags, 0o600)
        try:
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
