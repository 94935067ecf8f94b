"""What is known of one type by a catalogue that mirrors an upstream. The rest is awaited, and answered nothing of.

A name is known when the resource is there, or when upstream has answered it: it does not exist, or it stands for a
resource of another name. Everything is known when upstream has answered the wildcard. A name beside `*` is known only
when it was answered by itself: what is on demand, everything does not include. Names only; no session is known here.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from xds.protocol.types import TypeUrl


@dataclass(frozen=True, slots=True)
class Learned:
    """News of what is known of a type, beside resources that came and went.

    `answered`: names that upstream has answered, be it that they do not exist; `forgotten`: names that nobody follows
    any more, and that are unknown from now on; `everything`: whether all of the type is known now (None: no news).
    """

    type_url: TypeUrl
    answered: frozenset[str] = frozenset()
    forgotten: frozenset[str] = frozenset()
    everything: bool | None = None

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return bool(self.answered or self.forgotten) or self.everything is not None


@dataclass(slots=True)
class Upstream:
    """Shared by all types of a catalogue. `is_given_up`: what it has is all there is, and nothing is awaited."""

    is_given_up: bool = False


@dataclass(slots=True)
class Knowledge:
    """Of one type. `renewals` counts what upstream has said of resources with a time to live: that they go on."""

    upstream: Upstream
    answered: set[str] = field(default_factory=set)
    everything: bool = False
    renewals: int = 0
    renewed: dict[str, int] = field(default_factory=dict)  # what lives for a time only -> its last renewal

    @property
    def awaits_everything(self) -> bool:
        return not (self.everything or self.upstream.is_given_up)

    def awaits(self, name: str) -> bool:
        """Whether upstream is still to answer a name of which there is no resource."""
        return name not in self.answered and not self.upstream.is_given_up

    def renew(self, names: Iterable[str], known: Container[str]) -> None:
        """Upstream says that these go on. `known`: what there is; all else is forgotten."""
        self.renewals += 1
        kept = {name: number for name, number in self.renewed.items() if name in known}
        self.renewed = {**kept, **dict.fromkeys(names, self.renewals)}

    def learn(self, learned: Learned) -> bool:
        """Returns whether that was news."""
        new, old = learned.answered - self.answered, learned.forgotten & self.answered
        self.answered |= new
        self.answered -= old
        before, self.everything = self.everything, self.everything if learned.everything is None else learned.everything
        return bool(new or old) or before != self.everything
