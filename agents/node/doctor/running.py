"""The agent that runs here, if one does: who holds the state directory's lock, and what it says of itself."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from api.errors import FairleadError
from api.hosting.address import Address
from api.hosting.checks import Check, Verdict, clock_check

NAME = "agent"
LOCKS = Path("/proc/locks")
ANSWER_S = 3.0


def is_locked(file: Path, locks: Path = LOCKS) -> bool:
    """Whether a process holds a flock on it. The kernel is asked: to try the lock would be in an agent's way."""
    try:
        inode = file.stat().st_ino
        held = locks.read_text("ascii", "replace")
    except OSError:
        return False
    # 1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF. On some file systems `stat` tells other numbers of the device.
    return any(row[1] == "FLOCK" and row[5].endswith(f":{inode}") for row in map(str.split, held.splitlines()))


def agent_checks(place: Path, node: str, group: str) -> Iterator[Check]:
    """`place`: the file by which a running agent is found. `node` and `group`: who it should be by the settings."""
    try:
        said = said_by(place)
    except Silence as error:
        words = f"one has the state directory and does not answer: {error.message}"
        remedy = "it may be starting; if it stays so, it hangs: end it, Envoy goes on and the next agent takes it over"
        yield Check(NAME, Verdict.DOUBTFUL, words, remedy)
        return
    yield _agent(said, node, group)
    ahead_s = said.get("upstream", {}).get("clock_ahead_s")
    if isinstance(ahead_s, int | float):
        yield clock_check(ahead_s)


def _agent(said: Mapping[str, Any], node: str, group: str) -> Check:
    found = f"version {said.get('version')} at {said['url']}, revision {said.get('served', {}).get('revision')}"
    if (said.get("node"), said.get("group")) != (node, group):
        who = f"it is node {said.get('node')} of group {said.get('group')}, and these settings are not"
        return Check(NAME, Verdict.DOUBTFUL, f"{found}; {who}", "ask with its own --config and flags")
    if said.get("ready"):
        return Check(NAME, Verdict.GOOD, f"{found}, ready")
    return Check(NAME, Verdict.DOUBTFUL, f"{found}, not ready: {said.get('reason')}", "this gateway gets no traffic")


class Silence(FairleadError):
    """No agent is found by that file, or it does not answer."""

    status = "UNAVAILABLE"
    exit_code = 4


def said_by(place: Path) -> dict[str, Any]:
    """What the running agent says of itself at /status, and at which `url`. `place` is the file by which it is found.

    Raises Silence; takes some seconds where it hangs.
    """
    try:
        address = Address.parse(json.loads(place.read_text())["http"])
        return {"url": f"http://{address}/status", **_status(address)}
    except OSError as error:
        raise Silence(error.strerror or str(error)) from error
    except (ValueError, KeyError, TypeError, FairleadError, http.client.HTTPException) as error:
        raise Silence(str(error)) from error


def _status(address: Address) -> dict[str, Any]:
    with closing(http.client.HTTPConnection(address.host, address.port, timeout=ANSWER_S)) as connection:
        connection.request("GET", "/status")
        said = json.loads(connection.getresponse().read())
    if not isinstance(said, dict):
        raise ValueError("what it says is no object")
    return said
