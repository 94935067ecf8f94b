"""The life of one agent: it takes its state directory, serves, follows, keeps Envoy, until it is told to end.

`main` makes the event loop, `run` takes the one that is there. Errors that keep it from starting are raised; whoever
called shows them and sets the exit code.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import NoReturn

from agents.node.assembly import Parts, assemble, bootstrap_of, make_keeper
from agents.node.envoy.facts import EnvoyFacts
from agents.node.envoy.keeping import EnvoyKeeper, Hooks
from agents.node.reports.wiring import waking
from agents.node.settings import AgentSettings, awaiting_restart
from api.envoy.registry import EnvoyApi
from api.errors import FairleadError, InvalidConfig
from api.hosting.ready_file import write_ready_file
from api.hosting.signals import Signals, listening
from api.hosting.sole import sole
from api.telemetry import logs

Reload = Callable[[], AgentSettings]
RELAY_DRAIN_S = 2.0
"""For the agents below a relay to go elsewhere, a few at a time."""


def main(settings: AgentSettings, reload: Reload | None = None) -> int:
    """Run an agent until it is told to end; returns the exit code. Raises FairleadError when it cannot start."""
    with asyncio.Runner(loop_factory=_loop_factory(settings)) as runner:
        return runner.run(run(settings, reload))


def _loop_factory(settings: AgentSettings) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """A relay has thousands of streams, and the faster loop if it is installed. Others have one, and stay small."""
    if settings.relay_at is None:
        return None
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def run(settings: AgentSettings, reload: Reload | None = None) -> int:
    """Serve until SIGTERM, SIGINT or SIGUSR1; returns 0. On the main thread.

    `reload` reads the settings again on SIGHUP. Raises InvalidConfig for settings that cannot be used or a state
    directory that another agent has, EnvoyMissing where there is none to run.
    """
    logs.configure(settings.log_level, settings.log_format)
    directory = settings.state_dir
    taken = f"another agent uses {directory}; end it first, or give this one a --state-dir of its own"
    with sole(directory, taken=taken, unwritable="give a --state-dir"), listening(may_leave=True) as signals:
        async with AsyncExitStack() as stack:
            parts = await _started(settings, stack)
            keeper = _keeper(parts)
            gc.collect()
            gc.freeze()
            await _live(parts, keeper, signals, reload)
    return 0


async def _started(settings: AgentSettings, stack: AsyncExitStack) -> Parts:
    """All listeners open. What was started is stopped when the stack unwinds."""
    api = await asyncio.to_thread(EnvoyApi.load, settings.descriptor_sets, on_demand=True)
    parts = assemble(settings, api)
    await parts.last_good.begin(settings.start_patience_s)
    stack.push_async_callback(parts.http.stop)
    await parts.http.start()
    stack.push_async_callback(parts.server.drain, 0)
    await parts.server.start()
    await parts.server.set_ready(True)
    addresses = {"xds": parts.server.address, "http": parts.http.address}
    if parts.relay is not None:
        stack.push_async_callback(parts.relay.stop, RELAY_DRAIN_S)
        await parts.relay.start()
        addresses["relay"] = parts.relay.server.address
    try:
        _announce(settings.places.announced, addresses, stack)
    except InvalidConfig as error:  # a disk that is full must keep nothing from being served
        logs.logger("agent").warning("other commands cannot find this agent", why=error.message)
    if settings.ready_file is not None:
        _announce(settings.ready_file, addresses, stack)
    return parts


def _announce(file: Path, addresses: Mapping[str, str], stack: AsyncExitStack) -> None:
    """Have it say where the agent listens, for as long as that is so. Raises InvalidConfig."""
    write_ready_file(file, addresses)
    stack.callback(_remove, file)


def _remove(file: Path) -> None:
    with suppress(OSError):  # the end is the same on a disk that has become read-only
        file.unlink()


def _keeper(parts: Parts) -> EnvoyKeeper | None:
    good = parts.last_good
    hooks = waking(Hooks(good.ready, good.unready, good.exited, good.fall_back), parts.reporter.wake)
    keeper = make_keeper(parts.settings, parts.server.address, hooks)
    parts.status.envoy = keeper
    if keeper is not None:
        good.applied = lambda content, proven: keeper.applied(content, proven=proven)
        good.baked = keeper.baked
    return keeper


async def _live(parts: Parts, keeper: EnvoyKeeper | None, signals: Signals, reload: Reload | None) -> None:
    """All that an agent does at the same time, until it is asked to end and Envoy has ended or is left."""
    try:
        async with asyncio.TaskGroup() as group:
            if keeper is None:
                await parts.last_good.ready(EnvoyFacts())
            following = group.create_task(parts.link.run())
            lasting = group.create_task(parts.last_good.run())
            beside = [group.create_task(parts.relay.run())] if parts.relay is not None else []
            if reload is not None:
                beside.append(group.create_task(_reloading(parts, keeper, signals, reload)))
            keeping = group.create_task(keeper.run()) if keeper is not None else None
            ending = group.create_task(_ending(parts, keeper, signals))
            await (keeping or ending)
            for task in (following, lasting, ending, *beside):
                task.cancel()
    except BaseExceptionGroup as errors:
        raise _cause(errors) from errors


async def _ending(parts: Parts, keeper: EnvoyKeeper | None, signals: Signals) -> None:
    """Carry out what signals ask for. Returns when there is nothing left to ask."""
    await _first(signals.stop, signals.leave)
    if keeper is not None and (signals.leave.is_set() or parts.settings.on_stop == "leave"):
        keeper.leave()
        return
    parts.status.draining = True
    if keeper is None:
        return
    keeper.stop()
    await signals.hurry.wait()
    keeper.hurry()


async def _reloading(parts: Parts, keeper: EnvoyKeeper | None, signals: Signals, reload: Reload) -> NoReturn:
    """SIGHUP: what Envoy starts with is looked at again, and another takes over where it has changed. Whoever wants an
    older revision to be taken says it so, too."""
    log = logs.logger("agent")
    while True:
        await signals.reload.wait()
        signals.reload.clear()
        try:
            settings = await asyncio.to_thread(reload)
            logs.configure(settings.log_level, settings.log_format)
            await parts.last_good.read_floor_again()
            bootstrap, binary = bootstrap_of(settings, parts.server.address), settings.envoy_binary
            done = await keeper.refresh(bootstrap, binary) if keeper is not None else ""
            log.info("the settings were read again", envoy=done or "goes on: it has what it should")
            if later := awaiting_restart(parts.settings, settings):
                log.warning("a restart of the agent brings what else was changed", settings=later)
        except FairleadError as error:
            log.warning("the settings were read again, and nothing was changed", why=error.message)


async def _first(*events: asyncio.Event) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that ended the group: one of ours if there is one, since it has words for people."""
    _, rest = group.split(FairleadError)
    return group if rest is not None else group.exceptions[0]
