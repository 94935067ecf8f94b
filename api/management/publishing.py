"""Check, Plan, Publish and Rollback: what documents come to, what they would change, and making it so."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass

from api.errors import Finding, InvalidConfig
from api.management.backend import Backend
from api.management.compiling import Compiled, Compiler
from api.management.conversion import revision_message
from api.management.details import finding_message
from api.management.hiding import hidden_endpoints
from api.management.planning import Key, add_changes, key_of, locality_messages, object_message
from api.management.syncing import admit_change
from api.management.uploads import Upload
from api.management.v1 import management_pb2 as pb
from api.telemetry import tracing
from snapshots import codes
from snapshots.authoring.differences import object_changes
from snapshots.checks.budgets import Weighing, Weight, over_budget
from snapshots.model import CompiledResource, Document, Origin, WorkspaceName
from snapshots.store.protocol import Publication, Published, Rollback
from xds.protocol.resource import Resource
from xds.protocol.types import GroupName

NAME_LIMIT_CHARACTERS = 1024


@dataclass(frozen=True, slots=True)
class Standing:
    """What a group serves now, as one workspace sees it: its own resources, those of others, and whose all are."""

    base: int
    own: dict[Key, Resource]
    origins: dict[Key, Origin]
    others: tuple[CompiledResource, ...] = ()


class Publishing:
    def __init__(self, backend: Backend, compiler: Compiler) -> None:
        self._backend = backend
        self._compiler = compiler

    async def check(self, upload: Upload) -> pb.CheckResponse:
        compiled = await self._compiler.compile(upload)
        return pb.CheckResponse(
            group=compiled.group,
            workspace=compiled.workspace,
            documents=len(upload.documents),
            resources=len(compiled.resources),
            findings=map(finding_message, compiled.findings),
        )

    async def plan(self, upload: Upload) -> pb.PlanResponse:
        """The difference to the group's head. With errors only the findings: what would be served is not known."""
        compiled = await self._compiler.compile(upload)
        standing = await self._standing(compiled.group, compiled.workspace)
        findings = (*compiled.findings, *_claims(compiled, standing))
        answer = pb.PlanResponse(
            group=compiled.group,
            workspace=compiled.workspace,
            base=standing.base,
            findings=map(finding_message, findings),
            resources_before=len(standing.own),
            refused=compiled.refused,
        )
        if not compiled.refused:
            self._add_changes(answer, compiled, standing)
            await self._add_objects(answer, compiled, standing, upload)
            beyond = over_budget(_weighing(compiled, standing), self._backend.budgets, compiled.budgets)
            answer.beyond_budgets.extend(map(finding_message, beyond))
            hidden = await hidden_endpoints(self._backend.store, compiled.group, answer.changes)
            answer.findings.extend(map(finding_message, hidden))
        return answer

    async def publish(self, upload: Upload) -> pb.PublishResponse:
        """Raises InvalidConfig with all findings, Denied for a workspace that a repository is followed into, or what
        the store raises. Warnings come with the answer."""
        with tracing.span("compile"):
            compiled = await self._compiler.compile(upload)
        compiled.require()
        await self._taste(compiled, upload)
        header = upload.header
        source = await admit_change(self._backend, compiled.group, compiled.workspace, header)
        publication = Publication(
            group=compiled.group,
            workspace=compiled.workspace,
            resources=compiled.resources,
            documents=upload.documents,
            idempotency_key=_key(header.idempotency_key),
            author=_short(header.author, "author"),
            message=_short(header.message, "message"),
            source=_short(source, "source"),
            base=header.base if header.HasField("base") else None,
            traceparent=tracing.current_traceparent(),
            budgets=(self._backend.budgets, compiled.budgets),
            beyond_budgets=header.beyond_budgets,
        )
        with tracing.span("store.publish", attributes={"fairlead.group": compiled.group}):
            published = await self._backend.store.publish(publication)
        return _answer(published, compiled.findings)

    async def _taste(self, compiled: Compiled, upload: Upload) -> None:
        """Raises InvalidConfig for what a real Envoy does not take, where this server is to ask one."""
        if self._backend.taste is None:
            return
        standing = await self._standing(compiled.group, compiled.workspace)
        whole = (*standing.others, *compiled.resources)
        with tracing.span("taste", attributes={"fairlead.group": compiled.group}):
            findings = await self._backend.taste(compiled.group, whole, upload.documents)
        if findings:
            raise InvalidConfig("a real Envoy does not take this; nothing was stored", findings=findings)

    async def rollback(self, request: pb.RollbackRequest) -> pb.PublishResponse:
        """Raises NotFound, Conflict."""
        rollback = Rollback(
            group=GroupName(request.group),
            to=request.to,
            idempotency_key=_key(request.idempotency_key),
            author=_short(request.author, "author"),
            message=_short(request.message, "message"),
            base=request.base if request.HasField("base") else None,
            traceparent=tracing.current_traceparent(),
        )
        with tracing.span("store.rollback", attributes={"fairlead.group": request.group}):
            published = await self._backend.store.rollback(rollback)
        return _answer(published, ())

    async def _standing(self, group: GroupName, workspace: WorkspaceName) -> Standing:
        head = await self._backend.store.head(group)
        if head is None:
            return Standing(0, {}, {})
        origins = dict(await self._backend.store.origins(group, head.number))
        snapshot = await self._backend.store.snapshot(group, head.number)
        every = [CompiledResource(one, origins[key_of(one)]) for one in snapshot.resources]
        own = {key_of(one.resource): one.resource for one in every if one.origin.workspace == workspace}
        others = tuple(one for one in every if one.origin.workspace != workspace)
        return Standing(head.number, own, origins, others)

    def _add_changes(self, answer: pb.PlanResponse, compiled: Compiled, standing: Standing) -> None:
        own = {key: CompiledResource(one, standing.origins[key]) for key, one in standing.own.items()}
        add_changes(answer, self._backend.envoy, own, compiled.resources)
        fleet = self._backend.fleet
        answer.nodes_total = sum(fleet.counts(group).total for group in fleet.groups())
        answer.nodes_reached = fleet.counts(compiled.group).total if answer.changes else 0
        answer.localities.extend(locality_messages(fleet.nodes(compiled.group)) if answer.changes else ())

    async def _add_objects(
        self, answer: pb.PlanResponse, compiled: Compiled, standing: Standing, upload: Upload
    ) -> None:
        before: tuple[Document, ...] = ()
        if standing.base:
            before = await self._backend.store.documents(compiled.group, standing.base, compiled.workspace)
        changed = await asyncio.to_thread(object_changes, before, upload.documents)
        answer.objects.extend(object_message(each, compiled.workspace) for each in changed)


def _weighing(compiled: Compiled, standing: Standing) -> Weighing:
    """What publishing would come to, as the store will weigh it."""
    others, after = Weight.of(standing.others), Weight.of(compiled.resources)
    whole = Weight(others.resources + after.resources, others.size_bytes + after.size_bytes)
    before = Weight(len(standing.own), sum(len(one.body) for one in standing.own.values()))
    removed = len(standing.own.keys() - {key_of(one.resource) for one in compiled.resources})
    return Weighing(compiled.workspace, before, after, removed, compiled.group, whole)


def _claims(compiled: Compiled, standing: Standing) -> list[Finding]:
    """Names that another workspace of the group holds: publishing would be a conflict, so the plan says it first."""
    findings = []
    for one in compiled.resources:
        holder = standing.origins.get(key_of(one.resource))
        if holder and holder.workspace != compiled.workspace:
            words = f"{one.resource.name} belongs to workspace {holder.workspace} ({holder.path}:{holder.line})"
            hint = "rename it, or remove it there first"
            origin = one.origin
            finding = Finding(codes.NAME_CLAIMED, words, origin.path, origin.line, origin.column, suggestion=hint)
            findings.append(finding)
    return findings


def _answer(published: Published, findings: tuple[Finding, ...]) -> pb.PublishResponse:
    return pb.PublishResponse(
        revision=revision_message(published.revision),
        created=published.created,
        findings=map(finding_message, findings),
    )


def _key(given: str) -> str:
    """A caller without a key asks for no protection against doing it twice."""
    return _short(given, "idempotency key") or uuid.uuid4().hex


def _short(given: str, what: str) -> str:
    if len(given) > NAME_LIMIT_CHARACTERS:
        raise InvalidConfig(f"the {what} is longer than {NAME_LIMIT_CHARACTERS} characters")
    return given
