"""What the agent's doctor makes of what it finds. The finding itself: tests/integration/test_agent_doctor.py."""

from __future__ import annotations

import fcntl
import resource
from pathlib import Path

import pytest
import trustme

from agents.node.doctor.certificate import certificate_check
from agents.node.doctor.examination import Examination
from agents.node.doctor.last_good import last_good_checks
from agents.node.doctor.machine import descriptors_check, machine_checks
from agents.node.doctor.probing import Probe
from agents.node.doctor.running import is_locked
from agents.node.doctor.state import ownership_check, state_checks
from agents.node.doctor.upstream import probe_checks
from agents.node.generations.file_names import FileName
from agents.node.generations.generation import State, Summary
from agents.node.generations.inspection import Inspected
from agents.node.settings import load_settings
from api.hosting.address import Address
from api.hosting.checks import Check, Verdict

DAY_S = 86400.0
NEAR, FAR = Address("127.0.0.1", 1), Address("127.0.0.1", 2)


def upstream(*probes: Probe, floor: int = 0, now_s: float = 0.0) -> dict[str, Check]:
    checks = probe_checks(probes, load_settings(), floor, now_s)
    return {check.name.removeprefix("upstream "): check for check in checks}


def test_an_upstream_that_fails_is_bad_only_while_no_other_can_be_used() -> None:
    broken, well = Probe(NEAR, "connection", "connection refused"), Probe(FAR, knows_group=True, revision=4)
    assert upstream(broken, well)[str(NEAR)].verdict is Verdict.DOUBTFUL
    assert upstream(broken, well)[str(FAR)].verdict is Verdict.GOOD
    assert upstream(broken)[str(NEAR)].verdict is Verdict.BAD
    assert "connection: connection refused" in upstream(broken)[str(NEAR)].found


@pytest.mark.parametrize(
    ("probe", "verdict", "words"),
    [
        (Probe(NEAR, knows_group=True, revision=7), Verdict.GOOD, "serves revision 7"),
        (Probe(NEAR, knows_group=True, revision=6), Verdict.BAD, "fairlead agent reset"),
        (Probe(NEAR, knows_group=False), Verdict.DOUBTFUL, "no group 'default'"),
        (Probe(NEAR, knows_group=None), Verdict.GOOD, "ready"),
        (Probe(NEAR, knows_group=True, certificate_ends_s=103 * DAY_S), Verdict.DOUBTFUL, "renew"),
        (Probe(NEAR, knows_group=True, certificate_ends_s=190 * DAY_S), Verdict.GOOD, "1970-07-10"),
    ],
)
def test_what_an_upstream_serves_is_held_against_what_was_taken(probe: Probe, verdict: Verdict, words: str) -> None:
    check = upstream(probe, floor=7, now_s=100 * DAY_S)[str(NEAR)]
    assert check.verdict is verdict
    assert words in f"{check.found} {check.remedy}"


def test_the_state_directory_is_its_owners_alone() -> None:
    place, root, agent, other = Path("/state"), 0, 900, 901
    assert ownership_check(place, agent, 0o700, agent).verdict is Verdict.GOOD
    assert ownership_check(place, agent, 0o700, root).verdict is Verdict.GOOD
    assert ownership_check(place, agent, 0o750, agent).verdict is Verdict.DOUBTFUL
    assert ownership_check(place, agent, 0o700, other).verdict is Verdict.BAD


def test_a_state_directory_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    (before,) = state_checks(directory)
    assert (before.verdict, directory.exists()) == (Verdict.GOOD, False)
    directory.mkdir(mode=0o700)
    checks = {check.name: check.verdict for check in state_checks(directory)}
    assert set(checks) == {"state directory", "disk", "space"}
    assert checks["disk"] is Verdict.GOOD
    assert list(directory.iterdir()) == []


def test_a_file_in_the_state_directorys_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    (check,) = state_checks(tmp_path / "state")
    assert check.verdict is Verdict.BAD


def test_few_descriptors_are_told() -> None:
    assert descriptors_check(1024, 524288).verdict is Verdict.DOUBTFUL
    assert "524288" in descriptors_check(1024, 524288).found
    assert descriptors_check(65536, 65536).verdict is Verdict.GOOD
    assert descriptors_check(resource.RLIM_INFINITY, resource.RLIM_INFINITY).verdict is Verdict.GOOD


