"""The gateways of examples/, on ports that are free here: their documents are taken as they are, but for the ports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from snapshots.model import Document
from snapshots.store.etcd.ports import free_port
from tests.spine import ROOT

EXAMPLES = ROOT / "examples"
# Every port that an example shows has five digits and begins so.
_SHOWN = re.compile(r"\b10[0-2]\d\d\b")
_GATEWAY = re.compile(r"^kind: Gateway$", re.M)
# Those with a Gateway. The others are raw Envoy resources, and have tests of their own.
GATEWAYS = tuple(sorted({each.parent.name for each in EXAMPLES.glob("*/*.yaml") if _GATEWAY.search(each.read_text())}))


@dataclass
class Ports:
    """Which free port stands for one that is shown: that of an upstream, or of a listener."""

    upstreams: Mapping[int, int]
    _listeners: dict[int, int] = field(default_factory=dict)

    def of(self, shown: int) -> int:
        if shown in self.upstreams:
            return self.upstreams[shown]
        return self._listeners.setdefault(shown, free_port())

    def exchanged(self, text: str) -> str:
        return _SHOWN.sub(lambda found: str(self.of(int(found[0]))), text)


def documents(name: str, ports: Ports) -> list[Document]:
    """All documents of an example."""
    return [
        Document(each.name, ports.exchanged(each.read_text()).encode())
        for each in sorted((EXAMPLES / name).glob("*.yaml"))
    ]


def written(name: str, ports: Ports, directory: Path) -> Path:
    """The same as files in a new directory."""
    directory.mkdir(parents=True)
    for each in documents(name, ports):
        (directory / each.path).write_bytes(each.content)
    return directory
