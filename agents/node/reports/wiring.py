"""The reporter of an agent, put together from its settings and its other parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from agents.node.envoy.keeping import EnvoyKeeper
from agents.node.generations.generation import content_of
from agents.node.local.passage import Passage
from agents.node.reports.audit import Audit
from agents.node.reports.below import Below
from agents.node.reports.collecting import Collector
from agents.node.reports.hiding import texts_in
from agents.node.reports.operator import Operator
from agents.node.reports.reporter import Reporter
from agents.node.reports.schedule import Schedule
from agents.node.reports.sources import Sources
from agents.node.settings import AgentSettings
from api.hosting.version import version
from api.nodes.report import Agent, Generations
from xds.protocol.resource import Resource
from xds.protocol.types import RESOURCE_TYPES, SECRET, TypeUrl


def _unknown() -> None:
    """Generations of an agent that keeps none."""


def make_reporter(
    settings: AgentSettings,
    passage: Passage,
    keeper: Callable[[], EnvoyKeeper | None],
    generations: Callable[[], Generations | None] = _unknown,
    below: Below | None = None,
) -> Reporter:
    """`keeper`: who keeps Envoy now. `below`: the nodes of a relay."""
    agent = Agent(
        version(),
        settings.region,
        settings.zone,
        settings.labels,
        settings.allow,
        settings.envoy,
        relay=settings.relay_address is not None,
    )
    sources = Sources(
        settings.node_id,
        settings.group,
        agent,
        keeper=keeper,
        held=lambda type_url: wanted_by_envoy(passage, type_url),
        types=lambda: types_held(passage),
        content=lambda: content_of(passage.catalogue),
        generations=generations,
    )
    collector = Collector(sources, Schedule(settings.report_interval_s))
    audit = Audit(settings.state_dir / "audit.jsonl")
    allowed, secrets = frozenset(settings.allow), lambda: secret_texts(passage)
    operator = Operator(settings.node_id, allowed, keeper, audit, secrets, below)
    return Reporter(collector, operator, settings.report_interval_s, below)


def wanted_by_envoy(passage: Passage, type_url: TypeUrl) -> Mapping[str, Resource] | None:
    """What is held of a type that the own Envoy asks for: other local clients may want more. None: it asks for none."""
    subscription = passage.clients.subscription(type_url)
    if subscription is None:
        return None
    held = passage.catalogue.served(type_url).resources
    return {name: resource for name, resource in held.items() if name in subscription.interest}


def types_held(passage: Passage) -> Iterable[TypeUrl]:
    """Types of which Envoy asks for anything that is held."""
    return [row.url for row in RESOURCE_TYPES if wanted_by_envoy(passage, row.url)]


def secret_texts(passage: Passage) -> Iterator[str]:
    """Every text in the secrets that are held, but for their names."""
    for name, resource in passage.catalogue.served(SECRET).resources.items():
        yield from (text for text in texts_in(resource.body) if text != name)
