"""`fairlead agent inspect`: what is on a node's disk, in words and for programs, with and without a running agent."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from agents.node.command import main
from agents.node.doctor import running
from agents.node.generations.floor import Floor
from agents.node.generations.inspection import inspected
from agents.node.generations.problems import NotUsable
from agents.node.generations.reading import Owner
from agents.node.generations.vault import KeyVault
from agents.node.inspecting import look_at
from agents.node.settings import AgentSettings, load_settings
from tests.builders import cluster, secret
from tests.generations import MADE_AT_S, OWNER, a_store, contents, good
from xds.protocol.types import SECRET

KEY = b"k" * 32


def settings_of(state: Path, **more: object) -> AgentSettings:
    return load_settings(flags={"state_dir": str(state), "node": OWNER.node, "group": OWNER.group, **more})


def a_state(state: Path) -> None:
    """A good generation without its secrets, a damaged one, a rejected one, and a candidate."""
    store = a_store(state / "generations")
    good(store, 1, cluster("web"), secret("pair"))
    good(store, 2)
    store.reject(store.write(contents(3), MADE_AT_S).number)
    store.write(contents(4), MADE_AT_S)
    (state / "generations" / "000002.good").write_bytes(b"?")
    Floor(state / "floor.json").raise_to(OWNER.group, 4)


def test_it_tells_what_is_there_and_what_is_wrong_with_it(tmp_path: Path) -> None:
    a_state(tmp_path)
    lines = list(look_at(settings_of(tmp_path)).lines(MADE_AT_S + 301))
    sizes = {path.name: f"{path.stat().st_size / 1024:.1f} KiB" for path in (tmp_path / "generations").iterdir()}
    assert lines == [
        "agent  does not run",
        f"disk   4 generations in {tmp_path}; no revision below 4 is taken",
        f"generation 4  candidate, revision 4, made 5m ago, {sizes['000004.candidate']}, 1 resource, digest ok",
        f"generation 3  rejected, revision 3, made 5m ago, {sizes['000003.rejected']}, 1 resource, digest ok",
        "generation 2  good",
        "    it does not begin like a generation",
        f"generation 1  good, revision 1, made 5m ago, {sizes['000001.good']}, 1 resource, digest ok",
        "    left out: secret/pair",
    ]


def test_it_tells_programs_the_same(tmp_path: Path) -> None:
    a_state(tmp_path)
    document = look_at(settings_of(tmp_path)).document(MADE_AT_S + 1.4)
    newest, _, damaged, oldest = document["generations"]
    assert (document["node"], document["group"], document["floor"], document["agent"]) == (*OWNER, 4, None)
    assert (newest["file"], newest["number"], newest["state"], newest["digest"]) == (
        "000004.candidate",
        4,
        "candidate",
        "ok",
    )
    assert (damaged["digest"], damaged["why"]) == ("", "it does not begin like a generation")
    assert (oldest["age_s"], oldest["made_at"]) == (0, "2023-11-14T22:13:21Z")
    assert oldest["left_out"] == [{"type_url": SECRET, "name": "pair"}]
    json.dumps(document)


def test_it_changes_nothing(tmp_path: Path) -> None:
    a_state(tmp_path)
    (tmp_path / "generations" / ".000005.candidate.writing").write_bytes(b"an agent writes this now")
    before = sorted((path.name, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file())
    look_at(settings_of(tmp_path))
    assert sorted((path.name, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()) == before


def test_what_is_sealed_is_told_apart_by_whether_it_opens(tmp_path: Path) -> None:
    good(a_store(tmp_path, vault=KeyVault(KEY)), 1, cluster("web"), secret("pair"))
    (opened,) = inspected(tmp_path, OWNER, KeyVault(KEY))
    (shut,) = inspected(tmp_path, OWNER, None)
    assert (opened.why, opened.sealed, opened.left_out) == ("", (), ())
    assert "sealed" in shut.why
    assert [name.name for name in shut.sealed] == ["pair"]


def test_whose_it_is_is_told_where_it_is_somebody_elses(tmp_path: Path) -> None:
    good(a_store(tmp_path), 1)
    (found,) = inspected(tmp_path, Owner("edge-2", "edges"), None)
    assert "it is of node 'edge-1'" in found.why
    assert found.summary is not None


def test_a_node_that_has_nothing_yet(tmp_path: Path) -> None:
    found = look_at(settings_of(tmp_path / "nowhere"))
    assert list(found.lines(0)) == ["agent  does not run", f"disk   no generations in {tmp_path}/nowhere"]
    assert found.floor is None


def test_a_directory_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "generations").write_text("a file")
    with pytest.raises(NotUsable, match=r"cannot read .*generations: Not a directory"):
        look_at(settings_of(tmp_path))


def test_a_key_that_cannot_be_read_and_a_damaged_floor_are_problems(tmp_path: Path) -> None:
    (tmp_path / "floor.json").write_text("?")
    found = look_at(settings_of(tmp_path, secrets="seal", secrets_key=str(tmp_path / "key")))
    assert [problem.split(":")[0] for problem in found.problems] == [
        f"cannot read secrets_key {tmp_path}/key",
        f"{tmp_path}/floor.json is not used",
    ]


@contextmanager
def an_agent(state: Path, answer: bytes) -> Iterator[None]:
    """Something that holds the state directory's lock, and answers at the address it has written."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Answering)
    (state / "agent.json").write_text(json.dumps({"http": f"127.0.0.1:{server.server_port}"}))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    lock = os.open(state / "lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is."""
    monkeypatch.setattr(running, "ANSWER_S", 60.0)


def test_a_running_agent_is_asked_what_it_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = {"version": "9", "envoy": {"phase": "live", "why": ""}, "served": {"revision": 7, "source": "disk"}}
    with an_agent(tmp_path, json.dumps(said).encode()):
        assert main(["inspect", "--state-dir", str(tmp_path)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert main(["inspect", "--state-dir", str(tmp_path), "-o", "json"]) == 0
        document = json.loads(capsys.readouterr().out)
    assert lines[0] == "agent  runs"
    assert [line.strip() for line in lines[2:6]] == [
        "version: 9",
        "envoy.phase: live",
        "served.revision: 7",
        "served.source: disk",
    ]
    assert document["agent"]["served"] == said["served"]


def test_times_are_told_by_how_far_off_they_are(tmp_path: Path) -> None:
    envoy = {"since_s": 100.5, "last_exit_s": 0.0, "restarts": 0}
    said = {"envoy": envoy, "generations": {"baked_s": 1_030, "fell_back_s": "soon"}}
    with an_agent(tmp_path, json.dumps(said).encode()):
        lines = [line.strip() for line in look_at(settings_of(tmp_path)).lines(1_000)]
    assert lines[2:6] == [
        "envoy.since: 14m ago",
        "envoy.restarts: 0",
        "generations.baked: in 30s",
        "generations.fell_back_s: soon",
    ]


@pytest.mark.parametrize("answer", [b"", b"[]", b"not json"])
def test_an_agent_that_talks_nonsense_is_a_problem_and_no_traceback(tmp_path: Path, answer: bytes) -> None:
    with an_agent(tmp_path, answer):
        found = look_at(settings_of(tmp_path))
    (problem,) = found.problems
    assert problem.startswith("an agent has the state directory and does not answer: ")
    assert found.said == {}
