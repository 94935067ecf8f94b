"""Publications for the store's tests: one factory per noun, everything but the point of a test left out."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count

from snapshots.model import CompiledResource, Document, Origin, WorkspaceName
from snapshots.store.protocol import Publication, Rollback
from xds.protocol.resource import Reference, Resource
from xds.protocol.types import CLUSTER, ENDPOINT, GroupName

GROUP = GroupName("edge")
SHOP = WorkspaceName("shop")
PAYMENTS = WorkspaceName("payments")
_keys = count(1)


def a_resource(name: str, body: bytes = b"body") -> Resource:
    return Resource.of(CLUSTER, name, body, (Reference(ENDPOINT, name),))


def an_origin(name: str, workspace: WorkspaceName = SHOP, line: int = 1) -> Origin:
    return Origin(workspace, f"{name}.yaml", line, 1, "EnvoyResource", name)


def a_publication(
    bodies: Mapping[str, bytes],
    *,
    workspace: WorkspaceName = SHOP,
    group: GroupName = GROUP,
    line: int = 1,
    documents: Mapping[str, bytes] | None = None,
    key: str = "",
    base: int | None = None,
    author: str = "ada",
) -> Publication:
    """`bodies` by resource name; each resource comes from a document of its own unless `documents` says otherwise."""
    papers = {f"{name}.yaml": body for name, body in bodies.items()} if documents is None else documents
    return Publication(
        group=group,
        workspace=workspace,
        resources=tuple(
            CompiledResource(a_resource(name, body), an_origin(name, workspace, line)) for name, body in bodies.items()
        ),
        documents=tuple(Document(path, content) for path, content in papers.items()),
        idempotency_key=key or f"key-{next(_keys)}",
        author=author,
        message="why it is done",
        source="commit 1234",
        base=base,
        traceparent="00-11111111111111111111111111111111-2222222222222222-01",
    )


def a_rollback(to: int, *, group: GroupName = GROUP, key: str = "", base: int | None = None) -> Rollback:
    return Rollback(group=group, to=to, idempotency_key=key or f"key-{next(_keys)}", author="grace", base=base)


def many(number: int, *, prefix: str = "cluster") -> dict[str, bytes]:
    """`number` resources of some 300 bytes each, that compress about as configuration does."""
    return {f"{prefix}-{index}": _body(f"{prefix}-{index}", index) for index in range(number)}


def _body(name: str, index: int) -> bytes:
    health = f"health_checks path /healthz/{index * 104729 % 65537} interval 5s timeout 1s; "
    address = f"address {name}.example.com port {8000 + index % 97}; "
    return f"connect_timeout 5s; type STRICT_DNS; {address}{health * 3}".encode()
