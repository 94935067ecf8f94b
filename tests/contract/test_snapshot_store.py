"""What every SnapshotStore does, whatever it keeps its snapshots in."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from api.errors import Conflict, InvalidConfig, LimitExceeded, NotFound
from snapshots.checks.size import RESOURCE_LIMIT_BYTES
from snapshots.model import Document
from snapshots.store.protocol import SnapshotStore
from snapshots.store.refusals import DOCUMENT_LIMIT_BYTES
from tests.contract.publications import (
    GROUP,
    PAYMENTS,
    SHOP,
    a_publication,
    a_resource,
    a_rollback,
    an_origin,
)
from xds.protocol.types import CLUSTER, GroupName


async def _names(store: SnapshotStore, number: int) -> list[str]:
    return [resource.name for resource in (await store.snapshot(GROUP, number)).resources]


async def test_a_publication_is_served_as_it_was_given(store: SnapshotStore) -> None:
    published = await store.publish(a_publication({"web": b"w", "api": b"a"}))

    assert published.created
    assert (await store.snapshot(GROUP, 1)).resources == (a_resource("api", b"a"), a_resource("web", b"w"))
    assert await store.head(GROUP) == published.revision == await store.revision(GROUP, 1)
    assert (published.revision.number, published.revision.parent, published.revision.added) == (1, 0, 2)


async def test_a_revision_keeps_who_why_and_from_where(store: SnapshotStore) -> None:
    publication = a_publication({"web": b"w"}, author="ada")
    await store.publish(publication)
    revision = await store.revision(GROUP, 1)

    assert (revision.author, revision.message, revision.source) == ("ada", "why it is done", "commit 1234")
    assert revision.traceparent == publication.traceparent
    assert revision.created_at_s > 1_700_000_000


async def test_workspaces_are_composed_into_one_snapshot(store: SnapshotStore) -> None:
    await store.publish(a_publication({"web": b"w"}, workspace=SHOP))
    second = await store.publish(a_publication({"pay": b"p"}, workspace=PAYMENTS))

    assert await _names(store, 2) == ["pay", "web"]
    assert second.revision.workspaces == {SHOP: 1, PAYMENTS: 2}


async def test_what_a_workspace_no_longer_holds_is_removed_and_others_are_untouched(store: SnapshotStore) -> None:
    await store.publish(a_publication({"web": b"w", "old": b"o"}, workspace=SHOP))
    await store.publish(a_publication({"pay": b"p"}, workspace=PAYMENTS))
    third = await store.publish(a_publication({"web": b"w"}, workspace=SHOP))

    assert await _names(store, 3) == ["pay", "web"]
    assert (third.revision.added, third.revision.changed, third.revision.removed) == (0, 0, 1)


async def test_racing_workspaces_all_get_in(store: SnapshotStore) -> None:
    publications = [a_publication({f"{name}-1": b"1"}, workspace=name) for name in (SHOP, PAYMENTS, "blog", "mail")]  # type: ignore[arg-type]
    published = await asyncio.gather(*(store.publish(publication) for publication in publications))

    assert sorted(each.revision.number for each in published) == [1, 2, 3, 4]
    assert await _names(store, 4) == ["blog-1", "mail-1", "payments-1", "shop-1"]


async def test_a_stale_base_in_the_same_workspace_names_the_winner(store: SnapshotStore) -> None:
    await store.publish(a_publication({"web": b"1"}))
    await store.publish(a_publication({"web": b"2"}, base=1, author="grace"))

    with pytest.raises(Conflict, match=r'workspace "shop".*revision 2 by grace'):
        await store.publish(a_publication({"web": b"3"}, base=1))
    assert len(await store.history(GROUP)) == 2


async def test_of_two_racing_on_one_base_one_wins(store: SnapshotStore) -> None:
    await store.publish(a_publication({"web": b"0"}))
    racing = [store.publish(a_publication({"web": b"%d" % each}, base=1)) for each in (1, 2)]
    outcomes = await asyncio.gather(*racing, return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Published"]


async def test_a_base_is_held_against_its_own_workspace_only(store: SnapshotStore) -> None:
    await store.publish(a_publication({"web": b"1"}, workspace=SHOP))
    await store.publish(a_publication({"pay": b"1"}, workspace=PAYMENTS))

    published = await store.publish(a_publication({"web": b"2"}, workspace=SHOP, base=1))
    assert published.revision.number == 3


async def test_base_zero_means_that_the_workspace_must_be_new(store: SnapshotStore) -> None:
    await store.publish(a_publication({"web": b"1"}, base=0))
    with pytest.raises(Conflict):
        await store.publish(a_publication({"web": b"2"}, base=0))


async def test_a_base_that_never_was_is_not_found(store: SnapshotStore) -> None:
    await store.publish(a_publication({"web": b"1"}))
    with pytest.raises(NotFound, match="no revision 9; its newest is 1"):
        await store.publish(a_publication({"web": b"2"}, base=9))


async def test_a_name_that_another_workspace_holds_says_whose_and_where(store: SnapshotStore) -> None:
    await store.publish(a_publication({"web": b"1"}, workspace=SHOP, line=7))
    with pytest.raises(Conflict, match=r'workspace "shop".*web\.yaml:7') as refused:
        await store.publish(a_publication({"web": b"2", "pay": b"1"}, workspace=PAYMENTS, line=3))

    (finding,) = refused.value.findings
    assert (finding.path, finding.line, finding.resource) == ("web.yaml", 3, "web")
    assert await _names(store, 1) == ["web"]


async def test_a_publication_that_changes_nothing_makes_no_revision(store: SnapshotStore) -> None:
    first = await store.publish(a_publication({"web": b"1"}))
    again = await store.publish(a_publication({"web": b"1"}))

    assert again.revision == first.revision
    assert not again.created


async def test_a_document_that_changes_alone_keeps_the_snapshot(store: SnapshotStore) -> None:
    first = await store.publish(a_publication({"web": b"1"}, documents={"web.yaml": b"a: 1"}))
    second = await store.publish(a_publication({"web": b"1"}, documents={"web.yaml": b"a: 1 # why"}))

    assert second.created
    assert second.revision.snapshot == first.revision.snapshot
    assert await store.diff(GROUP, 1, 2) == ()


async def test_the_same_key_publishes_once(store: SnapshotStore) -> None:
    publication = a_publication({"web": b"1"}, key="once")
    first = await store.publish(publication)
    await store.publish(a_publication({"web": b"2"}))
    repeated = await store.publish(publication)

    assert repeated.revision == first.revision
    assert not repeated.created
    assert len(await store.history(GROUP)) == 2


async def test_racing_repeats_of_one_key_make_one_revision(store: SnapshotStore) -> None:
    publication = a_publication({"web": b"1"}, key="once")
    published = await asyncio.gather(*(store.publish(publication) for _ in range(5)))

    assert {each.revision.number for each in published} == {1}
    assert sum(each.created for each in published) == 1


async def test_a_key_used_for_something_else_is_a_conflict(store: SnapshotStore) -> None:
    await store.publish(a_publication({"web": b"1"}, key="once"))
    with pytest.raises(Conflict, match="once"):
        await store.publish(a_publication({"web": b"2"}, key="once"))
    with pytest.raises(Conflict, match="once"):
        await store.rollback(a_rollback(1, key="once"))
    with pytest.raises(Conflict, match="once"):
        await store.publish(a_publication({"pay": b"1"}, workspace=PAYMENTS, key="once"))


async def test_a_key_that_rolled_back_cannot_publish(store: SnapshotStore) -> None:
    for body in (b"1", b"2"):
        await store.publish(a_publication({"web": body}))
    await store.rollback(a_rollback(1, key="back"))
    with pytest.raises(Conflict, match='"back" has already made revision 3'):
        await store.publish(a_publication({"web": b"1"}, key="back"))


async def test_a_rollback_serves_the_same_bytes_as_a_new_revision(store: SnapshotStore) -> None:
    await store.publish(a_publication({"web": b"1", "old": b"o"}, line=4))
    before = await store.snapshot(GROUP, 1)
    await store.publish(a_publication({"web": b"2", "new": b"n"}))
    back = await store.rollback(a_rollback(1))
    after = await store.snapshot(GROUP, 3)

    assert after.resources == before.resources
    assert after.revision.snapshot == before.revision.snapshot
    assert (back.revision.number, back.revision.rolled_back_to, back.revision.author) == (3, 1, "grace")
    assert (back.revision.added, back.revision.changed, back.revision.removed) == (1, 1, 1)
    assert await store.documents(GROUP, 3, SHOP) == await store.documents(GROUP, 1, SHOP)
    assert await store.origins(GROUP, 3) == await store.origins(GROUP, 1)


async def test_a_rollback_makes_a_base_stale_for_those_it_moved_only(store: SnapshotStore) -> None:
    await store.publish(a_publication({"web": b"1"}, workspace=SHOP))
    await store.publish(a_publication({"pay": b"1"}, workspace=PAYMENTS))
    await store.publish(a_publication({"web": b"2"}, workspace=SHOP))
    back = await store.rollback(a_rollback(2))

    assert back.revision.workspaces == {SHOP: 4, PAYMENTS: 2}
    with pytest.raises(Conflict, match="revision 4 by grace"):
        await store.publish(a_publication({"web": b"3"}, workspace=SHOP, base=3))
    assert (await store.publish(a_publication({"pay": b"2"}, workspace=PAYMENTS, base=2))).created


async def test_a_workspace_that_a_rollback_empties_has_moved(store: SnapshotStore) -> None:
    await store.publish(a_publication({"web": b"1"}, workspace=SHOP))
    await store.publish(a_publication({"pay": b"1"}, workspace=PAYMENTS))
    back = await store.rollback(a_rollback(1))

    assert await _names(store, 3) == ["web"]
    assert back.revision.workspaces == {SHOP: 1, PAYMENTS: 3}


async def test_a_workspace_goes_on_after_a_rollback(store: SnapshotStore) -> None:
    await store.publish(a_publication({"web": b"1"}))
    await store.publish(a_publication({"web": b"2", "new": b"n"}))
    await store.rollback(a_rollback(1))
    await store.publish(a_publication({"web": b"3"}))

    assert (await store.snapshot(GROUP, 4)).resources == (a_resource("web", b"3"),)


async def test_a_rollback_to_what_is_served_makes_no_revision(store: SnapshotStore) -> None:
    await store.publish(a_publication({"web": b"1"}))
    assert not (await store.rollback(a_rollback(1))).created


async def test_the_same_key_rolls_back_once(store: SnapshotStore) -> None:
    for body in (b"1", b"2"):
        await store.publish(a_publication({"web": body}))
    first = await store.rollback(a_rollback(1, key="back"))
    again = await store.rollback(a_rollback(1, key="back"))

    assert (first.created, again.created) == (True, False)
    assert first.revision == again.revision
    with pytest.raises(Conflict):
        await store.rollback(a_rollback(2, key="back"))


async def test_rollbacks_refuse_what_they_cannot_do(store: SnapshotStore) -> None:
    with pytest.raises(NotFound, match='no group "edge"'):
        await store.rollback(a_rollback(1))
    for body in (b"1", b"2"):
        await store.publish(a_publication({"web": body}))
    with pytest.raises(NotFound, match="no revision 7; its newest is 2"):
        await store.rollback(a_rollback(7))
    with pytest.raises(Conflict, match="revision 2 by ada"):
        await store.rollback(a_rollback(1, base=1))


async def test_a_diff_shows_before_and_after(store: SnapshotStore) -> None:
    await store.publish(a_publication({"same": b"s", "web": b"1", "old": b"o"}))
    await store.publish(a_publication({"same": b"s", "web": b"2", "new": b"n"}))

    changes = [(change.name, change.before, change.after) for change in await store.diff(GROUP, 1, 2)]
    assert changes == [
        ("new", None, a_resource("new", b"n")),
        ("old", a_resource("old", b"o"), None),
        ("web", a_resource("web", b"1"), a_resource("web", b"2")),
    ]
    assert [change.name for change in await store.diff(GROUP, 0, 1)] == ["old", "same", "web"]
    assert await store.diff(GROUP, 2, 2) == ()


async def test_one_resource_is_read_by_its_name(store: SnapshotStore) -> None:
    await store.publish(a_publication({"web": b"1", "api": b"a"}))
    await store.publish(a_publication({"web": b"2"}))

    assert await store.resource(GROUP, 1, CLUSTER, "web") == a_resource("web", b"1")
    assert await store.resource(GROUP, 2, CLUSTER, "web") == a_resource("web", b"2")
    assert await store.resource(GROUP, 2, CLUSTER, "api") is None
    with pytest.raises(NotFound):
        await store.resource(GROUP, 3, CLUSTER, "web")


async def test_documents_are_kept_as_they_were(store: SnapshotStore) -> None:
    await store.publish(a_publication({"web": b"1"}, documents={"z/web.yaml": b"old", "a.yaml": b"\xff\x00"}))
    await store.publish(a_publication({"web": b"2"}, documents={"z/web.yaml": b"new"}))
    await store.publish(a_publication({"pay": b"1"}, workspace=PAYMENTS))

    assert await store.documents(GROUP, 1, SHOP) == (Document("a.yaml", b"\xff\x00"), Document("z/web.yaml", b"old"))
    assert await store.documents(GROUP, 3, SHOP) == (Document("z/web.yaml", b"new"),)
    assert await store.documents(GROUP, 3, PAYMENTS) == (Document("pay.yaml", b"1"),)


async def test_origins_say_where_each_resource_came_from(store: SnapshotStore) -> None:
    await store.publish(a_publication({"web": b"1"}, line=12))
    await store.publish(a_publication({"web": b"1"}, line=14))

    assert await store.origin(GROUP, 1, CLUSTER, "web") == an_origin("web", SHOP, 12)
    assert await store.origin(GROUP, 2, CLUSTER, "web") == an_origin("web", SHOP, 14)
    assert await store.origin(GROUP, 2, CLUSTER, "nowhere") is None
    assert await store.origins(GROUP, 2) == {(CLUSTER, "web"): an_origin("web", SHOP, 14)}


async def test_large_resources_and_documents_come_back_whole(store: SnapshotStore) -> None:
    noise = b"".join(b"%d;" % (number * 2654435761 % 4294967291) for number in range(95_000))[:RESOURCE_LIMIT_BYTES]
    await store.publish(a_publication({"big": noise, "small": b"s"}))

    assert (await store.snapshot(GROUP, 1)).resources == (a_resource("big", noise), a_resource("small", b"s"))
    assert (await store.documents(GROUP, 1, SHOP))[0].content == noise


async def test_too_large_is_refused_and_says_the_place_and_the_limit(store: SnapshotStore) -> None:
    with pytest.raises(LimitExceeded, match=rf"big\.yaml .*{RESOURCE_LIMIT_BYTES}"):
        await store.publish(a_publication({"big": b"x" * (RESOURCE_LIMIT_BYTES + 1)}, documents={}))
    with pytest.raises(LimitExceeded, match=rf"doc\.yaml .*{DOCUMENT_LIMIT_BYTES}"):
        await store.publish(a_publication({}, documents={"doc.yaml": b"x" * (DOCUMENT_LIMIT_BYTES + 1)}))
    assert await store.head(GROUP) is None


async def test_one_name_twice_in_a_publication_is_refused(store: SnapshotStore) -> None:
    publication = a_publication({"web": b"1"})
    with pytest.raises(InvalidConfig, match="twice"):
        await store.publish(replace(publication, resources=publication.resources * 2))
    with pytest.raises(InvalidConfig, match="twice"):
        await store.publish(replace(publication, documents=publication.documents * 2))


async def test_an_empty_first_publication_makes_the_group(store: SnapshotStore) -> None:
    assert (await store.publish(a_publication({}))).created
    assert (await store.snapshot(GROUP, 1)).resources == ()
    assert await store.documents(GROUP, 1, SHOP) == ()
    assert await store.origins(GROUP, 1) == {}


async def test_groups_are_listed_whatever_their_names(store: SnapshotStore) -> None:
    names = [GroupName(name) for name in ("edge/eu west", "edge", "ünï%2F", "a")]
    for name in names:
        await store.publish(a_publication({"web": b"1"}, group=name))

    assert await store.groups() == tuple(sorted(names))
    for name in names:
        assert [revision.group for revision in await store.history(name)] == [name]


async def test_what_does_not_exist_is_not_found(store: SnapshotStore) -> None:
    assert await store.head(GROUP) is None
    for asking in (store.history(GROUP), store.audit(GROUP), store.snapshot(GROUP, 1), store.revision(GROUP, 1)):
        with pytest.raises(NotFound, match='no group "edge"'):
            await asking
    await store.publish(a_publication({"web": b"1"}))
    for asking in (store.diff(GROUP, 1, 2), store.origins(GROUP, 2), store.revision(GROUP, -1)):
        with pytest.raises(NotFound, match="its newest is 1"):
            await asking
