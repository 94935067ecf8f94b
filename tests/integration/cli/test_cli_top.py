"""`fairlead top`: the busiest first, a cluster's localities under it, and again whenever a report changes it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from typing import Any

import yaml

from tests.clients import LoadClient
from tests.commands import Documents, finished, started, told
from tests.spine import ServerProcess, wait_for

NOW = {"total_requests_in_progress": 3}


def load(cluster: str, *localities: Mapping[str, Any], **fields: Any) -> Mapping[str, Any]:
    return {"cluster_name": cluster, "upstream_locality_stats": localities, **fields}


def counts(zone: str, issued: int, errors: int = 0) -> Mapping[str, Any]:
    finished = {"total_successful_requests": issued - errors, "total_error_requests": errors}
    where = {"region": "eu", "zone": zone} if zone else {}
    return {"locality": where, "total_issued_requests": issued, **finished, **NOW}


async def counted(server: ServerProcess, documents: Documents, reports: int) -> None:
    """Wait until the server has counted so many reports of the group."""
    row = f'fairlead_load_reports_received_total{{group="{documents.group}"}} {reports}.0'
    await asyncio.to_thread(wait_for, lambda: row in server.ask("/metrics")[1], row)


async def test_clusters_and_localities_are_shown_the_busiest_first(server: ServerProcess, documents: Documents) -> None:
    told(server.run("apply", str(documents.cluster())), 0)
    group = ("--group", documents.group)
    async with LoadClient(server.xds, "edge-1", documents.group) as client:
        web = load("web", counts("eu-1", 20), counts("eu-2", 80, errors=25), total_dropped_requests=5)
        await client.report(load("api", counts("", 10)), web)
        await counted(server, documents, 1)
        table = told(server.run("top", *group), 0).out
        wide = told(server.run("top", "web", *group, "-o", "wide"), 0).out
        document = yaml.safe_load(told(server.run("top", "api", *group, "-o", "yaml"), 0).out)
        nothing = told(server.run("top", "unheard-of", *group), 0)
    assert [line.split() for line in table.splitlines()] == [
        ["CLUSTER", "LOCALITY", "REQUESTS/S", "ERRORS", "IN", "PROGRESS", "DROPPED/S"],
        ["web", "all", "10.0", "25.0%", "6", "0.5"],
        ["web", "eu/eu-2", "8.0", "31.2%", "3", "-"],
        ["web", "eu/eu-1", "2.0", "0.0%", "3", "-"],
        ["api", "all", "1.0", "0.0%", "3", "0.0"],
    ]
    assert wide.splitlines()[1].split()[6:10] == [documents.group, "100", "25", "5"]
    assert [cluster["cluster"] for cluster in document["groups"][0]["clusters"]] == ["api"]
    assert document["groups"][0]["clusters"][0]["load"]["issued"] == 10
    assert (nothing.out, "nothing is reported of it yet" in nothing.err) == ("", True)


def test_without_reports_it_says_what_makes_clients_report(server: ServerProcess, documents: Documents) -> None:
    told(server.run("apply", str(documents.cluster())), 0)
    done = told(server.run("top", "--group", documents.group), 0)
    assert (done.out, "--load-reports" in done.err) == ("", True)
    assert "there is no group 'nope'" in told(server.run("top", "--group", "nope"), 3).err


async def test_what_is_beyond_a_limit_is_said(server: ServerProcess, documents: Documents) -> None:
    told(server.run("apply", str(documents.cluster())), 0)
    async with LoadClient(server.xds, "edge-1", documents.group) as client:
        drops = [{"category": f"category-{number}", "dropped_count": 1} for number in range(20)]
        await client.report(load("web", total_dropped_requests=20, dropped_requests=drops))
        await counted(server, documents, 1)
        done = told(server.run("top", "--group", documents.group), 0)
    assert "not all is told apart" in done.err
    assert "category 4 times" in done.err


async def test_watching_prints_again_when_more_is_reported(server: ServerProcess, documents: Documents) -> None:
    told(server.run("apply", str(documents.cluster())), 0)
    async with LoadClient(server.xds, "edge-1", documents.group) as client:
        await client.report(load("web", counts("", 10)))
        await counted(server, documents, 1)
        process = started(server, "top", "--watch", "--group", documents.group, "-o", "name")
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == "web\n"
        await client.report(load("web", counts("", 10)), load("api", counts("", 30)))
        assert [await asyncio.to_thread(process.stdout.readline) for _ in range(2)] == ["api\n", "web\n"]
        process.send_signal(signal.SIGINT)
        assert finished(process).code == 130
