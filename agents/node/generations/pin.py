"""What holds a gateway to its last good content, and until when. Pure: no I/O, no clock.

Envoy did not live with what upstream said. *Suspects* are what differs between that and the good content: added,
changed or removed. As long as upstream has each of them as it was, the rest may change as it likes: what Envoy dies of
may still be there. As soon as it has one of them otherwise (mended, put back, removed), the pin is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from agents.node.generations.generation import ResourceName
from api.hosting.words import few_of
from xds.protocol.types import name_of

Versions = Mapping[ResourceName, str | None]
"""None: there is no such resource."""

UNKNOWN = ""
"""The version of a suspect that the disk does not keep, because it is a digest of a secret."""

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Pin:
    """`why`: what happened, for people. `suspects`: with their versions in what was bad."""

    why: str
    suspects: Versions

    def ended_by(self, told: Versions) -> bool:
        """Whether upstream, which tells this, has a suspect otherwise than it was."""
        return any(self._differs(name, version) for name, version in told.items())

    def knowing(self, told: Versions) -> Pin:
        """The same pin: of what the disk does not keep, the version that is told first is the bad one."""
        learned = {name: told[name] for name, version in self.suspects.items() if version == UNKNOWN and name in told}
        return replace(self, suspects={**self.suspects, **learned}) if learned else self

    @property
    def names(self) -> tuple[str, ...]:
        """The suspects for people: `cluster/web`."""
        return tuple(sorted(name_of(*name) for name in self.suspects))

    @property
    def words(self) -> str:
        """What happened, who is suspected, and what ends it."""
        ends = "this holds until the control plane has one of these otherwise, or an operator restarts Envoy"
        return f"{self.why}; suspected: {few_of(self.names, SHOWN)}; {ends}"

    def _differs(self, name: ResourceName, version: str | None) -> bool:
        bad = self.suspects.get(name, UNKNOWN)
        return bad != UNKNOWN and bad != version


def suspects_of(bad: Versions, good: Versions) -> Versions:
    """What differs, with its versions in `bad`."""
    return {name: bad.get(name) for name in bad.keys() | good.keys() if bad.get(name) != good.get(name)}
