"""The agent's own metrics: what its parts know anyway, read when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agents.node.envoy.keeping import EnvoyKeeper
from agents.node.last_good import LastGood
from agents.node.local.content import Source
from agents.node.local.passage import Passage
from api.telemetry.exposition import exposition
from api.telemetry.metrics import Instrument, Measured

READY = Instrument("fairlead.agent.ready", "gauge", "1", "1 while this gateway should get traffic")
CONNECTED = Instrument("fairlead.agent.upstream.connected", "gauge", "1", "1 while an upstream is followed")
REVISION = Instrument("fairlead.agent.revision", "gauge", "1", "the revision that Envoy is served")
FLOOR = Instrument("fairlead.agent.floor", "gauge", "1", "the highest revision that was taken")
SERVED = Instrument("fairlead.agent.served", "gauge", "1", "1 for where what is served comes from", ("source",))
ACKNOWLEDGED = Instrument("fairlead.agent.acknowledged", "gauge", "1", "1 while Envoy has taken all that it is served")
STREAMS = Instrument("fairlead.agent.local_streams", "gauge", "{stream}", "open xDS streams of this host")
GOOD = Instrument("fairlead.agent.good_generation", "gauge", "1", "the newest good generation on the disk; 0: none")
UNWRITTEN = Instrument("fairlead.agent.disk_failing", "gauge", "1", "1 while generations cannot be written")
RESTARTS = Instrument("fairlead.agent.envoy.restarts", "counter", "{restart}", "starts of Envoy after it had ended")
TAKEOVERS = Instrument("fairlead.agent.envoy.takeovers", "counter", "{takeover}", "hot restarts of Envoy")

INSTRUMENTS = (
    READY,
    CONNECTED,
    REVISION,
    FLOOR,
    SERVED,
    ACKNOWLEDGED,
    STREAMS,
    GOOD,
    UNWRITTEN,
    RESTARTS,
    TAKEOVERS,
)

Row = tuple[Instrument, list[Measured]]


class Measures:
    """`not_ready` gives the reason, or nothing; `keeper`: who keeps Envoy, if anybody does."""

    def __init__(
        self,
        passage: Passage,
        last_good: LastGood,
        not_ready: Callable[[], str],
        keeper: Callable[[], EnvoyKeeper | None],
    ) -> None:
        self._passage = passage
        self._last_good = last_good
        self._not_ready = not_ready
        self._keeper = keeper

    def page(self) -> bytes:
        """As Prometheus reads it."""
        return exposition((*self._content(), *self._disk(), *self._envoy()))

    def _content(self) -> Iterator[Row]:
        passage = self._passage
        yield _one(READY, not self._not_ready())
        yield _one(CONNECTED, passage.mirror.is_connected)
        yield _one(REVISION, passage.catalogue.revision)
        yield _one(FLOOR, passage.mirror.floor)
        yield SERVED, [(float(one is passage.content.source), {"source": one.value}) for one in Source]
        yield _one(ACKNOWLEDGED, passage.is_acknowledged)
        yield _one(STREAMS, len(passage.clients.own) + len(passage.clients.others))

    def _disk(self) -> Iterator[Row]:
        facts = self._last_good.facts()
        yield _one(GOOD, self._last_good.good.number)
        yield _one(UNWRITTEN, bool(facts["problem"]))

    def _envoy(self) -> Iterator[Row]:
        keeper = self._keeper()
        if keeper is not None:
            yield _one(RESTARTS, keeper.facts.restarts)
            yield _one(TAKEOVERS, keeper.facts.takeovers)


def _one(row: Instrument, value: float) -> Row:
    return row, [(float(value), {})]
