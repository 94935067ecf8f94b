"""What a hostile or hurried user gives to the real command line: every time an exit code, words, and nothing stored.

One server for the file, with the store in memory; whoever stores something has a group of their own. Which mistake is
found where is the corpus's (tests/unit/test_authoring_corpus.py); here they travel the whole way.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from api.errors import InvalidConfig
from api.management.client import ManagementClient, upload_requests
from api.management.details import DETAILS_KEY
from api.management.v1 import management_pb2 as pb
from api.management.v1 import management_pb2_grpc as rpc
from snapshots.model import Document
from tests.spine import FAIRLEAD, ROOT, Done, ServerProcess, wait_for
from tests.unit.test_authoring_corpus import CORPUS, expectations

CLUSTER = """\
apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata: {{name: "{name}"}}
spec:
  "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: "{name}"
  connect_timeout: {timeout}
"""
MANY = 20_000
FILES = 20
MIB = 1024 * 1024
ESCAPE = "\x1b[2J\x1b[31mred"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("server"), "--memory").start()
    yield process
    assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20,000 documents in 20 files, of a group that is never stored."""
    directory = workspace(tmp_path_factory.mktemp("many"), group="many")
    for file in range(FILES):
        names = (f"n{file}-{number}" for number in range(MANY // FILES))
        (directory / f"{file}.yaml").write_text("---\n".join(CLUSTER.format(name=name, timeout="1s") for name in names))
    return directory


def workspace(directory: Path, group: str) -> Path:
    text = f"apiVersion: fairlead.dev/v1\nkind: Workspace\nmetadata: {{name: shop}}\nspec: {{group: {group}}}\n"
    (directory / "fairlead.yaml").write_text(text)
    return directory


def refused(done: Done, code: int = 3) -> str:
    """What it said; checks that it is a refusal fit for people."""
    assert done.code == code, (done.code, done.out[-500:], done.err[-500:])
    assert "Traceback" not in done.err
    assert "bug" not in done.err.splitlines()[-1]
    return done.err


def has_stored_nothing(server: ServerProcess, group: str) -> bool:
    done = server.run("history", "--group", group)
    return done.code == 3 and f"no group '{group}'" in done.err.replace('"', "'")


def test_every_wrong_document_is_refused_in_one_go_with_its_place(server: ServerProcess) -> None:
    """Broken YAML, duplicate keys, anchors, tags, depth, not UTF-8; kinds, types, fields, rules; names given twice."""
    said = refused(server.run("apply", str(CORPUS / "wrong")))

    wrong = [(name, place.split()) for name, found in expectations() for place in found if " E" in place]
    missing = [
        name
        for name, (place, code) in wrong
        # A Workspace elsewhere than in fairlead.yaml is wrong for that alone. What objects are to one another depends
        # on the directory: here most have a name that another file has too, and then the first counts. So it is
        # with what a patch changes.
        if not name.startswith(("workspace-", "patch-")) and code[:3] != "E11" and code != "E0203"
        if f"{name}.yaml:{place} error {code} " not in said
    ]
    assert missing == []
    assert "nothing was stored" in said
    assert has_stored_nothing(server, "default")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x" * (4 * MIB + 1), ("E0601", "larger than 4 MiB", "split it")),
        (CLUSTER.format(name="web", timeout="1s") + "# " + "x" * MIB, ("E0111", "1,048,576 characters", "split it")),
        (
            CLUSTER.format(name="web", timeout="1s") + f"  alt_stat_name: {'€' * 400_000}\n",
            ("E0602", "a resource may have", "split it"),
        ),
    ],
    ids=["file", "document", "resource"],
)
def test_what_is_too_large_is_named_with_its_limit(
    server: ServerProcess, tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    (workspace(tmp_path, group="large") / "large.yaml").write_text(text)

    said = refused(server.run("apply", str(tmp_path)))

    assert "large.yaml" in said
    assert [word for word in words if word not in said] == []
    assert len(said) < 2000, "the line that is too long is not printed whole"
    assert has_stored_nothing(server, "large")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00kind", b"kind: [", b"- &a [*a, *a]"], ids=["bytes", "yaml", "bomb"])
def test_standard_input_is_checked_like_a_file(server: ServerProcess, content: bytes) -> None:
    command = (*FAIRLEAD, "apply", "-", "--server", server.management)
    ended = subprocess.run(command, input=content, capture_output=True, cwd=ROOT, timeout=90, check=False)
    said = refused(Done(ended.returncode, ended.stdout.decode(), ended.stderr.decode()))
    assert said.startswith("<stdin>:")
    assert has_stored_nothing(server, "default")


def test_a_pipe_whose_other_end_failed_is_no_wish_to_serve_nothing(server: ServerProcess) -> None:
    command = (*FAIRLEAD, "apply", "-", "--server", server.management)
    ended = subprocess.run(command, input=b"\n", capture_output=True, cwd=ROOT, timeout=90, check=False)
    assert "there are no documents" in refused(Done(ended.returncode, ended.stdout.decode(), ended.stderr.decode()))
    assert has_stored_nothing(server, "default")


def test_one_mistake_among_20_000_documents_refuses_them_all_and_is_the_one_that_is_told(
    server: ServerProcess, many: Path
) -> None:
    wrong = many / "wrong.yaml"
    wrong.write_text(CLUSTER.format(name="wrong", timeout="soon"))
    try:
        said = refused(server.run("apply", str(many)))
    finally:
        wrong.unlink()
    assert [line for line in said.splitlines() if " error E" in line] == [
        f'{wrong}:7:20 error E0306 expected a duration such as 1.5s, found the string "soon"; '
        "a number of seconds and the letter s"
    ]
    assert has_stored_nothing(server, "many")


def test_ctrl_c_while_documents_travel_ends_at_once_and_stores_nothing(server: ServerProcess, many: Path) -> None:
    """Documents are parsed on the server for seconds: whenever it comes, it falls into the upload or the plan."""
    process = subprocess.Popen(
        (*FAIRLEAD, "apply", str(many), "--server", server.management),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    wait_for(lambda: is_connected_to(process.pid, server.management), "the command to connect")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=90)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert has_stored_nothing(server, "many")


def test_60_mib_travel_and_70_are_refused(server: ServerProcess, tmp_path: Path) -> None:
    """The documents are comments but for one, which is wrong: so that it is known to have been read."""
    workspace(tmp_path, group="heavy")
    comment = "# " + "x" * 1000 + "\n"
    for number in range(60):
        (tmp_path / f"{number}.yaml").write_text(comment * (MIB // len(comment)))
    (tmp_path / "last.yaml").write_text(CLUSTER.format(name="last", timeout="soon"))
    assert "last.yaml:7:20 error E0306" in refused(server.run("apply", str(tmp_path)))

    for number in range(60, 70):
        (tmp_path / f"{number}.yaml").write_text(comment * (MIB // len(comment)))
    assert "larger than 64 MiB; split the workspace" in refused(server.run("apply", str(tmp_path)))
    assert has_stored_nothing(server, "heavy")


def thousands_of_mistakes() -> Document:
    wrong = (CLUSTER.format(name=f"n{number}", timeout="soon") for number in range(3000))
    return Document("wrong.yaml", "---\n".join(wrong).encode())


async def test_thousands_of_findings_fit_into_an_error_and_say_how_many_do_not(server: ServerProcess) -> None:
    async with ManagementClient(server.management, 90) as client:
        with pytest.raises(InvalidConfig) as caught:
            await client.publish([thousands_of_mistakes()], group="findings")
    *told, last = caught.value.findings
    assert len(told) > 100
    assert {finding.code for finding in told} == {"E0306"}
    assert last.message == f"{3000 - len(told)} more findings are not shown"
    assert has_stored_nothing(server, "findings")


async def test_a_client_with_grpcs_own_limits_gets_an_error_that_it_can_read(server: ServerProcess) -> None:
    """8 KiB of metadata: more would turn the refusal into RESOURCE_EXHAUSTED."""
    async with grpc.aio.insecure_channel(server.management) as channel:
        requests = upload_requests(pb.UploadHeader(group="findings"), [thousands_of_mistakes()])
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await rpc.ManagementStub(channel).Publish(requests)  # type: ignore[no-untyped-call]
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    details = {key: value for key, value in caught.value.trailing_metadata() or () if key == DETAILS_KEY}
    findings = pb.ErrorDetails.FromString(details[DETAILS_KEY]).findings  # type: ignore[arg-type]
    assert "more findings are not shown" in findings[-1].message


def test_terminals_at_once_are_never_silently_lost(server: ServerProcess, tmp_path: Path) -> None:
    """No base is given, each takes its own plan's. Who is told "stored" is in the history, who is not knows why."""
    sites = []
    for number in range(4):
        (tmp_path / str(number)).mkdir()
        sites.append(workspace(tmp_path / str(number), group="terminals"))
        (sites[-1] / "web.yaml").write_text(CLUSTER.format(name="web", timeout=f"{number + 1}s"))
    processes = [
        subprocess.Popen(
            (*FAIRLEAD, "apply", str(site), "--server", server.management, "-m", site.name),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        )
        for site in sites
    ]  # fmt: skip
    ended = [
        (site.name, *process.communicate(timeout=90), process.returncode)
        for site, process in zip(sites, processes, strict=True)
    ]

    stored = {name: out for name, out, _, code in ended if code == 0}
    history = server.run("history", "--group", "terminals", "-o", "json").json()["revisions"]
    assert {one["message"]: f"revision {one['number']} stored.\n" for one in history} == stored
    lost = [(err, code) for _, _, err, code in ended if code]
    assert all(code == 5 and "was first" in err and "revision " in err for err, code in lost)


def test_nothing_that_was_named_steers_the_terminal(server: ServerProcess, tmp_path: Path) -> None:
    group = ("--group", "steered")
    (workspace(tmp_path, group="steered") / "web.yaml").write_text(CLUSTER.format(name="web", timeout="1s"))
    assert server.run("apply", str(tmp_path), "--message", ESCAPE).code == 0
    good = (("history", *group), ("show", "0", *group), ("events", *group), ("history", *group, "-o", "json"))
    bad = (
        ("why", ESCAPE, *group), ("history", "--group", ESCAPE), ("node", ESCAPE, "config"), ("apply", ESCAPE),
        (ESCAPE,), ("status", "--server", ESCAPE), ("apply", f"--{ESCAPE}"),
    )  # fmt: skip
    for arguments in (*good, *bad):
        done = server.run(*arguments)
        assert (done.code == 0) is (arguments in good), done
        assert "\x1b" not in done.out + done.err, done
        assert "[31mred" in done.out + done.err, "it is shown all the same"


def test_the_server_may_be_named_after_any_command_that_asks_it(server: ServerProcess, tmp_path: Path) -> None:
    (workspace(tmp_path, group="named") / "web.yaml").write_text(CLUSTER.format(name="web", timeout="1s"))
    group, somewhere = ("--group", "named"), ServerProcess(tmp_path / "no-server")  # its address, where nobody listens
    commands = (
        ("plan", str(tmp_path)), ("apply", str(tmp_path)), ("status",), ("nodes",), ("history", *group),
        ("show", "1", *group), ("diff", "0", "1", *group), ("why", "web", *group), ("rollback", "1", *group),
        ("events", *group), ("doctor",),
    )  # fmt: skip
    for arguments in commands:
        done = somewhere.run(*arguments, "--server", server.management, cwd=tmp_path)
        assert done.code == 0, (arguments, done)


def is_connected_to(pid: int, address: str) -> bool:
    """Whether a process has an open connection to this port."""
    port = f":{int(address.rpartition(':')[2]):04X}"
    tables = [Path(f"/proc/{pid}/net/tcp"), Path(f"/proc/{pid}/net/tcp6")]
    rows = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    return any(row[2].endswith(port) and row[3] == "01" for row in rows)