def test_ports_are_looked_at_while_no_agent_has_them() -> None:
    settings = load_settings(flags={"http_address": "127.0.0.1:0"})
    assert "http port" in {check.name for check in machine_checks(settings, agent_runs=False)}
    assert "http port" not in {check.name for check in machine_checks(settings, agent_runs=True)}


def test_a_certificate_is_looked_at_before_it_ends(tmp_path: Path) -> None:
    file, issued = tmp_path / "me.pem", trustme.CA().issue_cert("edge-1")
    issued.cert_chain_pems[0].write_to_path(str(file))
    from cryptography import x509

    ends_s = x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc.timestamp()
    assert certificate_check(file, ends_s - 300 * DAY_S).verdict is Verdict.GOOD
    assert certificate_check(file, ends_s - 3 * DAY_S).verdict is Verdict.DOUBTFUL
    assert certificate_check(file, ends_s + 1).verdict is Verdict.BAD
    assert certificate_check(file, 0).remedy == "is this machine's clock right?"
    file.write_text("no certificate")
    assert certificate_check(file, 0).verdict is Verdict.BAD
    assert certificate_check(tmp_path / "none", 0).verdict is Verdict.BAD


def test_a_lock_is_seen_without_being_tried(tmp_path: Path) -> None:
    file, locks = tmp_path / "lock", tmp_path / "locks"
    file.write_text("")
    place = f"08:01:{file.stat().st_ino}"
    locks.write_text(f"1: POSIX  ADVISORY  WRITE 7 {place} 0 EOF\n2: FLOCK  ADVISORY  WRITE 8 00:01:2 0 EOF\n")
    assert not is_locked(file, locks)
    locks.write_text(f"1: FLOCK  ADVISORY  WRITE 7 {place} 0 EOF\n")
    assert is_locked(file, locks)
    locks.write_text(f"1: -> FLOCK  ADVISORY  WRITE 7 {place} 0 EOF\n")  # one that waits for it
    assert not is_locked(file, locks)
    assert not is_locked(tmp_path / "none", locks)


def test_the_kernels_own_list_is_understood(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as file:
        assert not is_locked(tmp_path / "lock")
        fcntl.flock(file, fcntl.LOCK_EX)
        assert is_locked(tmp_path / "lock")


def a_generation(state: State = "good", why: str = "", number: int = 3, made_at_s: int = 1000) -> Inspected:
    told = Summary(number, "good", "edge-1", "edge", 7, made_at_s, "", 12, 2, 0, 4096)
    return Inspected(FileName(number, state), why, told)


def last_good(*found: Inspected, now_s: float = 4600.0) -> dict[str, Check]:
    return {check.name: check for check in last_good_checks(found, now_s)}


def test_the_newest_good_generation_is_told() -> None:
    (check,) = last_good(a_generation(), a_generation(number=2)).values()
    assert check.verdict is Verdict.GOOD
    assert check.found == (
        "2 good; the newest has revision 7 and 12 resources, without 2 that hold secrets, made 60m ago"
    )


def test_a_start_that_would_have_nothing_is_told() -> None:
    for found in ((), (a_generation("candidate"),), (a_generation(why="it is of another node"),)):
        assert last_good(*found)["generations"].verdict is Verdict.DOUBTFUL


def test_what_is_passed_over_is_told() -> None:
    checks = last_good(Inspected(FileName(4, "good"), "its digest is wrong"), a_generation())
    assert checks["generations"].verdict is Verdict.GOOD
    assert "000004.good: its digest is wrong" in checks["passed over"].found


def test_a_clock_that_went_back_is_seen() -> None:
    assert "60m" in last_good(a_generation(), now_s=-2600.0)["clock"].found
    assert "clock" not in last_good(a_generation(), now_s=990.0)


def test_what_is_wrong_here_counts_before_what_does_not_answer() -> None:
    good, bad, doubtful = (Check("one", verdict, "") for verdict in (Verdict.GOOD, Verdict.BAD, Verdict.DOUBTFUL))
    assert Examination([good, doubtful], [doubtful]).exit_code == 0
    assert Examination([good], [bad]).exit_code == 4
    assert Examination([bad], [bad]).exit_code == 3
