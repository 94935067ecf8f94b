"""Any sequence of publications and rollbacks leaves a store where a plain dictionary says it should be."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.errors import Conflict
from snapshots.model import WorkspaceName
from snapshots.store.memory import MemoryStore
from snapshots.store.records import verify_audit
from tests.contract.publications import GROUP, a_publication, a_rollback

UNHURRIED = settings(deadline=None)  # a busy machine is no defect
WORKSPACES = st.sampled_from([WorkspaceName(name) for name in ("shop", "pay", "blog")])
NAMES = st.sampled_from(["web", "api", "cart", "mail", "", "ünï", "a\nb"])
BODIES = st.binary(max_size=6)
Content = dict[str, bytes]


@dataclass(frozen=True)
class Publish:
    workspace: WorkspaceName
    bodies: Content


@dataclass(frozen=True)
class RollBack:
    share: float  # of the way from the first revision to the newest

    def number(self, newest: int) -> int:
        return 1 + int(self.share * (newest - 1))


STEPS = st.lists(
    st.builds(Publish, WORKSPACES, st.dictionaries(NAMES, BODIES, max_size=5)) | st.builds(RollBack, st.floats(0, 1)),
    max_size=12,
)


@dataclass
class Model:
    """Revisions as dictionaries: name -> (workspace, body). Revision n is `revisions[n - 1]`."""

    revisions: list[dict[str, tuple[WorkspaceName, bytes]]] = field(default_factory=list)

    def publish(self, step: Publish) -> bool:
        """False when another workspace holds one of the names."""
        head = self.revisions[-1] if self.revisions else {}
        others = {name: held for name, held in head.items() if held[0] != step.workspace}
        if others.keys() & step.bodies.keys():
            return False
        self._store({**others, **{name: (step.workspace, body) for name, body in step.bodies.items()}})
        return True

    def roll_back(self, number: int) -> None:
        self._store(self.revisions[number - 1])

    def _store(self, content: dict[str, tuple[WorkspaceName, bytes]]) -> None:
        if not self.revisions or content != self.revisions[-1]:
            self.revisions.append(content)

    def bodies(self, number: int) -> Content:
        return {name: body for name, (_, body) in self.revisions[number - 1].items()}


async def _replay(steps: list[Publish | RollBack]) -> tuple[MemoryStore, Model]:
    store, model = MemoryStore(count(1).__next__), Model()
    for step in steps:
        if isinstance(step, RollBack):
            if model.revisions:
                number = step.number(len(model.revisions))
                await store.rollback(a_rollback(number))
                model.roll_back(number)
        elif model.publish(step):
            await store.publish(a_publication(step.bodies, workspace=step.workspace))
        else:
            with pytest.raises(Conflict):
                await store.publish(a_publication(step.bodies, workspace=step.workspace))
    return store, model


@UNHURRIED
@given(STEPS)
def test_every_revision_serves_what_the_model_says(steps: list[Publish | RollBack]) -> None:
    async def scenario() -> None:
        store, model = await _replay(steps)
        assert await store.groups() == ((GROUP,) if model.revisions else ())
        for number in range(1, len(model.revisions) + 1):
            served = (await store.snapshot(GROUP, number)).resources
            assert {resource.name: resource.body for resource in served} == model.bodies(number)
            origins = await store.origins(GROUP, number)
            owners = {name: origin.workspace for (_, name), origin in origins.items()}
            assert owners == {name: workspace for name, (workspace, _) in model.revisions[number - 1].items()}
        if model.revisions:
            assert len(await store.history(GROUP)) == len(model.revisions)
            assert verify_audit(await store.audit(GROUP)) == ()

    asyncio.run(scenario())


@UNHURRIED
@given(STEPS)
def test_digests_are_equal_exactly_when_contents_are(steps: list[Publish | RollBack]) -> None:
    async def scenario() -> None:
        store, model = await _replay(steps)
        if not model.revisions:
            return
        history = await store.history(GROUP)
        for one in history:
            for other in history:
                same = model.bodies(one.number) == model.bodies(other.number)
                assert (one.snapshot == other.snapshot) == same

    asyncio.run(scenario())


@UNHURRIED
@given(STEPS, st.floats(0, 1))
def test_a_rollback_restores_digest_and_bytes_wherever_it_starts(steps: list[Publish | RollBack], share: float) -> None:
    async def scenario() -> None:
        store, model = await _replay(steps)
        if not model.revisions:
            return
        number = RollBack(share).number(len(model.revisions))
        before = await store.snapshot(GROUP, number)
        back = (await store.rollback(a_rollback(number))).revision
        after = await store.snapshot(GROUP, back.number)
        assert (after.resources, back.snapshot) == (before.resources, before.revision.snapshot)
        assert await store.origins(GROUP, back.number) == await store.origins(GROUP, number)

    asyncio.run(scenario())


@UNHURRIED
@given(STEPS)
def test_diffs_lead_from_each_revision_to_any_other(steps: list[Publish | RollBack]) -> None:
    async def scenario() -> None:
        store, model = await _replay(steps)
        last = len(model.revisions)
        for base in range(last + 1 if last else 0):
            content = model.bodies(base) if base else {}
            for change in await store.diff(GROUP, base, last):
                assert content.get(change.name) == (change.before.body if change.before else None)
                content = {name: body for name, body in content.items() if name != change.name}
                content |= {change.name: change.after.body} if change.after else {}
            assert content == model.bodies(last)

    asyncio.run(scenario())
