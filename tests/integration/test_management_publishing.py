"""Check, plan, publish, roll back and read over a real gRPC server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest
from grpc import aio

from api.errors import Conflict, InvalidConfig, LimitExceeded, NotFound
from api.management.details import DETAILS_KEY
from api.management.v1 import management_pb2 as pb
from snapshots.model import Document
from tests.whole_servers import WholeServer, a_cluster_document, a_workspace, whole_server

SHOP = (a_workspace(), a_cluster_document("web"), a_cluster_document("carts"))


@pytest.fixture
async def server() -> AsyncIterator[WholeServer]:
    async with whole_server() as server:
        yield server


async def names(server: WholeServer, number: int = 0) -> list[str]:
    _, resources = await server.client.get_snapshot("edge", number)
    return [resource.name for resource in resources]


async def test_what_is_published_can_be_read_back_with_its_origin(server: WholeServer) -> None:
    answer = await server.client.publish(SHOP, author="ann", message="first", source="here")

    assert answer.created
    revision, resources = await server.client.get_snapshot("edge")
    assert revision == answer.revision == await server.client.get_revision("edge", 1)
    assert (revision.number, revision.author, revision.message, revision.source) == (1, "ann", "first", "here")
    assert revision.workspace == "shop"
    assert revision.created.seconds > 0
    assert [(one.name, one.origin.path, one.origin.kind, one.origin.name) for one in resources] == [
        ("carts", "carts.yaml", "EnvoyResource", "carts-document"),
        ("web", "web.yaml", "EnvoyResource", "web-document"),
    ]
    documents = [document async for document in server.client.get_documents("edge")]
    assert {(one.path, one.content) for one in documents} == {(one.path, one.content) for one in SHOP}


async def test_nothing_is_stored_of_what_is_wrong_and_every_mistake_is_told(server: WholeServer) -> None:
    wrong = (a_workspace(), a_cluster_document("web", "-1s"), a_cluster_document("carts", "soon"))

    with pytest.raises(InvalidConfig, match="nothing was stored") as refused:
        await server.client.publish(wrong)

    assert {finding.path for finding in refused.value.findings if finding.severity == "error"} == {
        "web.yaml",
        "carts.yaml",
    }
    assert all(finding.line and finding.code for finding in refused.value.findings)
    assert await server.client.list_groups() == ()


async def test_check_tells_the_same_and_refuses_nothing(server: WholeServer) -> None:
    good = await server.client.check(SHOP)
    wrong = await server.client.check((a_workspace(), a_cluster_document("web", "-1s")))

    assert (good.group, good.workspace, good.documents, good.resources) == ("edge", "shop", 3, 2)
    assert not good.findings
    assert [finding.path for finding in wrong.findings] == ["web.yaml"]


async def test_partial_leaves_out_what_is_wrong_and_serves_the_rest(server: WholeServer) -> None:
    answer = await server.client.publish((*SHOP, a_cluster_document("bad", "soon")), partial=True)

    assert await names(server) == ["carts", "web"]
    assert [finding.path for finding in answer.findings] == ["bad.yaml"]


async def test_partial_does_not_empty_a_group(server: WholeServer) -> None:
    await server.client.publish(SHOP)

    with pytest.raises(InvalidConfig):
        await server.client.publish((a_workspace(), a_cluster_document("web", "soon")), partial=True)
    assert await names(server) == ["carts", "web"]


async def test_a_plan_says_what_would_change_and_changes_nothing(server: WholeServer) -> None:
    await server.client.publish(SHOP)

    plan = await server.client.plan((a_workspace(), a_cluster_document("web", "2s"), a_cluster_document("new")))

    kinds = {change.name: pb.Change.Kind.Name(change.kind) for change in plan.changes}
    assert kinds == {"carts": "REMOVED", "web": "CHANGED", "new": "ADDED"}
    assert (plan.base, plan.resources_before, plan.resources_removed) == (1, 2, 1)
    by_name = {change.name: change for change in plan.changes}
    assert by_name["web"].before
    assert by_name["web"].after
    assert by_name["web"].origin.path == "web.yaml"
    assert not by_name["carts"].after
    assert by_name["carts"].origin.path == "carts.yaml"
    assert (await server.client.get_revision("edge")).number == 1


async def test_a_plan_of_wrong_documents_has_findings_and_no_changes(server: WholeServer) -> None:
    plan = await server.client.plan((a_workspace(), a_cluster_document("web", "soon")))

    assert [finding.severity for finding in plan.findings] == [pb.Finding.ERROR]
    assert not plan.changes


async def test_a_plan_tells_that_a_name_belongs_to_another_workspace(server: WholeServer) -> None:
    await server.client.publish(SHOP)
    taken = (a_workspace("other"), a_cluster_document("web", path="mine.yaml"))

    plan = await server.client.plan(taken)

    (finding,) = plan.findings
    assert (finding.code, finding.path) == ("E0901", "mine.yaml")
    assert "shop" in finding.message
    assert "web.yaml" in finding.message
    with pytest.raises(Conflict, match="shop"):
        await server.client.publish(taken)


async def test_the_same_key_publishes_once(server: WholeServer) -> None:
    first = await server.client.publish(SHOP, idempotency_key="k")
    again = await server.client.publish(SHOP, idempotency_key="k")

    assert (first.created, again.created) == (True, False)
    assert again.revision == first.revision


async def test_a_stale_base_is_a_conflict_that_names_who_was_first(server: WholeServer) -> None:
    await server.client.publish(SHOP, author="ann")
    await server.client.publish(
        (a_workspace(), a_cluster_document("web", "2s")), author="bob", base=1, beyond_budgets=True
    )

    with pytest.raises(Conflict, match="bob"):
        await server.client.publish(SHOP, base=1)


async def test_rollback_serves_the_same_bytes_as_a_new_revision(server: WholeServer) -> None:
    await server.client.publish(SHOP)
    await server.client.publish((a_workspace(), a_cluster_document("web", "2s")), beyond_budgets=True)

    answer = await server.client.rollback("edge", 1, author="ann", message="oops")

    assert (answer.revision.number, answer.revision.rolled_back_to) == (3, 1)
    assert answer.revision.snapshot == (await server.client.get_revision("edge", 1)).snapshot
    assert (await server.client.get_snapshot("edge", 3))[1] == (await server.client.get_snapshot("edge", 1))[1]
    with pytest.raises(NotFound):
        await server.client.rollback("edge", 99)


async def test_history_and_differences(server: WholeServer) -> None:
    await server.client.publish(SHOP)
    await server.client.publish((a_workspace(), a_cluster_document("web", "2s")), beyond_budgets=True)

    assert [one.number for one in await server.client.list_revisions("edge")] == [2, 1]
    assert [one.number for one in await server.client.list_revisions("edge", limit=1, before=2)] == [1]
    assert [head.number for head in await server.client.list_groups()] == [2]
    changes = {change.name: change async for change in server.client.diff("edge", 1)}
    assert {name: change.kind for name, change in changes.items()} == {
        "carts": pb.Change.REMOVED,
        "web": pb.Change.CHANGED,
    }
    assert changes["carts"].origin.path == "carts.yaml"
    assert [change.kind async for change in server.client.diff("edge", 0, 1)] == [pb.Change.ADDED] * 2


@pytest.mark.parametrize("call", ["get_revision", "list_revisions"])
async def test_an_unknown_group_is_told_with_those_that_there_are(server: WholeServer, call: str) -> None:
    await server.client.publish(SHOP)

    with pytest.raises(NotFound, match=r"nowhere.*edge"):
        await getattr(server.client, call)("nowhere")


async def test_a_workspace_that_the_group_does_not_have_is_told(server: WholeServer) -> None:
    await server.client.publish(SHOP)

    with pytest.raises(NotFound, match=r"'carts'.*shop"):
        [document async for document in server.client.get_documents("edge", workspace="carts")]


async def test_a_large_publish_arrives_whole(server: WholeServer) -> None:
    documents = (a_workspace(), *(a_cluster_document(f"cluster-{n:04}") for n in range(1500)))

    answer = await server.client.publish(documents)

    assert answer.revision.added == 1500
    assert len(await names(server)) == 1500


async def test_too_large_a_document_is_refused_with_the_limit(server: WholeServer) -> None:
    with pytest.raises(LimitExceeded, match=r"big\.yaml is larger than 4 MiB"):
        await server.client.publish((a_workspace(), Document("big.yaml", b"#" * (5 << 20))))


async def test_hundreds_of_findings_arrive_as_far_as_they_fit(server: WholeServer) -> None:
    wrong = tuple(a_cluster_document(f"cluster-{n:04}", "soon") for n in range(2000))

    with pytest.raises(InvalidConfig, match="2000 errors") as refused:
        await server.client.publish((a_workspace(), *wrong))

    findings = refused.value.findings
    assert len(findings) > 100
    assert findings[-1].message == f"{2000 - len(findings) + 1} more findings are not shown"


async def test_a_plain_grpc_client_can_read_the_error_too(server: WholeServer) -> None:
    """One that knows nothing of larger metadata gets as much as fits into gRPC's own limit."""
    wrong = tuple(a_cluster_document(f"cluster-{n:04}", "soon") for n in range(200))
    parts = [pb.UploadRequest(header=pb.UploadHeader())]
    parts += [pb.UploadRequest(chunk=pb.DocumentChunk(path=d.path, data=d.content, last=True)) for d in wrong]
    async with aio.insecure_channel(server.parts.addresses.management) as channel:
        publish = channel.stream_unary(
            "/fairlead.management.v1.Management/Publish", request_serializer=pb.UploadRequest.SerializeToString
        )
        with pytest.raises(aio.AioRpcError) as refused:
            await publish(iter(parts))

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    metadata = dict(refused.value.trailing_metadata() or ())  # type: ignore[arg-type]
    details = pb.ErrorDetails.FromString(metadata[DETAILS_KEY])  # type: ignore[arg-type]
    assert 5 < len(details.findings) < 200


