"""What the agent says of itself over HTTP: alive, ready, its state as JSON, and its metrics."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agents.node.envoy.keeping import EnvoyKeeper
from agents.node.local.passage import Passage
from agents.node.settings import AgentSettings
from api.hosting.probes import Answer, Page, json_answer, text
from api.hosting.version import version


class Status:
    """`envoy` is given once there is one."""

    def __init__(self, settings: AgentSettings, passage: Passage) -> None:
        self.envoy: EnvoyKeeper | None = None
        self.draining = False
        self._settings = settings
        self._passage = passage

    @property
    def pages(self) -> Mapping[str, Page]:
        return {
            "/healthz": lambda: text("ok\n"),
            "/readyz": self._readyz,
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
            **self._passage.facts(),
        }

    def _readyz(self) -> Answer:
        reason = self.not_ready()
        body = json.dumps({"ready": False, "reason": reason} if reason else {"ready": True}).encode()
        return json_answer(body, 503 if reason else 200)
