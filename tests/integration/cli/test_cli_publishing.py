"""Plan, apply and rollback: what is stored, what is refused, and with which exit code."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.commands import (
    CLUSTER,
    CLUSTER_TYPE,
    Documents,
    finished,
    started,
    told,
)
from tests.spine import ServerProcess


def test_plan_apply_plan_tells_what_would_change_and_then_nothing(server: ServerProcess, documents: Documents) -> None:
    documents.cluster()
    planned = told(server.run("plan", str(documents), "--exit-code"), 1)
    lines = planned.out.splitlines()
    assert lines[0] == f"+ EnvoyResource web   {documents.directory}/web.yaml:1"
    assert lines[-2:] == [
        "xDS: 1 cluster added. Reaches 0 of 0 gateways.",
        f"Drains no listener. Warms 1 cluster. Base: none, the group {documents.group} is new",
    ]
    assert told(server.run("apply", str(documents)), 0).out == "revision 1 stored.\n"
    assert told(server.run("plan", str(documents), "--exit-code"), 0).out.splitlines()[-1] == "Base: revision 1"


def test_plan_shows_the_field_that_changes(server: ServerProcess, documents: Documents) -> None:
    told(server.run("apply", str(documents.cluster())), 0)
    planned = told(server.run("plan", str(documents.cluster(timeout="2s")), "-o", "json"), 0).json()
    [change] = planned["changes"]
    assert (change["kind"], change["name"], change["type_url"]) == ("changed", "web", CLUSTER_TYPE)
    assert change["fields"] == [{"path": "connect_timeout", "before": "1s", "after": "2s"}]
    assert (planned["base"], planned["resources_before"], planned["resources_removed"]) == (1, 1, 0)
    lines = told(server.run("plan", str(documents)), 0).out.splitlines()
    assert lines == [
        "~ EnvoyResource web   connect_timeout: 1s -> 2s",
        "xDS: 1 cluster changed. Reaches 0 of 0 gateways.",
        "warms cluster web anew: its connections to backends are closed",
        "Drains no listener. Warms 1 cluster. Base: revision 1",
    ]
    wide = told(server.run("plan", str(documents), "-o", "wide"), 0).out.splitlines()
    assert wide[:2] == [lines[0], "~ cluster web  connect_timeout: 1s -> 2s"]
    assert planned["objects"][0]["fields"] == change["fields"]
    assert planned["warmings"] == [{"cluster": "web", "rebuilt": True}]


def test_dry_run_stores_nothing(server: ServerProcess, documents: Documents) -> None:
    dry = told(server.run("apply", str(documents.cluster()), "--dry-run"), 0)
    assert dry.out.startswith("+ ")
    told(server.run("history", "--group", documents.group), 3)


def test_applying_the_same_again_stores_nothing(server: ServerProcess, documents: Documents) -> None:
    told(server.run("apply", str(documents.cluster())), 0)
    again = told(server.run("apply", str(documents), "-o", "json"), 0).json()
    assert (again["created"], again["revision"]["number"]) == (False, 1)


def test_one_idempotency_key_publishes_once(server: ServerProcess, documents: Documents) -> None:
    key = ("--idempotency-key", documents.group)
    assert told(server.run("apply", str(documents.cluster()), *key, "-o", "name"), 0).out == "1\n"
    again = told(server.run("apply", str(documents), *key, "-o", "json"), 0).json()
    assert (again["created"], again["revision"]["number"]) == (False, 1)
    other = told(server.run("apply", str(documents.cluster(timeout="3s")), *key), 5)
    assert "has already made revision 1" in other.err


def test_removing_more_than_a_tenth_needs_a_yes(server: ServerProcess, documents: Documents) -> None:
    told(server.run("apply", str(documents.cluster("a").cluster("b"))), 0)
    (documents.directory / "b.yaml").unlink()
    refused = told(server.run("apply", str(documents)), 3)
    assert "removes 1 of 2 resources" in refused.err
    assert "--yes" in refused.err
    assert told(server.run("apply", str(documents), "--yes"), 0).out == "revision 2 stored.\n"
    refused = told(server.run("rollback", "1", "--group", documents.group, "--dry-run"), 0)
    assert refused.out == "+ cluster b  b.yaml:1\n"


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 3), ("\n", 3), ("", 130)], ids=["y", "n", "-", "^C"])
def test_on_a_terminal_removing_much_is_asked(
    server: ServerProcess, documents: Documents, answer: str, code: int
) -> None:
    told(server.run("apply", str(documents.cluster("a").cluster("b"))), 0)
    (documents.directory / "b.yaml").unlink()
    person, terminal = os.openpty()
    process = started(server, "apply", str(documents), terminal=terminal)
    os.close(terminal)
    asked = b""
    while b"[y/N]" not in asked:
        asked += os.read(person, 1024)
    if answer:
        os.write(person, answer.encode())
    else:
        process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    out = process.stdout.read()
    assert (process.wait(30), out) == (code, "revision 2 stored.\n" if code == 0 else "")
    os.close(person)


def test_a_directory_without_documents_is_refused(server: ServerProcess, documents: Documents) -> None:
    (documents.directory / "fairlead.yaml").unlink()
    assert "no documents" in told(server.run("apply", str(documents)), 3).err


def test_partial_refuses_only_what_cannot_be_read(server: ServerProcess, documents: Documents) -> None:
    documents.cluster("good")
    (documents.directory / "bad.yaml").write_text("kind: [")
    assert "bad.yaml:" in told(server.run("apply", str(documents)), 3).err
    done = told(server.run("apply", str(documents), "--partial"), 0)
    assert "bad.yaml:" in done.err
    shown = told(server.run("show", "1", "--group", documents.group), 0).out
    assert "name: good" in shown
    assert "# not shown: this is not YAML" in shown


def test_a_file_less_among_twenty_needs_no_yes(server: ServerProcess, documents: Documents) -> None:
    for number in range(20):
        documents.cluster(f"c{number}")
    told(server.run("apply", str(documents)), 0)
    (documents.directory / "c0.yaml").unlink()
    told(server.run("apply", str(documents)), 0)


def test_a_stale_base_is_a_conflict_that_names_the_winner(server: ServerProcess, documents: Documents) -> None:
    told(server.run("apply", str(documents.cluster())), 0)
    told(server.run("apply", str(documents.cluster(timeout="2s"))), 0)
    lost = told(server.run("apply", str(documents.cluster(timeout="3s")), "--base", "1"), 5)
    assert "revision 2 by" in lost.err
    assert lost.out == ""
    assert lost.err.count("has moved on") == 1


def test_two_terminals_at_once_are_one_revision_and_one_conflict(server: ServerProcess, documents: Documents) -> None:
    told(server.run("apply", str(documents.cluster())), 0)
    other = Documents(documents.directory.with_name("other"), documents.group)
    other.directory.mkdir()
    other.named("shop").cluster(timeout="5s")
    documents.cluster(timeout="6s")
    running = [started(server, "apply", str(each), "--base", "1") for each in (documents, other)]
    ended = sorted(finished(process).code for process in running)
    assert ended == [0, 5]
    assert len(told(server.run("history", "--group", documents.group, "-o", "json"), 0).json()["revisions"]) == 2


def test_a_name_of_another_workspace_is_a_conflict_that_says_whose(
    server: ServerProcess, documents: Documents, tmp_path: Path
) -> None:
    told(server.run("apply", str(documents.cluster())), 0)
    other = Documents(tmp_path / "other", documents.group)
    other.directory.mkdir()
    other.named("other").cluster()
    for command in ("plan", "apply"):
        lost = told(server.run(command, str(other)), 5)
        assert "shop" in lost.err
        assert f"{other.directory}/web.yaml:" in lost.err


def test_history_diff_show_and_rollback_tell_one_story(server: ServerProcess, documents: Documents) -> None:
    group = ("--group", documents.group)
    told(server.run("apply", str(documents.cluster()), "-m", "first"), 0)
    told(server.run("apply", str(documents.cluster(timeout="2s")), "-m", "slower"), 0)
    assert told(server.run("diff", *group, "--exit-code"), 1).out == "~ cluster web  connect_timeout: 1s -> 2s\n"
    assert told(server.run("diff", "1", "1", *group, "--exit-code"), 0).out == ""
    assert told(server.run("diff", "0", "1", *group, "-o", "name"), 0).out == "cluster/web\n"

    assert told(server.run("rollback", "1", *group), 0).out == "revision 3 stored.\n"
    history = told(server.run("history", *group, "-o", "json"), 0).json()
    assert [one["number"] for one in history["revisions"]] == [3, 2, 1]
    assert [one["message"] for one in history["revisions"]][1:] == ["slower", "first"]
    assert history["revisions"][0]["rolled_back_to"] == 1
    assert history["revisions"][0]["snapshot"] == history["revisions"][2]["snapshot"]

    first, third = (told(server.run("show", number, *group, "-o", "json"), 0).json() for number in ("1", "3"))
    assert first["resources"] == third["resources"]
    assert first["resources"][0]["body"]["connect_timeout"] == "1s"
    shown = told(server.run("show", "2", *group), 0).out
    assert "connect_timeout: 2s" in shown
    assert "# shop: web.yaml" in shown


def test_a_file_with_mistakes_is_refused_with_clickable_places(server: ServerProcess, documents: Documents) -> None:
    (documents.cluster().directory / "web.yaml").write_text(
        CLUSTER.format(name="web", timeout="1s").replace("connect", "conect")
    )
    for command in ("validate", "render", "plan", "apply"):
        done = told(server.run(command, "shop", cwd=documents.directory.parent), 3)
        printed = done.out if command == "validate" else done.err
        assert re.search(r"^shop/web\.yaml:7:3 error E\d{4} .*conect_timeout.*did you mean", printed, re.M), done
        assert "  7 |   conect_timeout: 1s" in printed


def test_a_plan_reports_what_is_wrong_for_ci(server: ServerProcess, documents: Documents) -> None:
    documents.cluster("web", "0s")
    refused = told(server.run("plan", str(documents), "-o", "github"), 3)
    assert refused.out.startswith(f"::error file={documents}/web.yaml,line=7,col=20,title=E0401 ")
    documents.cluster("web", "1s")
    assert told(server.run("plan", str(documents), "-o", "sarif", "--exit-code"), 1).json()["runs"][0]["results"] == []
