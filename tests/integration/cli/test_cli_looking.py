"""Status, nodes, why, events and waiting: what people see, and how they end it."""

from __future__ import annotations

import json
import select
import signal
from pathlib import Path

import pytest

from tests.clients import DeltaClient
from tests.commands import (
    CLUSTER_TYPE,
    SECRET,
    Documents,
    finished,
    started,
    told,
)
from tests.gateways import conditions
from tests.patches import BACKEND, a_patch, a_site
from tests.spine import ServerProcess, wait_for


def test_status_has_server_group_revision_and_the_authored_objects(server: ServerProcess, documents: Documents) -> None:
    told(server.run("apply", str(documents.cluster())), 0)
    status = told(server.run("status", "--group", documents.group, "-o", "json"), 0).json()
    assert (status["group"], status["revision"]) == (documents.group, 1)
    assert status["server"]["ready"] is True
    assert status["server"]["management_address"] == server.management
    objects = {(one["apiVersion"], one["kind"], one["name"]): one["status"] for one in status["objects"]}
    assert set(objects) == {("fairlead.dev/v1", "Workspace", "shop"), ("fairlead.dev/v1", "EnvoyResource", "web")}
    conditions = {one["type"]: one for one in objects["fairlead.dev/v1", "EnvoyResource", "web"]["conditions"]}
    assert conditions["Accepted"]["status"] == "True"
    assert conditions["Programmed"]["reason"] == "NoGateways"
    names = told(server.run("status", "--group", documents.group, "-o", "name"), 0).out
    assert names.splitlines() == ["Workspace/shop", "EnvoyResource/web"]
    assert documents.group in told(server.run("status"), 0).out


def test_waiting_with_no_gateway_connected_says_so(server: ServerProcess, documents: Documents) -> None:
    done = told(server.run("apply", str(documents.cluster()), "--wait"), 0)
    assert done.out.startswith("revision 1 stored.  no gateway of the group is connected")


async def test_a_gateway_is_listed_and_what_it_lacks(server: ServerProcess, documents: Documents) -> None:
    told(server.run("apply", str(documents.cluster())), 0)
    async with DeltaClient(server.xds, documents.group, documents.group) as gateway:
        await gateway.subscribe(CLUSTER_TYPE)
        await gateway.next()
        [node] = told(server.run("nodes", "--group", documents.group, "-o", "json"), 0).json()["nodes"]
        assert (node["id"], node["group"], node["state"], node["revision"]) == (
            documents.group, documents.group, "behind", 0,
        )  # fmt: skip
        lacks = told(server.run("node", documents.group, "diff", "-o", "json"), 0).json()
        assert [(one["name"], one["state"]) for one in lacks["resources"]] == [("web", "sent")]
        rendered = told(server.run("render", "--node", documents.group, "-o", "json"), 0).json()
        assert [one["name"] for one in rendered["resources"]] == ["web"]
        assert "behind" in told(server.run("node", documents.group), 0).out


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
async def test_ending_a_wait_says_that_the_revision_goes_on(
    server: ServerProcess, documents: Documents, sign: signal.Signals
) -> None:
    told(server.run("apply", str(documents.cluster())), 0)
    async with DeltaClient(server.xds, documents.group, documents.group) as gateway:
        await gateway.subscribe(CLUSTER_TYPE)
        await gateway.next()
        process = started(server, "apply", str(documents.cluster(timeout="2s")), "--wait")
        assert process.stderr is not None
        assert "waiting for revision 2: fleet 0/1 ACK" in process.stderr.readline()
        process.send_signal(sign)
        done = finished(process)
    told(done, 130)
    assert "revision 2 is stored and goes on" in done.err
    assert done.out == ""


async def test_a_wait_that_takes_too_long_ends_with_124(server: ServerProcess, documents: Documents) -> None:
    told(server.run("apply", str(documents.cluster())), 0)
    async with DeltaClient(server.xds, documents.group, documents.group) as gateway:
        await gateway.subscribe(CLUSTER_TYPE)
        await gateway.next()
        done = told(server.run("apply", str(documents.cluster(timeout="2s")), "--wait", "--timeout", "5s"), 124)
    assert "gave up after 5 s" in done.err
    assert "revision 2 is stored and goes on" in done.err


def test_events_are_followed_line_by_line_until_ctrl_c(server: ServerProcess, documents: Documents) -> None:
    process = started(server, "events", "-f", "--group", documents.group, "-o", "json")
    assert process.stdout is not None
    assert process.stderr is not None
    assert "following" in process.stderr.readline()
    number = 0

    def event_came() -> bool:
        nonlocal number
        number += 1  # the stream may open a moment after the line: publish until the first event
        told(server.run("apply", str(documents.cluster(timeout=f"{number}s"))), 0)
        assert process.stdout is not None
        return bool(select.select([process.stdout], [], [], 0.2)[0])

    wait_for(event_came, "an event")
    event = json.loads(process.stdout.readline())
    assert (event["kind"], event["group"]) == ("revision-published", documents.group)
    process.send_signal(signal.SIGINT)
    assert finished(process).code == 130


def test_past_events_come_in_order(server: ServerProcess, documents: Documents) -> None:
    told(server.run("apply", str(documents.cluster()), "-m", "first"), 0)
    told(server.run("apply", str(documents.cluster(timeout="2s")), "-m", "second"), 0)
    events = told(server.run("events", "--group", documents.group, "-o", "json"), 0).json()["events"]
    assert [one["message"] for one in events] == ["first", "second"]


