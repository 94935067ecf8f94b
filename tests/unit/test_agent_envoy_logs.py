"""What Envoy says, kept in bounded files while it goes on to write."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from agents.node.envoy.child import environment
from agents.node.envoy.logs import cut_if_large, last_lines, older, opened


def test_a_large_log_is_cut_and_the_writer_goes_on_at_its_new_end(tmp_path: Path) -> None:
    log = tmp_path / "envoy.log"
    with opened(log) as descriptor:
        os.write(descriptor, b"a" * 100)
        assert not cut_if_large(log, limit_bytes=101)
        assert cut_if_large(log, limit_bytes=100)
        os.write(descriptor, b"b")
    assert (log.read_bytes(), older(log).read_bytes()) == (b"b", b"a" * 100)
    assert {stat.S_IMODE(each.stat().st_mode) for each in (log, older(log))} == {0o600}


def test_the_last_lines_are_told_without_reading_all(tmp_path: Path) -> None:
    log = tmp_path / "envoy.log"
    log.write_bytes(b"x" * 10_000_000 + b"\none\n\ntwo \xff\nthree\n")
    assert last_lines(log, 2) == "\n  two �\n  three"
    assert last_lines(tmp_path / "none") == ""


def test_where_no_file_can_be_written_what_is_said_is_lost_and_nothing_fails(tmp_path: Path) -> None:
    with opened(tmp_path / "none" / "envoy.log") as descriptor:
        assert os.write(descriptor, b"lost") == 4
    assert not cut_if_large(tmp_path / "none" / "envoy.log")


def test_envoy_gets_the_environment_but_for_the_agents_own() -> None:
    ours = {"PATH": "/bin", "AWS_REGION": "eu", "FAIRLEAD_AGENT_SECRETS_KEY": "/run/key"}
    assert environment(ours) == {"PATH": "/bin", "AWS_REGION": "eu"}
