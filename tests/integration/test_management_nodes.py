"""Nodes, their configuration, why a resource is not served, and streams that follow, with real xDS streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.errors import NotFound
from api.management.v1 import management_pb2 as pb
from snapshots.model import Document
from tests.example_sites import EXAMPLES
from tests.whole_servers import WholeServer, a_cluster_document, a_workspace, until, whole_server
from xds.fleet import NodeStatus
from xds.protocol.types import CLUSTER, ROUTE

FIRST = (a_workspace(), a_cluster_document("web"), a_cluster_document("carts"))
SECOND = (a_workspace(), a_cluster_document("web", "2s"), a_cluster_document("carts"))
REASON = "Error adding/updating cluster(s) web: connect_timeout is too long"


@pytest.fixture
async def server() -> AsyncIterator[WholeServer]:
    async with whole_server() as server:
        await server.client.publish(FIRST)
        await until(lambda: bool(server.parts.follower.heads), "the first revision")
        yield server


async def take(edge: Any) -> None:
    """Receive what is pushed and acknowledge it."""
    response = await edge.next()
    await edge.ack(response.type_url)


async def in_state(server: WholeServer, node: str, state: pb.Node.State) -> pb.Node:
    def seen() -> NodeStatus | None:
        return server.parts.xds.fleet.node(node)

    wanted = pb.Node.State.Name(state).lower()
    await until(lambda: (status := seen()) is not None and status.state.value == wanted, f"{node} to be {wanted}")
    return await server.client.get_node(node)


async def test_a_node_is_current_when_it_has_acknowledged_all(server: WholeServer) -> None:
    async with server.an_edge() as edge:
        await edge.subscribe(CLUSTER, ["*"])
        await edge.next()
        behind = await in_state(server, "edge-1", pb.Node.BEHIND)
        await edge.ack(CLUSTER)
        current = await in_state(server, "edge-1", pb.Node.CURRENT)

        assert (behind.revision, current.revision) == (0, 1)
        assert (current.group, current.variant) == ("edge", "delta")
        assert [(one.type_url, one.wildcard, one.acked_revision) for one in current.types] == [(CLUSTER, True, 1)]
        assert [node.id for node in await server.client.list_nodes()] == ["edge-1"]
        assert not await server.client.list_nodes("elsewhere")
    assert (await in_state(server, "edge-1", pb.Node.OFFLINE)).id == "edge-1"


async def test_a_node_of_no_group_is_unassigned(server: WholeServer) -> None:
    async with server.an_edge("lost", "nowhere") as edge:
        await edge.subscribe(CLUSTER, ["*"])
        await until(lambda: bool(server.parts.xds.fleet.nodes("nowhere")), "the node")

        assert (await server.client.get_node("lost")).state == pb.Node.UNASSIGNED
        assert (await server.client.get_status()).nodes_unassigned == 1
        assert [one async for one in server.client.get_node_configuration("lost")] == []


async def test_an_unknown_node_is_told_with_the_nearest(server: WholeServer) -> None:
    async with server.an_edge("edge-1") as edge:
        await edge.subscribe(CLUSTER, ["*"])
        await edge.next()
        with pytest.raises(NotFound, match="did you mean edge-1"):
            await server.client.get_node("edge1")


async def test_a_nodes_configuration_says_what_it_has_and_what_it_refuses(server: WholeServer) -> None:
    async with server.an_edge() as edge:
        await edge.subscribe(CLUSTER, ["*"])
        await take(edge)
        await in_state(server, "edge-1", pb.Node.CURRENT)
        had = {one.resource.name: one.state async for one in server.client.get_node_configuration("edge-1")}
        await server.client.publish(SECOND)
        await edge.next()
        sent = {one.resource.name: one.state async for one in server.client.get_node_configuration("edge-1")}
        await edge.nack(CLUSTER, REASON)
        await in_state(server, "edge-1", pb.Node.REJECTED)
        refused = {one.resource.name: one async for one in server.client.get_node_configuration("edge-1")}

    assert had == {"web": pb.ResourceState.ACKED, "carts": pb.ResourceState.ACKED}
    assert sent == {"web": pb.ResourceState.SENT, "carts": pb.ResourceState.ACKED}
    assert (refused["web"].state, refused["web"].error) == (pb.ResourceState.REJECTED, REASON)
    assert refused["carts"].state == pb.ResourceState.ACKED
    assert refused["web"].resource.origin.path == "web.yaml"


async def test_types_that_a_node_does_not_ask_for_are_not_sent(server: WholeServer) -> None:
    async with server.an_edge() as edge:
        await edge.subscribe(ROUTE, ["any"])
        await until(lambda: bool(server.parts.xds.fleet.nodes("edge")), "the node")
        states = [one.state async for one in server.client.get_node_configuration("edge-1")]

    assert states == [pb.ResourceState.NOT_SENT] * 2


async def test_why_tells_the_nodes_words_the_place_and_the_way_back(server: WholeServer) -> None:
    async with server.an_edge() as edge:
        await edge.subscribe(CLUSTER, ["*"])
        await take(edge)
        await server.client.publish(SECOND)
        await edge.next()
        await edge.nack(CLUSTER, REASON)
        await in_state(server, "edge-1", pb.Node.REJECTED)

        for wanted in ("web", "cluster/web", "web-document", "EnvoyResource/web-document", "Cluster/web"):
            (why,) = await server.client.explain("edge", wanted)
            assert (why.resource.name, why.resource.origin.path) == ("web", "web.yaml")
        (rejection,) = why.rejections
        assert (rejection.node, rejection.message, rejection.revision) == ("edge-1", REASON, 2)
        assert (why.undo, why.nodes_acked, why.nodes_total) == (1, 0, 1)
        (other,) = await server.client.explain("edge", "carts")
        assert not other.rejections


async def test_why_tells_the_line_that_the_nodes_words_mean(server: WholeServer) -> None:
    site = (EXAMPLES / "shop").glob("*.yaml")
    documents = [Document(each.name, each.read_bytes()) for each in site]
    await server.client.publish(documents, group="edge", workspace="shop", beyond_budgets=True)
    async with server.an_edge() as edge:
        await edge.subscribe(ROUTE, ["tcp/127.0.0.1:10080"])
        await edge.next()
        await edge.nack(ROUTE, "route: unknown cluster 'Backend/shop/search'")
        await in_state(server, "edge-1", pb.Node.REJECTED)

        (why,) = await server.client.explain("edge", "route/tcp/127.0.0.1:10080")

    assert (why.resource.origin.kind, why.resource.origin.path) == ("Gateway", "gateway.yaml")
    line = (EXAMPLES / "shop" / "routes.yaml").read_text().splitlines()[why.cause.line - 1]
    assert (why.cause.path, why.cause.kind, why.cause.name) == ("routes.yaml", "HTTPRoute", "shop/shop")
    assert "name: search" in line


async def test_why_still_answers_when_the_rejected_resource_was_removed_since(server: WholeServer) -> None:
    async with server.an_edge() as edge:
        await edge.subscribe(CLUSTER, ["*"])
        await take(edge)
        await server.client.publish((*FIRST, a_cluster_document("bad")))
        await edge.next()
        await edge.nack(CLUSTER, "bad: will not do")
        await in_state(server, "edge-1", pb.Node.REJECTED)
        await server.client.publish((*FIRST, a_cluster_document("good")), beyond_budgets=True)

        (why,) = await server.client.explain("edge", "bad")
        assert why.rejections[0].message == "bad: will not do"
        assert why.revision.number == 2
        assert why.undo == 1


async def test_why_of_something_that_is_nowhere_says_how_to_name_it(server: WholeServer) -> None:
    with pytest.raises(NotFound, match="TYPE/NAME"):
        await server.client.explain("edge", "nothing")


async def test_a_revision_is_followed_to_the_last_ack(server: WholeServer) -> None:
    async with server.an_edge("one") as one, server.an_edge("two") as two:
        for edge in (one, two):
            await edge.subscribe(CLUSTER, ["*"])
            await take(edge)
        await in_state(server, "one", pb.Node.CURRENT)
        await in_state(server, "two", pb.Node.CURRENT)
        published = await server.client.publish(SECOND)
        follow = server.client.follow_revision("edge", published.revision.number, timeout_s=60)

        await one.next()
        await two.next()
        begun = await anext(follow)
        assert (begun.nodes_total, begun.nodes_acked, begun.done) == (2, 0, False)
        await one.ack(CLUSTER)
        while not begun.nodes_acked:
            begun = await anext(follow)
        assert not begun.done
        await two.nack(CLUSTER, REASON)
        *_, last = [progress async for progress in follow]

    assert last.done
    assert (last.nodes_total, last.nodes_acked, last.nodes_rejected) == (2, 1, 1)
    assert [rejection.node for rejection in last.rejections] == ["two"]


async def test_following_ends_when_a_newer_revision_takes_over_and_when_nobody_is_there(server: WholeServer) -> None:
    alone = [progress async for progress in server.client.follow_revision("edge", 1)]
    await server.client.publish(SECOND)
    await until(lambda: server.parts.follower.heads["edge"].number == 2, "the second revision")  # type: ignore[index]
    overtaken = [progress async for progress in server.client.follow_revision("edge", 1)]

    assert [(progress.done, progress.nodes_total) for progress in alone] == [(True, 0)]
    assert [(progress.done, progress.superseded_by) for progress in overtaken] == [(True, 2)]
    with pytest.raises(NotFound):
        [progress async for progress in server.client.follow_revision("edge", 9)]


async def test_events_tell_what_happens_from_then_on(server: WholeServer) -> None:
    hub_is_watched = server.parts.management.is_watched
    seen: list[pb.Event] = []

    async def watch() -> None:
        async for event in server.client.watch_events("edge"):
            seen.append(event)  # noqa: PERF401 -- read while it grows

    watching = asyncio.create_task(watch())
    await until(hub_is_watched, "the watcher")
    async with server.an_edge() as edge:
        await edge.subscribe(CLUSTER, ["*"])
        await take(edge)
        await server.client.publish(SECOND, author="ann", message="longer")
        await edge.next()
        await edge.nack(CLUSTER, REASON)
        await until(lambda: any(event.kind == "node-rejected" for event in seen), "the rejection")
    await until(lambda: seen[-1].kind == "node-disconnected", "the end of the node")
    watching.cancel()
    await until(lambda: not hub_is_watched(), "the server to let go of the watcher")

    assert [event.kind for event in seen] == [
        "node-connected",
        "node-acked",
        "revision-published",
        "node-rejected",
        "node-disconnected",
    ]
    assert (seen[2].revision, seen[2].message) == (2, "1 resources changed, ann: longer")
    assert (seen[3].node, seen[3].type_url, seen[3].message) == ("edge-1", CLUSTER, REASON)


async def test_status_tells_of_server_store_groups_and_nodes(server: WholeServer) -> None:
    async with server.an_edge() as edge:
        await edge.subscribe(CLUSTER, ["*"])
        await take(edge)
        await in_state(server, "edge-1", pb.Node.CURRENT)
        status = await server.client.get_status()

    assert status.ready
    assert (status.store.kind, status.store.reachable) == ("memory", True)
    (group,) = status.groups
    assert (group.head.group, group.head.number, group.nodes_total, group.nodes_current) == ("edge", 1, 1, 1)
    assert status.management_address == server.parts.addresses.management
