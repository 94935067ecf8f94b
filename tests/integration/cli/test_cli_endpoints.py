"""`fairlead endpoints`: what it prints, what it stores, what it refuses, and with which exit code.

How arguments and files are read, and how lines look, is in tests/unit/test_cli_endpoints.py, which starts no process.
"""

from __future__ import annotations

import os
import signal

import pytest

from tests.commands import Documents, finished, started, told
from tests.spine import Done, ServerProcess


class Carts:
    """A cluster "carts" of a group of the test's own, with two endpoints in its configuration."""

    def __init__(self, server: ServerProcess, documents: Documents) -> None:
        self.server, self.group = server, documents.group
        told(server.run("apply", str(documents.eds_cluster("carts", ("10.0.0.1", 80), ("10.0.0.2", 80)))), 0)

    def run(self, command: str, *arguments: str, code: int = 0) -> Done:
        return told(self.server.run("endpoints", command, *arguments, "--group", self.group), code)


@pytest.fixture
def carts(server: ServerProcess, documents: Documents) -> Carts:
    return Carts(server, documents)


def test_a_set_takes_the_place_of_the_configuration_until_it_is_cleared(carts: Carts) -> None:
    lines = carts.run("list").out.splitlines()
    assert lines[0].split() == ["CLUSTER", "ENDPOINT", "ZONE", "WEIGHT", "PRIORITY", "HEALTH", "SOURCE", "VERSION"]
    assert lines[1].split() == ["carts", "10.0.0.1:80", "-", "1", "0", "healthy", "configuration", "-"]

    assert carts.run("set", "carts", "10.0.0.7:8080,weight=2,zone=fra-1", "10.0.0.1:80").out.splitlines() == [
        "- 10.0.0.2:80  healthy",
        "+ 10.0.0.7:8080  weight 2, zone fra-1, healthy",
        "carts version 1 stored: 2 endpoints, 2 healthy.",
    ]
    answer = carts.run("set", "carts", "--add", "10.0.0.3:80", "--remove", "10.0.0.1:80", "-o", "json").json()
    assert (answer["version"], answer["changed"], answer["source"], answer["healthy"]) == (2, True, "set", 2)
    assert [(one["kind"], (one["after"] or one["before"])["address"]) for one in answer["differences"]] == [
        ("removed", "10.0.0.1"),
        ("added", "10.0.0.3"),
    ]
    assert carts.run("list", "carts", "-o", "name").out == "10.0.0.3:80\n10.0.0.7:8080\n"
    [listed] = carts.run("list", "-o", "json").json()["clusters"]
    assert listed["endpoints"][1] == {
        "address": "10.0.0.7",
        "port": 8080,
        "weight": 2,
        "region": "",
        "zone": "fra-1",
        "sub_zone": "",
        "priority": 0,
        "health": "healthy",
    }
    cleared = carts.run("clear", "carts").out.splitlines()
    assert cleared[-1] == "carts version 3 stored: 2 endpoints, 2 healthy, from the configuration."


def test_draining_can_be_said_twice_is_undone_and_has_a_history(carts: Carts) -> None:
    assert carts.run("drain", "carts", "10.0.0.1:80", "--message", "deploy", "--base", "0").out.splitlines() == [
        "~ 10.0.0.1:80  health: healthy -> draining",
        "carts version 1 stored: 2 endpoints, 1 healthy.",
    ]
    again = carts.run("drain", "carts", "10.0.0.1:80").out
    assert again == "carts is like that already (version 1); nothing was stored.\n"
    refused = carts.run("undrain", "carts", "10.0.0.1:80", "--base", "0", code=5)
    assert "version 1 by " in refused.err
    assert carts.run("drain", "carts", "10.0.0.1:80", "--undo", "-o", "name").out == "2\n"
    versions = carts.run("history", "carts", "-o", "json").json()["versions"]
    assert [version["version"] for version in versions] == [2, 1]
    assert (versions[1]["changes"][0]["message"], versions[1]["changes"][0]["what"]) == (
        "deploy",
        "draining: 10.0.0.1:80",
    )


def test_what_takes_the_traffic_away_needs_a_yes(carts: Carts) -> None:
    both = ("10.0.0.1:80", "10.0.0.2:80")
    refused = carts.run("drain", "carts", *both, code=3)
    assert "no healthy endpoint would be left; say --yes if it is meant. Nothing was stored" in refused.err
    controller, terminal = os.openpty()
    process = started(carts.server, "endpoints", "drain", "carts", *both, "--group", carts.group, terminal=terminal)
    said = b""
    while b"[y/N]" not in said:
        said += os.read(controller, 1000)
    os.write(controller, b"y\n")
    done = finished(process)
    assert (done.code, done.out.splitlines()[-1]) == (0, "carts version 1 stored: 2 endpoints, 0 healthy.")
    assert b"no healthy endpoint would be left. Go on?" in said
    os.close(controller)
    os.close(terminal)
    emptied = carts.run("set", "carts", "--empty").out.splitlines()
    assert emptied[-1] == "carts version 2 stored: 0 endpoints, 0 healthy."


def test_what_is_wrong_says_how_to_mend_it(carts: Carts) -> None:
    assert 'did you mean "carts"?' in carts.run("drain", "cart", "10.0.0.1:80", code=3).err
    refused = carts.run("set", "carts", "carts.internal:80", "10.0.0.1:0", code=3).err
    assert "error E1001 endpoint carts.internal:80 has address" in refused
    assert "ports are 1 to 65535" in refused
    assert "ADDRESS:PORT" in carts.run("set", "carts", "10.0.0.1", code=2).err


def test_watch_prints_what_is_different_until_it_is_interrupted(carts: Carts) -> None:
    process = started(carts.server, "endpoints", "watch", "carts", "--group", carts.group)
    assert process.stdout is not None
    assert [process.stdout.readline().split()[0] for _ in range(3)] == ["CLUSTER", "carts", "carts"]
    carts.run("drain", "carts", "10.0.0.1:80", "--message", "deploy")
    said = process.stdout.readline()
    assert said.startswith("carts version 1 (set) by ")
    assert said.endswith(": deploy\n")
    assert process.stdout.readline() == "~ 10.0.0.1:80  health: healthy -> draining\n"
    process.send_signal(signal.SIGINT)
    assert finished(process).code == 130
