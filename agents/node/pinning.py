"""Has the disk know what the gateway is held to, so that a restart of the agent does not try what was bad again.

Whether there is a pin is the content's affair; this follows it.
"""

from __future__ import annotations

import asyncio
from typing import NoReturn

from agents.node.generations.generation import ResourceName
from agents.node.generations.pin import Pin
from agents.node.generations.pin_file import PinFile
from agents.node.generations.problems import NotWritten
from agents.node.generations.store import Generations
from agents.node.local.passage import Passage
from api.telemetry import logs
from xds.protocol.resource import Resource

AGAIN_S = 60.0


class Pinning:
    """`find` before anything is served, `run` beside it, `look` whenever the pin may be another."""

    def __init__(self, passage: Passage, generations: Generations, file: PinFile) -> None:
        self._passage = passage
        self._generations = generations
        self._file = file
        self._kept: Pin | None = None
        self._changed = asyncio.Event()
        self._log = logs.logger("generations")

    def find(self) -> Pin | None:
        """That of an earlier life. Blocks on files."""
        self._kept = self._file.read()
        if self._file.damage:
            self._log.warning(self._file.damage)
        return self._kept

    def look(self) -> None:
        """It may be another, or over."""
        if self._passage.content.pin != self._kept:
            self._changed.set()

    async def run(self) -> NoReturn:
        """Until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            pin = self._passage.content.pin
            try:
                await asyncio.to_thread(self._keep, pin, self._suspected(pin))
            except NotWritten as error:
                self._log.warning(error.message)
                await asyncio.sleep(AGAIN_S)
                self._changed.set()

    def _suspected(self, pin: Pin | None) -> dict[ResourceName, Resource]:
        """What is suspected, as far as upstream has it now."""
        held = self._passage.mirror.held
        found = {name: held(name.type_url).get(name.name) for name in (pin.suspects if pin is not None else ())}
        return {name: resource for name, resource in found.items() if resource is not None}

    def _keep(self, pin: Pin | None, suspected: dict[ResourceName, Resource]) -> None:
        if pin is None:
            self._file.forget()
        else:
            self._file.write(pin, [name for name in pin.suspects if self._may_tell_secret(suspected.get(name))])
        self._kept = pin

    def _may_tell_secret(self, resource: Resource | None) -> bool:
        return resource is None or self._generations.hides(resource)
