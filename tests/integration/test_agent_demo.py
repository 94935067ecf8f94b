"""`make demo-agent` keeps its promise: servers and etcd killed, a gateway restarted, and nobody else hears of it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.spine import ROOT


@pytest.mark.envoy
@pytest.mark.etcd
def test_the_demo_of_the_agent_holds_what_it_says() -> None:
    done = subprocess.run(
        (sys.executable, "-m", "examples.demo.agent"),
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"edge-1: \d+ answered; 0 failed", done.stdout)
    assert re.search(r"edge-2: \d+ answered; [1-9]\d* failed while it was down for [\d.]+ s, 0 besides", done.stdout)
