"""A relay's parts together: its listener, and whether that says that it is ready."""

from __future__ import annotations

import asyncio
from typing import NoReturn

from agents.node.relay.downstream import Downstream
from agents.node.reports.below import ServedBelow
from xds.fleet import Fleet
from xds.transport.server import XdsServer


class Relay:
    """`start`, then `run` for as long as the agent lives; at the end `stop`."""

    def __init__(self, server: XdsServer, downstream: Downstream) -> None:
        self.server = server
        self.downstream = downstream
        self._changed = asyncio.Event()
        downstream.on_ready = self._changed.set
        downstream.serve_on(server)

    def below(self, local: Fleet) -> ServedBelow:
        """What there is to report. `local`: who takes from this agent on its own host."""
        return ServedBelow(self.downstream.own, self.server.fleet, self.server.orders, local)

    async def start(self) -> None:
        """Listen. Raises InvalidConfig when the address cannot be had."""
        await self.server.start()

    async def run(self) -> NoReturn:
        """Say by the health of the listener whether agents should come here, until cancelled."""
        while True:
            await self.server.set_ready(self.downstream.is_ready)
            await self._changed.wait()
            self._changed.clear()

    async def stop(self, grace_s: float) -> None:
        """Send the agents elsewhere."""
        await self.server.drain(grace_s)
