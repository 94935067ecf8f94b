"""Validate and render, which need no server; and every command when there is none."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from snapshots.store.etcd.ports import free_port
from tests.commands import (
    CLUSTER,
    CLUSTER_TYPE,
    Documents,
    offline,
    told,
)
from tests.spine import ServerProcess


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind: [", r"web\.yaml:\d+:\d+ error E0101"),
        ("a: 1\na: 2\n", r"web\.yaml:2:1 error E0106"),
        ("apiVersion: fairlead.dev/v1\nkind: Cluster\nmetadata: {name: x}\nspec: {}\n", r"web\.yaml:2:7 error E0205"),
        (CLUSTER.format(name="web", timeout="1s").replace("v3.Cluster", "v3.Clutser"), r"did you mean"),
        (CLUSTER.format(name="web", timeout="soon"), r"web\.yaml:7:20 error"),
    ],
    ids=["broken yaml", "duplicate key", "unknown kind", "unknown type", "bad value"],
)
def test_validate_names_line_and_code(documents: Documents, text: str, words: str) -> None:
    (documents.directory / "web.yaml").write_text(text)
    done = told(offline("validate", str(documents)), 3)
    assert re.search(words, done.out), done
    assert re.search(r"^\d errors? in 2 files \(\d\.\d s\)$", done.err, re.M), done
    [finding, *_] = told(offline("validate", str(documents), "-o", "json"), 3).json()["findings"]
    assert finding["path"] == f"{documents.directory}/web.yaml"


def test_validate_reads_standard_input_and_is_quiet_when_all_is_well(documents: Documents) -> None:
    done = offline("validate", "-", stdin=CLUSTER.format(name="web", timeout="1s"))
    assert told(done, 0).out == ""
    assert done.err.startswith("no errors in 1 file")


def test_render_is_the_contract_and_stable(documents: Documents) -> None:
    documents.cluster("b").cluster("a")
    first, again = (told(offline("render", str(documents), "-o", "json"), 0) for _ in range(2))
    assert first.out == again.out
    resources = first.json()["resources"]
    assert [sorted(one) for one in resources] == [["body", "name", "type_url", "version"]] * 2
    assert [one["name"] for one in resources] == ["a", "b"]
    assert resources[0]["body"] == {"@type": CLUSTER_TYPE, "name": "a", "connect_timeout": "1s"}
    assert told(offline("render", str(documents), "-o", "name"), 0).out == "cluster/a\ncluster/b\n"


def test_render_explains_where_values_come_from(documents: Documents) -> None:
    place = f"{documents.cluster('a').directory / 'a.yaml'}"
    lines = told(offline("render", str(documents), "--explain"), 0).out.splitlines()
    assert lines[:2] == ["---", "# cluster/a"]
    timeout = next(line for line in lines if line.startswith("connect_timeout"))
    assert timeout.split("  # ")[1].startswith(f"{place}:")
    (resource,) = told(offline("render", str(documents), "--explain", "-o", "json"), 0).json()["resources"]
    origin = resource["origins"]["/connect_timeout"]
    assert (origin["how"], origin["object"], origin["field"]) == ("document", "EnvoyResource a", "spec.connect_timeout")
    assert timeout.endswith(f"{place}:{origin['line']}")


def test_what_is_served_is_what_was_rendered(server: ServerProcess, documents: Documents) -> None:
    rendered = told(offline("render", str(documents.cluster()), "-o", "json"), 0).json()["resources"]
    told(server.run("apply", str(documents)), 0)
    shown = told(server.run("show", "1", "--group", documents.group, "-o", "json"), 0).json()["resources"]
    assert [{key: one[key] for key in ("type_url", "name", "version", "body")} for one in shown] == rendered


def test_a_time_to_live_is_planned_rendered_and_shown(server: ServerProcess, documents: Documents) -> None:
    told(server.run("apply", str(documents.cluster())), 0)
    file = documents.directory / "web.yaml"
    file.write_text(file.read_text().replace("{name: web}", "{name: web, annotations: {fairlead.dev/ttl: 30s}}"))
    planned = told(server.run("plan", str(documents), "-o", "json"), 0).json()
    assert planned["changes"][0]["fields"] == [{"path": "fairlead.dev/ttl", "after": "30s"}]
    (rendered,) = told(offline("render", str(documents), "-o", "json"), 0).json()["resources"]
    told(server.run("apply", str(documents)), 0)
    (shown,) = told(server.run("show", "2", "--group", documents.group, "-o", "json"), 0).json()["resources"]
    assert (rendered["ttl"], shown["ttl"]) == ("30s", "30s")


def test_without_a_server_every_command_that_needs_one_ends_with_4(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(CLUSTER.format(name="web", timeout="1s"))
    nobody = f"127.0.0.1:{free_port()}"
    for arguments in (
        ["status"],
        ["nodes"],
        ["plan", str(tmp_path)],
        ["apply", str(tmp_path)],
        ["events", "-f"],
        ["doctor"],
    ):
        done = told(offline(*arguments, "--server", nobody), 4)
        assert nobody in done.err + done.out


def test_an_address_that_accepts_and_never_speaks_is_no_server() -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        assert address in told(offline("status", "--server", address), 4).err


def test_time_that_is_over_ends_what_would_go_on(server: ServerProcess) -> None:
    done = told(server.run("events", "-f", "--timeout", "0.2s"), 124)
    assert "gave up after 0.2 s (--timeout)" in done.err
