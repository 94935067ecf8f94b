"""What the machine gives: file descriptors, shared memory for Envoy's hot restart, the ports that the agent wants."""

from __future__ import annotations

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from agents.node.settings import AgentSettings
from api.hosting.address import Address
from api.hosting.checks import Check, Verdict

FEW_DESCRIPTORS = 8192
SHARED_MEMORY = Path("/dev/shm")
# What one Envoy keeps there, with room to spare.
SHARED_MEMORY_BYTES = 8 * 2**20


def machine_checks(settings: AgentSettings, *, agent_runs: bool) -> Iterator[Check]:
    """With `agent_runs` its ports are taken, as they should be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield descriptors_check(soft, hard)
    if settings.envoy == "run":
        yield shared_memory_check(SHARED_MEMORY)
    if not agent_runs:
        wanted = {"http port": settings.http_address, "relay port": settings.relay_at}
        yield from (_port(name, address) for name, address in wanted.items() if address is not None)


def descriptors_check(soft: int, hard: int) -> Check:
    """Envoy inherits the agent's limit; it takes two descriptors for each request on its way."""
    if soft == resource.RLIM_INFINITY or soft >= FEW_DESCRIPTORS:
        return Check("descriptors", Verdict.GOOD, f"{_shown(soft)} open files are allowed")
    found = f"only {soft} open files are allowed (at most {_shown(hard)}), and Envoy inherits that"
    return Check("descriptors", Verdict.DOUBTFUL, found, "LimitNOFILE= in the systemd unit, or `ulimit -n`")


def _shown(limit: int) -> str:
    return "any number of" if limit == resource.RLIM_INFINITY else str(limit)


def shared_memory_check(place: Path) -> Check:
    """Where two Envoys meet in a hot restart."""
    remedy = f"without it Envoy does not start: mount a tmpfs at {place} that this user may write"
    if not os.access(place, os.W_OK | os.X_OK):
        return Check("shared memory", Verdict.BAD, f"{place} cannot be written", remedy)
    space = os.statvfs(place)
    free_bytes = space.f_bavail * space.f_frsize
    if free_bytes < SHARED_MEMORY_BYTES:
        found = f"{place} has {free_bytes / 2**20:.1f} MiB left"
        return Check("shared memory", Verdict.DOUBTFUL, found, "make it larger (--shm-size of a container)")
    return Check("shared memory", Verdict.GOOD, f"{place} can be written")


def _port(name: str, address: Address) -> Check:
    """Whether the agent could listen there."""
    if address.port == 0:
        return Check(name, Verdict.GOOD, "any that is free")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind, protocol)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        remedy = "no agent of this state directory runs; stop what listens there, or choose another address"
        return Check(name, Verdict.BAD, f"{address} cannot be had: {why}", remedy)
    return Check(name, Verdict.GOOD, f"{address} is free")