def test_watching_prints_again_on_change_until_ctrl_c(server: ServerProcess, documents: Documents) -> None:
    told(server.run("apply", str(documents.cluster())), 0)
    process = started(server, "status", "--watch", "--group", documents.group, "-o", "name")
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)] == ["Workspace/shop\n", "EnvoyResource/web\n"]
    told(server.run("apply", str(documents.cluster("another"))), 0)
    assert [process.stdout.readline() for _ in range(2)] == ["Workspace/shop\n", "EnvoyResource/another\n"]
    process.send_signal(signal.SIGINT)
    assert finished(process).code == 130


def test_wrong_patch_is_told_so_and_everything_else_is_served(server: ServerProcess, documents: Documents) -> None:
    good = a_patch(BACKEND, "Cluster", "good", merge={"connect_timeout": "7s"})
    wrong = a_patch(BACKEND, "Cluster", "wrong", merge={"connect_timeout": "-1s"})
    for number, each in enumerate(a_site(good, wrong)):
        (documents.directory / f"{number}.yaml").write_text(json.dumps(each))
    refused = told(server.run("apply", str(documents)), 3)
    assert "E0401" in refused.err
    told(server.run("apply", str(documents), "--partial"), 0)

    objects = told(server.run("status", "--group", documents.group, "-o", "json"), 0).json()["objects"]
    shown = told(server.run("show", "1", "--group", documents.group, "-o", "json"), 0).json()["resources"]

    patches = {each["name"]: conditions(each["status"]) for each in objects if each["kind"] == "EnvoyPatch"}
    assert patches["good"]["Programmed"] == ("True", "Programmed")
    assert patches["wrong"] == {"Accepted": ("True", "Accepted"), "Programmed": ("False", "Invalid")}
    assert {each["body"]["connect_timeout"] for each in shown if each["type_url"] == CLUSTER_TYPE} == {"7s"}


def test_a_revision_is_explained_by_its_own_documents(server: ServerProcess, documents: Documents) -> None:
    told(server.run("apply", str(documents.cluster())), 0)
    lines = told(server.run("show", "1", "--group", documents.group, "--explain"), 0).out.splitlines()
    assert lines[:2] == ["---", "# cluster/web"]
    (timeout,) = (line for line in lines if line.startswith("connect_timeout"))
    assert "  # web.yaml:" in timeout
    shown = told(server.run("show", "1", "--group", documents.group, "--explain", "-o", "json"), 0).json()
    assert shown["resources"][0]["origins"]["/name"]["field"] == "spec.name"


def test_why_names_the_place(server: ServerProcess, documents: Documents) -> None:
    told(server.run("apply", str(documents.cluster())), 0)
    why = told(server.run("why", "cluster/web", "--group", documents.group), 0).out
    assert "web.yaml:1" in why
    told(server.run("why", "nothing", "--group", documents.group), 3)


def test_several_groups_need_a_name(server: ServerProcess, documents: Documents, tmp_path: Path) -> None:
    told(server.run("apply", str(documents.cluster())), 0)
    other = Documents(tmp_path / "other", f"{documents.group}-2")
    other.directory.mkdir()
    told(server.run("apply", str(other.named("other").cluster())), 0)
    assert "name one with --group" in told(server.run("history"), 3).err


def test_a_secret_is_printed_by_no_command(server: ServerProcess, documents: Documents) -> None:
    group = ("--group", documents.group)
    for key in ("canary-1", "canary-2"):
        (documents.directory / "cert.yaml").write_text(SECRET.format(key=key))
        told(server.run("apply", str(documents), "--yes"), 0)
    (documents.directory / "cert.yaml").write_text(SECRET.format(key="canary-3"))
    commands = [
        ("plan", str(documents)), ("diff", *group), ("show", "1", *group), ("why", "cert", *group),
        ("status", *group), ("history", *group), ("events", *group),
    ]  # fmt: skip
    for command in commands:
        for form in ("table", "wide", "json", "yaml"):
            done = told(server.run(*command, "-o", form), 0)
            assert "canary" not in done.out + done.err, command
    assert "private_key" in told(server.run("diff", *group), 0).out


def test_refused_envoy_resource_is_among_the_objects_and_the_others_are_served(
    server: ServerProcess, documents: Documents
) -> None:
    directory = documents.cluster().directory
    (directory / "wrong.yaml").write_text(
        "apiVersion: fairlead.dev/v1\nkind: EnvoyResource\nmetadata: {name: wrong}\n"
        'spec: {"@type": type.googleapis.com/envoy.config.cluster.v3.Cluster, name: wrong, connect_timeout: -1s}\n'
    )
    told(server.run("apply", str(directory)), 3)
    told(server.run("apply", str(directory), "--partial"), 0)

    status = told(server.run("status", "--group", documents.group, "-o", "json"), 0).json()

    accepted = {
        one["name"]: (condition["status"], condition["message"])
        for one in status["objects"]
        for condition in one["status"]["conditions"]
        if one["kind"] == "EnvoyResource" and condition["type"] == "Accepted"
    }
    assert accepted == {"web": ("True", ""), "wrong": ("False", "connect_timeout must be greater than 0s, is -1s")}
