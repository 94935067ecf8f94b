"""What reports are made of: the other parts of the agent, as they are asked when a report is due."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from agents.node.envoy.keeping import EnvoyKeeper
from api.nodes.report import Agent, Generations, Standing
from xds.protocol.resource import Resource
from xds.protocol.types import TypeUrl


def nothing() -> None:
    """For what nobody knows."""


@dataclass(frozen=True, slots=True)
class Sources:
    """`node`, `group`: who reports. `keeper`: who keeps Envoy; None where there is none, or none yet.

    `held`: what Envoy should run of a type, by name; None where that is not known. `types`: of which it should run
    anything. `content`: another text whenever that is another. `generations`, `standing`: None where nothing is known.
    `passed_by`: as in `Agent`.
    """

    node: str
    group: str
    agent: Agent
    keeper: Callable[[], EnvoyKeeper | None] = nothing
    held: Callable[[TypeUrl], Mapping[str, Resource] | None] = lambda type_url: None
    types: Callable[[], Iterable[TypeUrl]] = tuple
    content: Callable[[], str] = str
    generations: Callable[[], Generations | None] = nothing
    standing: Callable[[], Standing | None] = nothing
    passed_by: Callable[[], str] = str
