"""The agent that runs here, if one does: who holds the state directory's lock, and what it says of itself."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from pathlib import Path
from typing import Any

from api.hosting.address import Address
from api.hosting.checks import Check, Verdict

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


def agent_check(place: Path) -> Check:
    """`place`: the file by which a running agent is found."""
    try:
        address = Address.parse(json.loads(place.read_text())["http"])
        said = _status(address)
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as error:
        remedy = "it may be starting; if it stays so, it hangs: end it, Envoy goes on and the next agent takes it over"
        return Check(NAME, Verdict.DOUBTFUL, f"one has the state directory and does not answer: {error}", remedy)
    found = f"version {said.get('version')} at http://{address}/status, revision {said.get('revision')}"
    if said.get("ready"):
        return Check(NAME, Verdict.GOOD, f"{found}, ready")
    return Check(NAME, Verdict.DOUBTFUL, f"{found}, not ready: {said.get('reason')}", "this gateway gets no traffic")


def _status(address: Address) -> dict[str, Any]:
    with closing(http.client.HTTPConnection(address.host, address.port, timeout=ANSWER_S)) as connection:
        connection.request("GET", "/status")
        said = json.loads(connection.getresponse().read())
    if not isinstance(said, dict):
        raise ValueError("what it says is no object")
    return said
