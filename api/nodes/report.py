"""The shapes of a report: what an agent says of one node, in parts that are told apart.  No I/O here.

None is "not known", which is something else than zero: a gate that needs a number it does not have cannot pass.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Agent:
    """The agent itself. `allows`: the operations that its configuration allows; `mode`: what it is to its Envoy.

    `passed_by`: the upstream that it would rather follow and does not, and why.
    """

    version: str = ""
    region: str = ""
    zone: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    allows: tuple[str, ...] = ()
    mode: str = ""
    relay: bool = False
    passed_by: str = ""


@dataclass(frozen=True, slots=True)
class Envoy:
    """One Envoy's life. `instance` marks the process whose counters are told; times in Unix seconds.

    `restarts`: those that nobody asked for, since the agent began. `last_exit`: how the last one ended.
    """

    version: str = ""
    live: bool | None = None
    ready: bool | None = None
    state: str = ""
    instance: int | None = None
    epoch: int | None = None
    started_s: int | None = None
    restarts: int | None = None
    last_exit: str = ""
    last_exit_s: int | None = None


@dataclass(frozen=True, slots=True)
class RunningType:
    """What Envoy runs of one type. `held` and its digest are of what the agent holds, where that is different."""

    type_url: str
    resources: int | None = None
    digest: bytes = b""
    held: int | None = None
    held_digest: bytes = b""
    differing: int = 0
    differs: tuple[str, ...] = ()
    warming: int | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """All types; when config_dump was read, in Unix seconds."""

    types: tuple[RunningType, ...] = ()
    looked_s: int | None = None


@dataclass(frozen=True, slots=True)
class Generations:
    """The last known good on disk, by numbers; 0: none. Times in Unix seconds, 0: not known. `problem`: why nothing new
    can be kept."""

    running: int = 0
    good: int = 0
    baking: int = 0
    baked_s: int = 0
    from_disk: bool = False
    fell_back: str = ""
    fell_back_s: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counters since the Envoy of that `instance` began, and how it is now (connections, warming, memory)."""

    instance: int | None = None
    downstream_requests: int | None = None
    downstream_5xx: int | None = None
    downstream_connections: int | None = None
    upstream_requests: int | None = None
    upstream_5xx: int | None = None
    upstream_connect_failures: int | None = None
    upstream_timeouts: int | None = None
    upstream_overflows: int | None = None
    upstream_connections: int | None = None
    clusters_warming: int | None = None
    listeners_warming: int | None = None
    listeners_draining: int | None = None
    memory_allocated_bytes: int | None = None
    memory_heap_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A standing NACK, in the node's words."""

    type_url: str
    names: tuple[str, ...] = ()
    revision: int = 0
    code: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest revision that the node has acknowledged all of (0: none), and what it refuses."""

    revision: int = 0
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeReport:
    """One node. A part that is None was never told; in a difference, it is as before."""

    node: str
    group: str = ""
    via: str = ""
    agent: Agent | None = None
    envoy: Envoy | None = None
    running: Running | None = None
    generations: Generations | None = None
    statistics: Statistics | None = None
    standing: Standing | None = None

    def after(self, difference: NodeReport) -> NodeReport:
        """The report with what a later one brings."""
        brought = {name: value for name in PLACE + PARTS if (value := getattr(difference, name))}
        return replace(self, **brought)

    def since(self, told: NodeReport) -> NodeReport | None:
        """What of it is not as `told`; None when all is. A part that is no longer known stays as it was told."""
        differs = {
            name: value for name in PLACE + PARTS if (value := getattr(self, name)) and value != getattr(told, name)
        }
        return NodeReport(self.node, **differs) if differs else None


PLACE = ("group", "via")
PARTS = tuple(field.name for field in fields(NodeReport) if field.name not in ("node", *PLACE))
