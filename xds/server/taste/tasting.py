"""Does a real Envoy take it? One is started, served the candidate as gateways would be, and asked what it thinks."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from api.envoy.registry import EnvoyApi
from api.errors import Finding, InvalidConfig, TasteUnavailable, TimedOut
from api.hosting.envoy_program import Program
from snapshots.checks.concern import Concern, kind_of
from snapshots.codes import ENVOY_ENDED
from snapshots.model import CompiledResource
from xds.protocol.plan import Rejected
from xds.protocol.resource import Resource
from xds.protocol.types import GroupName
from xds.server.taste.candidate import tastable
from xds.server.taste.diagnosis import about, concern_of
from xds.server.taste.program import command
from xds.server.taste.running import Running
from xds.server.taste.served import Serving
from xds.server.taste.words import refusals

TIMEOUT_S = 60.0
_ASK_S = 0.01
_SILENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class Tasted:
    """What Envoy thinks of so many resources, and how long it took. `unplaced`: words that name none of them."""

    program: Program
    resources: int
    took_s: float
    concerns: tuple[Concern, ...]
    unplaced: tuple[str, ...] = ()


async def taste(
    api: EnvoyApi,
    resources: Sequence[CompiledResource],
    program: Program,
    *,
    group: GroupName,
    timeout_s: float = TIMEOUT_S,
) -> Tasted:
    """Start an Envoy, serve it `resources`, end it. On the main thread: the Envoy ends with the thread that starts it.

    Raises InvalidConfig when it ended while it loaded them, TimedOut when it has not in `timeout_s`, TasteUnavailable
    when it cannot be started.
    """
    began_s = time.monotonic()
    candidate = await asyncio.to_thread(list, tastable(api, [each.resource for each in resources]))
    rejected = await _rejected(api, candidate, program, group, timeout_s)
    concerns, unplaced = _judged(api, resources, rejected)
    return Tasted(program, len(resources), time.monotonic() - began_s, concerns, unplaced)


def _judged(
    api: EnvoyApi, resources: Sequence[CompiledResource], rejected: Sequence[Rejected]
) -> tuple[tuple[Concern, ...], tuple[str, ...]]:
    """What Envoy does not take, each at its place; and the words of which nobody knows what they are about."""
    by_key = {(each.resource.type_url, each.resource.name): each for each in resources}
    concerns, unplaced = list[Concern](), list[str]()
    for one in rejected:
        response = [by_key[one.type_url, name] for name in one.names if (one.type_url, name) in by_key]
        for refusal in refusals(one.type_url, one.names, one.message):
            named = by_key.get((refusal.type_url, refusal.name))
            found = (named,) if named is not None else about(refusal, response)
            concerns.extend(concern_of(api, refusal, each) for each in found)
            if not found:
                unplaced.append(f"{kind_of(refusal.type_url)}: {refusal.words}")
    return tuple(concerns), tuple(unplaced)


async def _rejected(
    api: EnvoyApi, candidate: Sequence[Resource], program: Program, group: GroupName, timeout_s: float
) -> list[Rejected]:
    with tempfile.TemporaryDirectory(prefix="fairlead-taste-", ignore_cleanup_errors=True) as directory:
        xds_socket, admin_socket = Path(directory, "xds"), Path(directory, "admin")
        serving = Serving(api, candidate, xds_socket)
        start = command(program, group, xds_socket, admin_socket)
        async with _started(serving, start, Path(directory), admin_socket) as running:
            try:
                async with asyncio.timeout(timeout_s):
                    await _loaded(serving, running, Path(directory))
            except TimeoutError:
                words = f"Envoy {program.version} had not loaded the candidate after {timeout_s:g} s"
                raise TimedOut(f"{words}; nothing is known of it{running.last_words()}") from None
        return serving.answers.rejected


@asynccontextmanager
async def _started(
    serving: Serving, start: Sequence[str], directory: Path, admin_socket: Path
) -> AsyncIterator[Running]:
    await serving.start()
    try:
        try:
            running = Running.start(start, directory, admin_socket)
        except OSError as error:
            raise TasteUnavailable(f"Envoy cannot be started: {error.strerror}") from error
        try:
            yield running
        finally:
            await running.stop()
    finally:
        await serving.stop()


async def _loaded(serving: Serving, running: Running, directory: Path) -> None:
    """Returns when it has everything and has said what it thinks of all of it. Raises InvalidConfig if it ends."""
    ended = asyncio.create_task(running.ended())
    ready = asyncio.create_task(_ready(serving, running))
    cleared = asyncio.create_task(_clear(serving, running, directory))
    try:
        await asyncio.wait({ended, ready}, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            raise _end(serving, ended.result())
        ready.result()
    finally:
        for each in (ended, ready, cleared):
            each.cancel()
        await asyncio.gather(ended, ready, cleared, return_exceptions=True)


async def _clear(serving: Serving, running: Running, directory: Path) -> None:
    """Once both connections are there, nobody needs the sockets' files: whatever kills us now, no file stays."""
    await serving.answers.connected.wait()
    await running.answered.wait()
    await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)


async def _ready(serving: Serving, running: Running) -> None:
    """An Envoy that waits for something that is not there is never ready: then silence has to do."""
    answers = serving.answers
    loaded = asyncio.create_task(running.loaded())
    try:
        while not (answers.settled and (loaded.done() or answers.waits_in_vain(_SILENCE_S))):
            await asyncio.wait({loaded}, timeout=_ASK_S)
            if loaded.done():
                await asyncio.sleep(_ASK_S if not answers.settled else 0)
    finally:
        loaded.cancel()


def _end(serving: Serving, how: str) -> InvalidConfig | TasteUnavailable:
    if not serving.answers.connected.is_set():
        return TasteUnavailable(f"Envoy ended before it asked for anything ({how})")
    text = f"Envoy ended while it loaded the candidate ({how})"
    return InvalidConfig(text, findings=(Finding(ENVOY_ENDED, "Envoy ended while it loaded the candidate"),))
