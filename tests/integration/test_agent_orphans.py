"""An agent that is PID 1 fetches the exit of processes that are nobody's, and leaves its own children to who waits."""

from __future__ import annotations

import subprocess
import sys

from tests.spine import ROOT

# In a process of its own, for what it asks of the kernel (PR_SET_CHILD_SUBREAPER) is for its whole life.
SUBREAPER = """
import ctypes, os, subprocess, sys, time
from agents.node.envoy.orphans import Orphans, adopts_orphans
from agents.node.envoy.processes import zombies_of

def until(condition):
    deadline_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)

assert not adopts_orphans()
assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0
assert adopts_orphans()

ours = subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"])
said = subprocess.run(["sh", "-c", "sh -c 'echo $$; exec sleep 0.1' & exit 0"], stdout=subprocess.PIPE)
orphan = int(said.stdout)
until(lambda: zombies_of(os.getpid()) == {ours.pid, orphan})

orphans = Orphans(lambda: {ours.pid})
orphans.look()
assert zombies_of(os.getpid()) == {ours.pid, orphan}, "one that was not there before may have somebody who waits"
orphans.look()
assert zombies_of(os.getpid()) == {ours.pid}
orphans.look()
assert ours.wait() == 7
print("done")
"""


def test_orphans_are_fetched_and_children_are_not() -> None:
    command = [sys.executable, "-c", SUBREAPER]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr
