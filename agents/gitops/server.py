"""What a source asks of the management API: where its workspace stands, and to publish."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from agents.gitops.git_process import Checkout
from agents.gitops.judgement import Standing, Sync, is_meant_beyond_budgets
from agents.gitops.sources import Source
from agents.gitops.status import SourceStatus
from api.errors import NotFound
from api.management.client import ManagementClient
from api.management.sync_messages import report_message
from api.management.v1 import management_pb2 as pb
from snapshots.store.syncs import SyncOrders

MESSAGE_LIMIT_CHARACTERS = 1024


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether this process acts for the source, who does, and what people asked."""

    acting: bool = False
    holder: str = ""
    orders: SyncOrders = field(default_factory=SyncOrders)


@dataclass(frozen=True, slots=True)
class Server:
    """The server as one source sees it. Every method raises what ManagementClient raises."""

    client: ManagementClient
    source: Source
    holder: str

    async def report(self, status: SourceStatus, lease_s: float) -> Turn:
        """Say how the source is doing, and hear whether it is this process's turn and what people ask."""
        source = self.source
        answer = await self.client.report_sync(
            source.group, source.workspace, self.holder, report_message(status.report()), lease_s=lease_s
        )
        orders = answer.orders
        return Turn(
            answer.acting,
            answer.holder,
            SyncOrders(orders.looks, orders.suspended_by, orders.suspended_why, orders.resumed_revision),
        )

    async def standing(self) -> Standing:
        group, workspace = self.source.group, self.source.workspace
        try:
            head = await self.client.get_revision(group)
        except NotFound:
            return Standing()
        number = head.workspaces.get(workspace, 0)
        if not number:
            return Standing(head=head.number)
        last = head if number == head.number else await self.client.get_revision(group, number)
        return Standing(head.number, number, last.source, last.author, last.rolled_back_to)

    async def documents(self, number: int) -> dict[str, bytes]:
        """The workspace's documents as of revision `number`, by path; none for 0."""
        if not number:
            return {}
        parts = self.client.get_documents(self.source.group, number, workspace=self.source.workspace)
        return {each.path: each.content async for each in parts}

    async def documents_before(self, revision: int) -> dict[str, bytes]:
        """The workspace's documents as they were when `revision` changed them."""
        record = await self.client.get_revision(self.source.group, revision)
        return await self.documents(record.parent)

    async def publish(self, checkout: Checkout, step: Sync, base: int) -> pb.PublishResponse:
        """`base`: the revision that last changed the workspace."""
        source = self.source
        return await self.client.publish(
            checkout.documents,
            group=source.group,
            workspace=source.workspace,
            base=step.base,
            author=checkout.author[:MESSAGE_LIMIT_CHARACTERS],
            message=checkout.message.partition("\n")[0][:MESSAGE_LIMIT_CHARACTERS],
            source=source.words_for(checkout.commit),
            idempotency_key=source.idempotency_key(checkout.commit, base),
            sync_holder=self.holder,
            beyond_budgets=is_meant_beyond_budgets(checkout.message),
        )

    def follow(self, revision: int) -> AsyncIterator[pb.Progress]:
        """How far a revision has come with the gateways, until none is left to wait for."""
        return self.client.follow_revision(self.source.group, revision)