@pytest.mark.parametrize("recent_bytes", [1024 * 1024, 0], ids=["remembered", "let go of"])
async def test_publishing_again_sends_what_changed_and_all_of_it_where_the_server_has_let_go(
    recent_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.management.service.RECENT_BYTES", recent_bytes)
    async with whole_server() as server:
        await server.client.publish(SHOP)
        changed = (*SHOP[:-1], a_cluster_document("carts", "9s"))

        answer = await server.client.publish(changed)

        assert (answer.revision.number, answer.revision.changed) == (2, 1)
        documents = [document async for document in server.client.get_documents("edge")]
        assert {(one.path, one.content) for one in documents} == {(one.path, one.content) for one in changed}


def many(count: int, first: int = 0) -> tuple[Document, ...]:
    return (a_workspace(), *(a_cluster_document(f"web-{number}") for number in range(first, first + count)))


async def test_what_is_beyond_a_budget_is_refused_until_it_is_meant_and_then_the_record_has_it() -> None:
    async with whole_server(budget_resources=12) as server:
        await server.client.publish(many(10))
        for documents, code in ((many(8), "E0606"), (many(0), "E0607"), (many(13), "E0603")):
            plan = await server.client.plan(documents)
            assert [each.code for each in plan.beyond_budgets] == [code]
            with pytest.raises(InvalidConfig) as refused:
                await server.client.publish(documents)
            assert [each.code for each in refused.value.findings] == [code]
        assert (await server.client.get_revision("edge")).number == 1

        answer = await server.client.publish(many(8), author="ann", message="less", beyond_budgets=True)
        words = "E0606 this removes 2 of 10 resources of workspace shop (20 %), and 10 % may go at once"
        assert answer.revision.message == f"less [allowed by ann: {words}]"
        assert (await server.client.publish(many(8), message="again", beyond_budgets=True)).created is False


async def test_a_workspace_may_have_smaller_budgets_of_its_own() -> None:
    text = a_workspace().content.decode().replace("{group: edge}", "{group: edge, budgets: {resources: 3}}")
    own = Document("fairlead.yaml", text.encode())
    async with whole_server() as server:
        await server.client.publish((own, *many(3)[1:]))
        with pytest.raises(InvalidConfig, match="workspace shop would have 4 resources, and its budget is 3"):
            await server.client.publish((own, *many(4)[1:]))
