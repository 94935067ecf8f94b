"""All checks of one machine, what their outcome comes to, and how it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agents.node.doctor.certificate import certificate_checks
from agents.node.doctor.envoy import envoy_checks
from agents.node.doctor.last_good import generations_checks
from agents.node.doctor.machine import machine_checks
from agents.node.doctor.running import agent_checks, is_locked
from agents.node.doctor.state import state_checks
from agents.node.doctor.upstream import upstream_checks
from agents.node.generations.floor import Floor
from agents.node.generations.vault import vault_from
from agents.node.settings import AgentSettings
from api.errors import InvalidConfig, ServerUnreachable
from api.hosting.checks import Check, Verdict, text_lines
from api.nodes.printable import printable


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found of this machine, and of those that the agent depends on: its Envoy, servers and relays."""

    here: Sequence[Check]
    others: Sequence[Check]

    @property
    def checks(self) -> tuple[Check, ...]:
        return (*self.here, *self.others)

    @property
    def exit_code(self) -> int:
        """0 also where something is in doubt."""
        if any(each.verdict is Verdict.BAD for each in self.here):
            return InvalidConfig.exit_code
        return ServerUnreachable.exit_code if any(each.verdict is Verdict.BAD for each in self.others) else 0


def main(settings: AgentSettings, as_json: bool) -> int:
    """Print it; the exit code."""
    found = examine(settings)
    if as_json:
        print(json.dumps({"checks": [each.document() for each in found.checks]}, indent=2))
    else:
        for each in found.checks:
            print(printable("\n".join(text_lines(each)), limit=2000))
    return found.exit_code


def examine(settings: AgentSettings) -> Examination:
    """Look at everything; some seconds where somebody does not answer."""
    runs = is_locked(settings.places.lock)
    floor = Floor(settings.places.floor).of(settings.group, otherwise=0)
    here = [
        Check("settings", Verdict.GOOD, f"node {settings.node_id} of group {settings.group}"),
        *machine_checks(settings, agent_runs=runs),
        *state_checks(settings.state_dir),
        *_key(settings),
        *generations_checks(settings),
        *certificate_checks(settings),
        *(agent_checks(settings.places.announced, settings.node_id, settings.group) if runs else ()),
    ]
    return Examination(here, [*envoy_checks(settings), *upstream_checks(settings, floor=floor, agent_runs=runs)])


def _key(settings: AgentSettings) -> Iterator[Check]:
    """The key under which secrets are kept; without one they are left out."""
    if settings.secrets_key is None:
        return
    try:
        vault_from(settings.secrets_key)
    except InvalidConfig as error:
        yield Check("secrets key", Verdict.BAD, error.message, "without it the agent does not start")
    else:
        yield Check("secrets key", Verdict.GOOD, f"{settings.secrets_key} has one")
