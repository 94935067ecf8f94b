"""The stages in their order: objects in; resources, complaints and statuses out. Pure.

What was translated before is kept: a change of some objects costs what depends on them (`snapshots.authoring.sheet`).
"""

from __future__ import annotations

from collections.abc import Mapping

from api.envoy.registry import EnvoyApi
from snapshots.authoring.gateway.bound import BoundListener
from snapshots.authoring.gateway.certificates import pair_problem
from snapshots.authoring.gateway.envoy import Messages
from snapshots.authoring.gateway.frame import Frame, frame
from snapshots.authoring.gateway.stages.backends import BackendStages
from snapshots.authoring.gateway.stages.hosting import HostingStages
from snapshots.authoring.gateway.stages.leading import LeadingStages
from snapshots.authoring.gateway.stages.listening import ListeningStages
from snapshots.authoring.gateway.stages.results import Results
from snapshots.authoring.gateway.stages.routes import HTTP_KINDS, RouteStages
from snapshots.authoring.gateway.stages.telling import TellingStages
from snapshots.authoring.gateway.unheeded import HEEDED_IN_PART
from snapshots.authoring.gateway.world import World
from snapshots.authoring.objects import AuthoredObject, ObjectKey
from snapshots.authoring.sheet import Made, Sheet

_ROUTES = (*HTTP_KINDS, "TLSRoute", "TCPRoute", "UDPRoute")


class Translator:
    """The objects of one workspace and what they come to. Not for two threads at once, nor after an error in it."""

    def __init__(self, api: EnvoyApi) -> None:
        messages = Messages(api)
        self._sheet = sheet = Sheet()
        self.world = world = World(sheet=sheet)
        self.results = results = Results()
        self._problems: Made[ObjectKey, str] = Made(sheet, self._certificate_problem)
        wrong = results.complain("frame", lambda found: found.complaints)
        self._frames: Made[tuple[()], Frame] = Made(sheet, self._frame, wrong, self._framed)
        self._backends = BackendStages(sheet, world, results)
        resolve = self._backends.resolve
        self._routes = RouteStages(sheet, world, self._frames, resolve, results)
        self._hosting = HostingStages(sheet, world, messages, self._frames, self._routes, results)
        self._listening = ListeningStages(
            sheet, world, messages, self._frames, resolve, self._routes, self._hosting, results
        )
        self._leading = LeadingStages(sheet, world, messages, self._frames, results)
        self._hosting.hosts.follow(self._leading.host)
        self._listening.listeners.follow(self._leading.listen)
        self._telling = TellingStages(sheet, world, self._frames, self._backends.policies, self._routes, results)
        self._frames.want(())

    def change(self, changes: Mapping[ObjectKey, AuthoredObject | None]) -> Results:
        """What all objects come to with some of them changed; None: gone. The results are this translator's own."""
        self.world.change(changes)
        for key in changes:
            self._want(key)
        self._sheet.settle()
        return self.results

    @property
    def listeners(self) -> tuple[BoundListener, ...]:
        """All that are bound."""
        found = self._frames.peek(())
        return found.listeners if found is not None else ()

    def _want(self, key: ObjectKey) -> None:
        if key.kind in _ROUTES:
            self._routes.want(key)
            self._telling.want_route(key)
        if key.kind in HEEDED_IN_PART:
            self._telling.want(key)
        if key.kind in HTTP_KINDS:
            self._hosting.want(key)
        elif key.kind == "BackendTLSPolicy":
            self._backends.want(key)
            self._telling.want_policy(key)
        elif key.kind == "GatewayClass":
            self._telling.want_class(key)

    def _certificate_problem(self, key: ObjectKey) -> str | None:
        secret = self.world.at(key)
        return pair_problem(secret) if secret is not None else None

    def _frame(self, key: tuple[()]) -> Frame:
        return frame(self.world, lambda secret: self._problems.get(secret.key) or "")

    def _framed(self, key: tuple[()], before: Frame | None, after: Frame | None) -> None:
        for stage in (self._hosting, self._listening, self._telling):
            stage.framed(key, before, after)
