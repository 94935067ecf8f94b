"""What Envoy is started with next, and whether the next may take over from the one that runs.

It writes the bootstrap file, and remembers what was there before: a successor that does not come up leaves no trace.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from agents.node.envoy import hot_restart
from agents.node.envoy.bootstrap_file import write_bootstrap
from agents.node.envoy.family import Family
from agents.node.envoy.keeping import EnvoyStays
from agents.node.envoy.life import Life
from agents.node.envoy.looking import Looking
from agents.node.envoy.wanting import Wish, objection
from api.errors import InvalidConfig

_ADVICE = "It goes on as it is. A restart is possible once it is drained (`fairlead node NAME drain`)"


@dataclass(slots=True)
class Succession:
    """`wish` is None while no program to run has been found."""

    life: Life
    family: Family
    looking: Looking
    wish: Wish | None = None
    _before: Wish | None = None

    def settle_on(self, coming: Wish) -> None:
        """From now on a start is with this. Raises InvalidConfig where the bootstrap cannot be written."""
        write_bootstrap(coming.content, self.family.call.bootstrap)
        if self.wish is None or self.wish.wanted != coming.wanted:
            self._before = self.wish
        self.wish = coming

    def settle_back(self) -> None:
        """The one that was to take over did not: what is started next is what is known to start."""
        if self._before is not None:
            with suppress(InvalidConfig):
                self.settle_on(self._before)

    async def check(self, coming: Wish) -> None:
        """Raises EnvoyStays, saying why no other can take over."""
        running = await self.looking.running_version()
        version = await asyncio.to_thread(lambda: coming.wanted.program.hot_restart_version)
        current = self.life.current
        if current is None:
            raise EnvoyStays("Envoy has just ended; it is started again by itself")
        base_id = self.family.base_id_known(current).epoch.base_id
        if why := hot_restart.obstacle(base_id, running, version):
            raise EnvoyStays(f"no other Envoy can take over from the one that runs: {why}. {_ADVICE}")
        if why := await objection(self.family.call, coming):
            raise EnvoyStays(f"the Envoy that would take over does not start: {why}. The one that runs goes on")
