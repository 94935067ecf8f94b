"""What is known of backends, and the policies that are about them. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from snapshots.authoring.gateway.backend_faces import Backend, backend_of
from snapshots.authoring.gateway.backend_tls import (
    BackendPolicies,
    BackendTls,
    Policy,
    PolicyTargetKey,
    policy_alone,
    policy_among,
)
from snapshots.authoring.gateway.backends import Backends
from snapshots.authoring.gateway.stages.results import Results
from snapshots.authoring.gateway.world import World, precedence
from snapshots.authoring.objects import ObjectKey
from snapshots.authoring.sheet import Gathered, Made, Sheet

_Given = Iterator[tuple[PolicyTargetKey, tuple[float, str, str], BackendTls]]


class BackendStages:
    """`policies`: each with what others take from it."""

    def __init__(self, sheet: Sheet, world: World, results: Results) -> None:
        self._world = world
        self._targeted: Gathered[PolicyTargetKey, BackendTls] = Gathered(sheet)
        self._known: Made[ObjectKey, Backend] = Made(sheet, self._backend)
        alone = results.complain("policy", lambda policy: policy.complaints)
        self._alone: Made[ObjectKey, Policy] = Made(sheet, self._policy, self._target, alone)
        conflicts = results.complain("conflict", lambda tls: tls.conflicts)
        self.policies: Made[ObjectKey, BackendTls] = Made(sheet, self._among, conflicts)
        self._about = BackendPolicies(lambda target: (tls for _, tls in self._targeted.get(target)))
        self.resolve = Backends(world, self._known.get, self._about)

    def want(self, key: ObjectKey) -> None:
        """A policy came, changed or went."""
        for column in (self._alone, self.policies):
            column.want(key) if self._world.peek(key) else column.unwant(key)

    def _backend(self, key: ObjectKey) -> Backend | None:
        found = self._world.at(key)
        return backend_of(found) if found is not None else None

    def _policy(self, key: ObjectKey) -> Policy | None:
        policy = self._world.peek(key)
        return policy_alone(self._world, self._known.get, policy) if policy is not None else None

    def _target(self, key: ObjectKey, before: Policy | None, after: Policy | None) -> None:
        self._targeted.change(_targets(before), _targets(after))

    def _among(self, key: ObjectKey) -> BackendTls | None:
        policy = self._alone.get(key)
        return policy_among(policy, self._about) if policy is not None else None


def _targets(policy: Policy | None) -> _Given:
    """Each target once, in order of precedence of its policies."""
    if policy is not None:
        for target in dict.fromkeys(target for _, target in policy.targets):
            yield target, precedence(policy.tls.policy), policy.tls
