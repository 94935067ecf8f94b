"""What an operator is told of the etcd behind the store: the members' answers and alarms, as one status. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from snapshots.store.etcd.model import Alarm, MemberStatus
from snapshots.store.etcd.versions import known_defect
from snapshots.store.protocol import StoreStatus

_ALARM = "alarm:"  # how a member lists its cluster's alarms among its errors


def describe(members: Sequence[MemberStatus], alarms: Sequence[Alarm], problem: str) -> StoreStatus:
    """`problem`: in words, why the cluster could not be asked; empty if it could. Reachable means that it could."""
    answered = [member for member in members if not member.problem]
    versions = sorted({member.version for member in answered})
    troubles = [problem] if problem else []
    troubles += _said_once((member.endpoint, member.problem) for member in members if member.problem)
    if not problem:  # of which the members' own complaints would only be echoes
        troubles += _said_once(_complaints(answered, alarms))
    if len(members) > 1:  # what is known against some versions is about members that come to differ
        troubles += filter(None, dict.fromkeys(map(known_defect, versions)))
    return StoreStatus(
        kind="etcd",
        reachable=bool(answered) and not problem,
        detail="; ".join(troubles),
        version=", ".join(versions),
        endpoints=tuple(member.endpoint for member in members),
        leader=next((member.endpoint for member in answered if member.leader == member.member), ""),
        db_size_bytes=max((member.db_size_bytes for member in answered), default=0),
        quota_bytes=max((member.quota_bytes for member in answered), default=0),
        alarms=tuple(f"{alarm.kind} on member {alarm.member}" for alarm in alarms),
    )


def _complaints(members: Iterable[MemberStatus], alarms: Sequence[Alarm]) -> Iterator[tuple[str, str]]:
    """What members that answer find wrong with themselves, without the alarms that are told as such."""
    for member in members:
        for error in member.errors:
            if not (alarms and _ALARM in error):
                yield member.endpoint, f"says: {error.strip()}"


def _said_once(troubles: Iterable[tuple[str, str]]) -> list[str]:
    """(endpoint, trouble) in sentences, one for all the endpoints that have the same."""
    endpoints: dict[str, list[str]] = {}
    for endpoint, trouble in troubles:
        endpoints.setdefault(trouble, []).append(endpoint)
    return [f"etcd at {', '.join(where)} {trouble}" for trouble, where in endpoints.items()]
