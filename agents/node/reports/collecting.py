"""Asks Envoy's admin interface and the other parts of the agent, as the schedule says, and keeps the newest report.

An Envoy that does not answer leaves its part of the report unknown: what it said before is not said again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from agents.node.envoy.admin import Admin, AdminError
from agents.node.envoy.facts import EnvoyFacts
from agents.node.reports import statistics
from agents.node.reports.instances import Instances
from agents.node.reports.running import NOTHING_THERE, PAGES, Found, Page, compared, found_on, together
from agents.node.reports.schedule import Schedule
from agents.node.reports.sources import Sources
from api.nodes.report import Envoy, NodeReport, Running, RunningType, Statistics
from api.telemetry import logs
from xds.protocol.types import TypeUrl

DEADLINE_S: Final = 5.0
DUMP_DEADLINE_S: Final = 20.0


@dataclass(slots=True)
class Collector:
    """`report` is what is known now. `clock` does not go back; `now` is Unix time."""

    sources: Sources
    schedule: Schedule
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    report: NodeReport = field(init=False)
    _instances: Instances = field(default_factory=Instances)
    _live: bool | None = None

    def __post_init__(self) -> None:
        self.report = NodeReport(self.sources.node, self.sources.group, agent=self.sources.agent)

    async def collect(self) -> NodeReport:
        """Look at what is due, and give the report with it."""
        keeper = self.sources.keeper()
        facts = keeper.facts if keeper is not None else None
        if keeper is not None and facts is not None:
            self.schedule.saw((self.sources.content(), facts.pid, facts.epoch, facts.ready), self.clock())
            if self.schedule.statistics_due(self.clock()):
                await self._ask_statistics(keeper.admin, facts)
            if self._live and self.schedule.dump_due(self.clock()):
                await self._look(keeper.admin)
        self.report = self.report.after(
            NodeReport(
                self.sources.node,
                agent=replace(self.sources.agent, passed_by=self.sources.passed_by()),
                envoy=self._envoy(facts) if facts is not None else None,
                generations=self.sources.generations(),
                standing=self.sources.standing(),
            )
        )
        return self.report

    def next_s(self) -> float:
        """How long there will be nothing to look at."""
        return self.schedule.next_s(self.clock())

    async def _ask_statistics(self, admin: Admin, facts: EnvoyFacts) -> None:
        began_s = self.clock()
        try:
            page = await admin.get(statistics.PAGE, deadline_s=DEADLINE_S)
            self._instances.see((facts.pid, facts.epoch), statistics.uptime_s(page), self.now())
            told, self._live = statistics.statistics_of(page, self._instances.instance), True
        except AdminError:
            told, self._live = Statistics(), False
        self.schedule.asked(self.clock(), self.clock() - began_s if self._live else 0.0)
        self.report = self.report.after(NodeReport(self.sources.node, statistics=told))
        if not self._live:
            self.report = self.report.after(NodeReport(self.sources.node, running=Running()))

    async def _look(self, admin: Admin) -> None:
        """What Envoy runs. Other things go on in between the pages, so that no answer waits for all of them."""
        began_s = self.clock()
        found: dict[TypeUrl, Found] = {}
        try:
            async with asyncio.timeout(DUMP_DEADLINE_S):
                for page in PAGES:
                    one = await self._on(admin, page)
                    found[page.type_url] = together(found.get(page.type_url, Found({})), one)
                    await asyncio.sleep(0)
            types = tuple(self._compared(found))
            differs = any(each.differing for each in types)
            self.schedule.looked(self.clock(), self.clock() - began_s, differs=differs)
        except (AdminError, ValueError, TimeoutError) as error:
            logs.logger("reports").info("what Envoy runs cannot be told", reason=str(error))
            self.schedule.looked(self.clock(), 0.0, differs=True)
            types = ()
        looked_s = int(self.now()) if types else None
        before = self.report.running
        if before is not None and before.types == types and types:
            return  # when that was seen once more is no news
        self.report = self.report.after(NodeReport(self.sources.node, running=Running(types, looked_s)))

    async def _on(self, admin: Admin, page: Page) -> Found:
        try:
            return found_on(page, await admin.get(page.path, deadline_s=DUMP_DEADLINE_S))
        except AdminError as error:
            if error.http_status == NOTHING_THERE:
                return Found({})
            raise

    def _compared(self, found: dict[TypeUrl, Found]) -> list[RunningType]:
        """Each type that Envoy runs anything of, or that is held; of those that it does not tell, what is held."""
        types = sorted({*(url for url, one in found.items() if one.versions or one.warming), *self.sources.types()})
        return [self._type(url, found.get(url)) for url in types]

    def _type(self, type_url: TypeUrl, found: Found | None) -> RunningType:
        held = self.sources.held(type_url)
        if found is None:
            return RunningType(type_url, held=len(held) if held is not None else None)
        versions = {name: resource.version for name, resource in held.items()} if held is not None else None
        return compared(type_url, found, versions)

    def _envoy(self, facts: EnvoyFacts) -> Envoy:
        return Envoy(
            version=facts.version,
            live=self._live,
            ready=facts.ready,
            state="held" if facts.held else facts.phase.value,
            instance=self._instances.instance,
            epoch=facts.epoch,
            started_s=self._instances.started_s,
            restarts=facts.restarts,
            last_exit=facts.last_exit,
            last_exit_s=int(facts.last_exit_s) or None,
        )
