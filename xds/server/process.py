"""The life of one server process: it opens the store, starts its parts, serves until it is told to end, and drains.

`fairlead dev` and `fairlead serve` are the same process with other settings. `main` makes the event loop, `run` takes
the one that is there. Errors that keep it from starting are raised; the command line shows them and sets the exit code.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from api.envoy.registry import EnvoyApi
from api.errors import FairleadError, InvalidConfig
from api.hosting.address import CannotListen
from api.hosting.signals import Signals, listening
from api.telemetry import logs, metrics, tracing
from xds.server.assembly import Parts, assemble
from xds.server.directory import DirectoryFollower
from xds.server.duties import Duties, Reload, Say
from xds.server.settings import ServerSettings
from xds.server.stores import open_store

# Commands that follow a revision would hold a draining server up for as long as it lets them.
MANAGEMENT_GRACE_S = 2.0


def main(
    settings: ServerSettings,
    *,
    watch_directory: Path | None = None,
    say: Say | None = None,
    reload: Reload | None = None,
) -> int:
    """Run a server until it is told to end; returns the exit code. Raises FairleadError when it cannot start."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run(settings, watch_directory=watch_directory, say=say, reload=reload))


async def run(
    settings: ServerSettings,
    *,
    watch_directory: Path | None = None,
    say: Say | None = None,
    reload: Reload | None = None,
) -> int:
    """Serve until SIGTERM or SIGINT, drain, return 0. On the main thread.

    `watch_directory` is published, and published again when it changes. `say` prints a line for the person who started
    it; without it, and where the log is JSON for programs to read, such lines are logged. `reload` reads the settings
    again on SIGHUP. Raises InvalidConfig for an address that is taken or files that cannot be used, StoreUnavailable
    when the embedded etcd does not start.
    """
    _require_directory(watch_directory)
    logs.configure(settings.log_level, settings.log_format)
    tracing.start("fairlead", endpoint=settings.otlp_endpoint)
    try:
        with listening() as signals:
            async with AsyncExitStack() as stack:
                parts = await _started(settings, stack)
                duties = Duties(settings, parts, signals, _teller(settings, say), reload)
                await _live(duties, parts, signals, watch_directory)
                await _drain(settings, parts, signals)
    except BaseExceptionGroup as group:
        raise _cause(group) from group
    finally:
        tracing.stop()
        metrics.stop()
    return 0


def _require_directory(directory: Path | None) -> None:
    if directory is not None and not directory.is_dir():
        raise InvalidConfig(f"{directory} is not a directory; name one that holds documents, or none")


async def _started(settings: ServerSettings, stack: AsyncExitStack) -> Parts:
    """All listeners open, nothing served yet. What was started is stopped when the stack unwinds."""
    envoy, store, _ = await asyncio.gather(
        asyncio.to_thread(EnvoyApi.load, settings.descriptor_sets),
        stack.enter_async_context(open_store(settings)),
        asyncio.to_thread(metrics.start, settings.otlp_endpoint),
    )
    parts = assemble(settings, store, envoy)
    stack.push_async_callback(parts.http.stop)
    with _naming("--http-address"):
        await parts.http.start()
    stack.push_async_callback(parts.xds.drain, 0)
    with _naming("--xds-address"):
        await parts.xds.start()
    stack.push_async_callback(parts.management.stop, 0)
    with _naming("--management-address"):
        await parts.management.start()
    return parts


@contextmanager
def _naming(setting: str) -> Iterator[None]:
    """An address that cannot be had is named together with the setting that it came from."""
    try:
        yield
    except CannotListen as error:
        error.message = f"{error.message} ({setting})"
        raise


async def _live(duties: Duties, parts: Parts, signals: Signals, watch_directory: Path | None) -> None:
    """All that a server does at the same time, until it is asked to end."""
    jobs = [
        parts.endpoints.run(),
        parts.follower.run(),
        duties.announce(),
        duties.collect_garbage(),
        duties.reload_on_request(),
    ]
    if watch_directory is not None:
        follower = DirectoryFollower(watch_directory, parts.management.service.publish, duties.say)
        jobs.append(follower.run())
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job) for job in jobs]
        await signals.stop.wait()
        for task in tasks:
            task.cancel()


async def _drain(settings: ServerSettings, parts: Parts, signals: Signals) -> None:
    """Send clients elsewhere in small numbers; a second signal does not wait for them."""
    logs.logger("server").info("draining", streams=parts.xds.streams, seconds=settings.drain_s)
    parts.readiness.draining = True
    if settings.ready_file is not None:
        settings.ready_file.unlink(missing_ok=True)
    grace_s = min(MANAGEMENT_GRACE_S, settings.drain_s)
    draining = asyncio.create_task(_ended(parts, settings.drain_s, grace_s))
    hurried = asyncio.create_task(_set(signals.hurry))
    await asyncio.wait({draining, hurried}, return_when=asyncio.FIRST_COMPLETED)
    for task in (draining, hurried):
        task.cancel()
    await asyncio.gather(draining, hurried, return_exceptions=True)


async def _ended(parts: Parts, drain_s: float, grace_s: float) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(parts.xds.drain(drain_s))
        group.create_task(parts.management.stop(grace_s))


async def _set(event: asyncio.Event) -> None:
    await event.wait()


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that ended the group: one of ours if there is one, since it has words for people."""
    leaves = [leaf for error in group.exceptions for leaf in _leaves(error)]
    return next((leaf for leaf in leaves if isinstance(leaf, FairleadError)), group)


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]


def _teller(settings: ServerSettings, say: Say | None) -> Say:
    return say if say is not None and settings.log_format == "text" else _log_line


def _log_line(line: str) -> None:
    logs.logger("server").info(line)
