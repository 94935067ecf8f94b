"""`fairlead status`: the server, its store, groups and objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from api.cli.groups import GroupOption
from api.cli.messages import age, plain, seconds_of, short_reason
from api.cli.output import Column, Format, show_document, table_lines, write_lines
from api.cli.shared import invocation_of
from api.cli.sync_lines import not_well
from api.cli.terminal import escape, say
from api.cli.watching import show_or_watch
from api.errors import NotFound, StoreUnavailable

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

EXAMPLES = ("fairlead status", "fairlead status --group edge -o json", "fairlead status --watch")
COLUMNS = tuple(map(Column, ("group", "revision", "gateways", "current", "behind", "rejected", "published")))


@dataclass(frozen=True, slots=True)
class Picture:
    """What was found. Without the store there are no `objects` but `why_no_objects`: the server still answers."""

    status: pb.Status
    groups: tuple[pb.GroupStatus, ...]
    objects: list[dict[str, Any]]
    why_no_objects: str = ""
    syncs: tuple[pb.Sync, ...] = ()


def command(context: typer.Context, group: GroupOption = "") -> None:
    """Show the server and its store, and for each group its revision and how its gateways stand.

    Syncs from repositories that are not at their commit are named. -o json has all of them, and every authored object
    with its conditions.
    """
    invocation = invocation_of(context)
    with_objects = invocation.output in (Format.JSON, Format.YAML, Format.NAME)

    async def look(client: ManagementClient) -> Picture:
        return await _look(client, group, with_objects=with_objects)

    def show(picture: Picture) -> None:
        if picture.why_no_objects:
            say(f"the objects are not known: {escape(picture.why_no_objects)}")
        if invocation.output in (Format.JSON, Format.YAML):
            show_document(_document(picture), invocation.output)
        elif invocation.output is Format.NAME:
            write_lines(escape(f"{item['kind']}/{item['name']}") for item in picture.objects)
        else:
            write_lines(_lines(picture))

    show_or_watch(invocation, look, show, _what_matters)


async def _look(client: ManagementClient, named: str, *, with_objects: bool) -> Picture:
    status = await client.get_status()
    groups = tuple(group for group in status.groups if named in ("", group.head.group))
    if named and not groups:
        there = ", ".join(group.head.group for group in status.groups) or "none yet"
        raise NotFound(f"there is no group {named!r}; there are: {there}")
    if not status.store.reachable:
        return Picture(status, groups, [], (status.store.detail or "the store does not answer") if with_objects else "")
    try:
        syncs = await client.list_syncs(named)
        return Picture(status, groups, await _objects(client, groups) if with_objects else [], syncs=syncs)
    except StoreUnavailable as error:
        return Picture(status, groups, [], error.message if with_objects else "")


async def _objects(client: ManagementClient, groups: Sequence[pb.GroupStatus]) -> list[dict[str, Any]]:
    from api.cli.objects import gateway_documents, object_documents

    found: list[dict[str, Any]] = []
    for group in groups:
        head, resources = await client.get_snapshot(group.head.group, group.head.number)
        nodes = await client.list_nodes(group.head.group)
        documents = object_documents(head, resources, group, nodes)
        documents += gateway_documents(await client.list_objects(head.group))
        found += ({**item, "group": head.group} for item in documents)
    return found


def _document(picture: Picture) -> dict[str, Any]:
    """`group` and `revision` are those of the group that was named, or of the only one; else null."""
    status = plain(picture.status)
    groups, store = status.pop("groups"), status.pop("store")
    only = picture.groups[0].head if len(picture.groups) == 1 else None
    return {
        "server": status,
        "store": store,
        "group": only.group if only else None,
        "revision": only.number if only else None,
        "groups": [group for group in groups if group["head"]["group"] in {one.head.group for one in picture.groups}],
        "objects": picture.objects,
        "syncs": [plain(each) for each in picture.syncs],
        **({"objects_unknown_because": picture.why_no_objects} if picture.why_no_objects else {}),
    }


def _lines(picture: Picture) -> Iterator[str]:
    status = picture.status
    now_s = seconds_of(status.now)
    ready = "ready" if status.ready else f"NOT READY: {escape(short_reason(status))}"
    yield f"server  {escape(status.version)}, {ready}, up {age(status.started, now_s)}"
    yield f"        xDS {status.xds_address}, management {status.management_address}, HTTP {status.http_address}"
    yield f"store   {_store_words(status.store)}"
    if status.store.detail:
        yield f"        {escape(status.store.detail)}"
    if status.nodes_unassigned:
        yield f"nodes   {status.nodes_unassigned} of groups that do not exist; `fairlead nodes` names them"
    for line in not_well(picture.syncs):
        yield f"sync    {line}"
    yield ""
    if not picture.groups:
        yield "no groups yet; `fairlead apply DIR` makes one"
        return
    yield from table_lines(COLUMNS, [_row(group, now_s) for group in picture.groups], wide=False)


def _store_words(store: pb.StoreStatus) -> str:
    words = [escape(f"{store.kind} {store.version}".strip()), "reachable" if store.reachable else "UNREACHABLE"]
    if store.db_size_bytes:
        quota = f" of {store.quota_bytes / 2**20:.0f} MiB" if store.quota_bytes else ""
        words.append(f"{store.db_size_bytes / 2**20:.1f} MiB{quota}")
    words += [f"alarm {escape(alarm)}" for alarm in store.alarms]
    return ", ".join(words)


def _row(group: pb.GroupStatus, now_s: float) -> tuple[str, ...]:
    counts = (group.nodes_total, group.nodes_current, group.nodes_behind, group.nodes_rejected)
    published = f"{age(group.head.created, now_s)} ago by {group.head.author or 'unknown'}"
    return (group.head.group, str(group.head.number), *map(str, counts), published)


def _what_matters(picture: Picture) -> object:
    """Without the time of day, which always differs."""
    status = plain(picture.status)
    status.pop("now")
    return status, picture.objects, [*not_well(picture.syncs)]
