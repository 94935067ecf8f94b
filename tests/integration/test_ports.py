"""Ports that are chosen now and bound later: nobody else is given them in between."""

from __future__ import annotations

import socket
import subprocess
import sys

from snapshots.store.etcd.ports import BLOCK, PORTS, free_port
from tests.spine import ROOT

MANY = BLOCK * 2
ANOTHER = f"from snapshots.store.etcd.ports import free_port; print(*(free_port() for _ in range({MANY})))"


def test_no_port_is_given_twice_here_or_in_another_process() -> None:
    ours = [free_port() for _ in range(MANY)]
    another = subprocess.run((sys.executable, "-c", ANOTHER), capture_output=True, text=True, cwd=ROOT, check=True)
    theirs = [int(port) for port in another.stdout.split()]

    assert len({*ours, *theirs}) == 2 * MANY
    assert all(port in PORTS for port in (*ours, *theirs))


def test_a_port_that_somebody_holds_is_not_given() -> None:
    following = free_port() + 1
    while (following - PORTS.start) % BLOCK == 0:  # the next block may be another's
        following = free_port() + 1
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", following))
        assert free_port() != following
