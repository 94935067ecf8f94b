"""What the agent says of itself over HTTP: alive, ready, its state as JSON, and its metrics."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from agents.node.envoy.keeping import EnvoyKeeper
from agents.node.last_good import LastGood
from agents.node.local.passage import Passage
from agents.node.measures import Measures
from agents.node.relay.relay import Relay
from agents.node.settings import AgentSettings
from api.hosting.probes import Answer, Page, json_answer, text
from api.hosting.version import version
from api.telemetry.exposition import CONTENT_TYPE

SUSPECTS_SHOWN = 100


class Status:
    """`envoy`, and how far the server's clock is ahead of this machine's, are given once they are known; `faults` are
    the upstreams of no use, and why."""

    def __init__(self, settings: AgentSettings, passage: Passage, last_good: LastGood) -> None:
        self.envoy: EnvoyKeeper | None = None
        self.relay: Relay | None = None
        self.clock_ahead_s: Callable[[], float | None] = lambda: None
        self.faults: Callable[[], Mapping[str, str]] = dict
        self.draining = False
        self._settings = settings
        self._passage = passage
        self._last_good = last_good
        self._measures = Measures(passage, last_good, self.not_ready, lambda: self.envoy)

    @property
    def pages(self) -> Mapping[str, Page]:
        return {
            "/healthz": lambda: text("ok\n"),
            "/readyz": self._readyz,
            "/metrics": lambda: Answer(self._measures.page(), content_type=CONTENT_TYPE),
            "/status": lambda: json_answer(json.dumps(self.document(), indent=1).encode()),
        }

    def not_ready(self) -> str:
        """Why this gateway should get no traffic, or nothing."""
        if self.draining:
            return "draining"
        if self._settings.envoy == "none":
            return "" if self._passage.catalogue.revision else "no configuration is known yet"
        if self.envoy is None or not self.envoy.facts.ready:
            return "Envoy is not ready"
        return ""

    def document(self) -> dict[str, Any]:
        """The state for people and for `agent inspect`."""
        reason = self.not_ready()
        return {
            "node": self._settings.node_id,
            "group": self._settings.group,
            "version": version(),
            "ready": not reason,
            "reason": reason,
            "envoy": self._envoy(),
            "served": self._served(),
            "upstream": self._upstream(),
            "local_streams": len(self._passage.clients.own) + len(self._passage.clients.others),
            "generations": self._last_good.facts(),
            **({"relay": self.relay.downstream.facts()} if self.relay is not None else {}),
        }

    def _served(self) -> dict[str, Any]:
        """Which revision, and where it comes from."""
        content = self._passage.content
        pin = content.pin
        why = {"why": pin.words, "suspects": pin.names[:SUSPECTS_SHOWN]} if pin is not None else {}
        acknowledged = self._passage.is_acknowledged
        revision = self._passage.catalogue.revision
        return {"revision": revision, "source": content.source.value, "acknowledged": acknowledged, **why}

    def _upstream(self) -> dict[str, Any]:
        mirror = self._passage.mirror
        told = {"connected": mirror.is_connected, "address": self._passage.upstream, "floor": mirror.floor}
        ahead_s, faults = self.clock_ahead_s(), self.faults()
        if ahead_s is not None:
            told |= {"clock_ahead_s": round(ahead_s, 3)}
        return {**told, "faults": dict(faults)} if faults else told

    def _envoy(self) -> dict[str, Any] | None:
        return asdict(self.envoy.facts) if self.envoy is not None else None

    def _readyz(self) -> Answer:
        reason = self.not_ready()
        body = json.dumps({"ready": False, "reason": reason} if reason else {"ready": True}).encode()
        return json_answer(body, 503 if reason else 200)
