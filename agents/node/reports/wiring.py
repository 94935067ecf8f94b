"""The reporter of an agent, put together from its settings and its other parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from agents.node.envoy.facts import EnvoyFacts, Exit
from agents.node.envoy.keeping import EnvoyKeeper, Hooks
from agents.node.generations.generation import content_of
from agents.node.last_good import LastGood
from agents.node.local.content import Source
from agents.node.local.passage import Passage
from agents.node.reports.audit import Audit
from agents.node.reports.below import Below
from agents.node.reports.collecting import Collector
from agents.node.reports.hiding import texts_in
from agents.node.reports.operator import Operator
from agents.node.reports.reporter import Reporter
from agents.node.reports.schedule import Schedule
from agents.node.reports.sources import Sources, nothing
from agents.node.settings import AgentSettings
from api.hosting.version import version
from api.nodes.report import Agent, Generations
from xds.protocol.resource import Resource
from xds.protocol.types import RESOURCE_TYPES, SECRET, TypeUrl


def make_reporter(
    settings: AgentSettings,
    passage: Passage,
    last_good: LastGood,
    keeper: Callable[[], EnvoyKeeper | None],
    below: Below | None = None,
    passed_by: Callable[[], str] = str,
) -> Reporter:
    """`keeper`: who keeps Envoy now. `below`: the nodes of a relay. `passed_by`: which upstream is not followed, and
    why."""
    agent = Agent(
        version(),
        settings.region,
        settings.zone,
        settings.labels,
        settings.allow,
        settings.envoy,
        relay=settings.relay_at is not None,
    )
    sources = Sources(
        settings.node_id,
        settings.group,
        agent,
        keeper=keeper,
        held=lambda type_url: wanted_by_envoy(passage, type_url),
        types=lambda: types_held(passage),
        content=lambda: content_of(passage.catalogue),
        generations=lambda: generations_of(passage, last_good),
        standing=below.own_standing if below is not None else nothing,
        passed_by=passed_by,
    )
    collector = Collector(sources, Schedule(settings.report_interval_s))
    audit = Audit(settings.places.audit)
    allowed, secrets = frozenset(settings.allow), lambda: secret_texts(passage)
    released = partial(last_good.end_pin, "an operator restarts Envoy")
    operator = Operator(settings.node_id, allowed, keeper, audit, secrets, below, before_restart=released)
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


def generations_of(passage: Passage, last_good: LastGood) -> Generations:
    """What is on the disk of what Envoy is served."""
    told, pin = last_good.facts(), passage.content.pin
    return Generations(
        running=last_good.running.number,
        good=told["good"],
        baking=told["baking"] or 0,
        baked_s=told["baked_s"],
        from_disk=passage.content.source in (Source.DISK, Source.FALLBACK),
        fell_back=pin.words if pin is not None else "",
        fell_back_s=told["fell_back_s"],
        problem=told["problem"],
    )


def waking(hooks: Hooks, wake: Callable[[], None]) -> Hooks:
    """Hooks that have the reporter look as well, at once."""

    async def on_ready(facts: EnvoyFacts) -> None:
        await hooks.on_ready(facts)
        wake()

    async def on_unready(facts: EnvoyFacts) -> None:
        await hooks.on_unready(facts)
        wake()

    async def on_exit(exit: Exit) -> None:
        await hooks.on_exit(exit)
        wake()

    async def fall_back(generation: str, why: str) -> None:
        await hooks.fall_back(generation, why)
        wake()

    return Hooks(on_ready, on_unready, on_exit, fall_back)


def secret_texts(passage: Passage) -> Iterator[str]:
    """Every text in the secrets that are held, but for their names."""
    for name, resource in passage.catalogue.served(SECRET).resources.items():
        yield from (text for text in texts_in(resource.body) if text != name)
