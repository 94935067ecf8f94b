"""Our nouns to etcd's messages and back. The only file that imports the stubs generated from rpc.proto.

No I/O of its own: `Stubs` makes the calls of one channel, the functions only translate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc.aio

from snapshots.store.etcd import rpc_pb2 as rpc
from snapshots.store.etcd import rpc_pb2_grpc as services
from snapshots.store.etcd.model import (
    Alarm,
    Compare,
    Delete,
    Get,
    KeyValue,
    Listing,
    Member,
    MemberStatus,
    Op,
    OpResult,
    Put,
    TxnResult,
    WatchEvent,
)

END_OF_STREAM: object = grpc.aio.EOF  # type: ignore[attr-defined]  # its stubs do not have it


class Stubs:
    """etcd's services on one channel."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.kv: Any = services.KVStub(channel)
        self.watch: Any = services.WatchStub(channel)
        self.lease: Any = services.LeaseStub(channel)
        self.cluster: Any = services.ClusterStub(channel)
        self.maintenance: Any = services.MaintenanceStub(channel)
        self.auth: Any = services.AuthStub(channel)


def prefix_end(prefix: str) -> bytes:
    """The first key after all that begin with `prefix`; of the empty prefix, etcd's word for the end of all keys."""
    return after_all(prefix.encode())


def after_all(prefix: bytes) -> bytes:
    head = prefix.rstrip(b"\xff")
    return head[:-1] + bytes([head[-1] + 1]) if head else b"\0"


def first_key(prefix: str) -> bytes:
    return prefix.encode() or b"\0"  # an empty key is refused; the zero byte is the first there can be


# -- requests


def get_request(key: str, revision: int = 0) -> rpc.RangeRequest:
    return rpc.RangeRequest(key=key.encode(), revision=revision)


def list_request(
    prefix: str, *, limit: int, start_after: str, descending: bool, keys_only: bool, revision: int
) -> rpc.RangeRequest:
    """`start_after` is the last key of the page before; descending, the page ends before it."""
    first, end = first_key(prefix), prefix_end(prefix)
    if start_after and descending:
        end = start_after.encode()
    elif start_after:
        first = start_after.encode() + b"\0"
    order = rpc.RangeRequest.DESCEND if descending else rpc.RangeRequest.NONE  # none is ascending, and cheaper
    return rpc.RangeRequest(
        key=first, range_end=end, limit=limit, revision=revision, sort_order=order, keys_only=keys_only
    )


def put_request(operation: Put) -> rpc.PutRequest:
    return rpc.PutRequest(key=operation.key.encode(), value=operation.value, lease=operation.lease)


def delete_request(operation: Delete) -> rpc.DeleteRangeRequest:
    if operation.prefix:
        return rpc.DeleteRangeRequest(key=first_key(operation.key), range_end=prefix_end(operation.key))
    return rpc.DeleteRangeRequest(key=operation.key.encode())


def txn_request(compare: Sequence[Compare], success: Sequence[Op], failure: Sequence[Op]) -> rpc.TxnRequest:
    return rpc.TxnRequest(
        compare=[_compare(condition) for condition in compare],
        success=[_operation(operation) for operation in success],
        failure=[_operation(operation) for operation in failure],
    )


def _compare(condition: Compare) -> rpc.Compare:
    key = condition.key.encode()
    relation = rpc.Compare.NOT_EQUAL if condition.negated else rpc.Compare.EQUAL
    if isinstance(condition.operand, bytes):
        return rpc.Compare(key=key, relation=relation, target=rpc.Compare.VALUE, value=condition.operand)
    if condition.what == "created":
        return rpc.Compare(key=key, relation=relation, target=rpc.Compare.CREATE, create_revision=condition.operand)
    return rpc.Compare(key=key, relation=relation, target=rpc.Compare.MOD, mod_revision=condition.operand)


def _operation(operation: Op) -> rpc.RequestOp:
    match operation:
        case Put():
            return rpc.RequestOp(put=put_request(operation))
        case Delete():
            return rpc.RequestOp(delete_range=delete_request(operation))
        case Get():
            return rpc.RequestOp(range=get_request(operation.key))


def compact_request(revision: int) -> rpc.CompactionRequest:
    return rpc.CompactionRequest(revision=revision, physical=True)


def watch_request(prefix: str, start_revision: int) -> rpc.WatchRequest:
    return rpc.WatchRequest(
        create=rpc.WatchCreateRequest(
            key=first_key(prefix),
            range_end=prefix_end(prefix),
            start_revision=start_revision,
            progress_notify=True,
            fragment=True,
        )
    )


def grant_request(ttl_s: int) -> rpc.LeaseGrantRequest:
    return rpc.LeaseGrantRequest(ttl_s=ttl_s)


def revoke_request(lease_id: int) -> rpc.LeaseRevokeRequest:
    return rpc.LeaseRevokeRequest(id=lease_id)


def keep_alive_request(lease_id: int) -> rpc.LeaseKeepAliveRequest:
    return rpc.LeaseKeepAliveRequest(id=lease_id)


def sign_in_request(username: str, password: str) -> rpc.AuthenticateRequest:
    return rpc.AuthenticateRequest(name=username, password=password)


def status_request() -> rpc.StatusRequest:
    return rpc.StatusRequest()


def alarms_request() -> rpc.AlarmRequest:
    return rpc.AlarmRequest(action=rpc.AlarmRequest.GET)


def members_request() -> rpc.MemberListRequest:
    return rpc.MemberListRequest()


# -- replies


def key_value(item: rpc.KeyValue) -> KeyValue:
    return KeyValue(item.key.decode(), item.value, item.create_revision, item.mod_revision, item.lease)


def listing(reply: rpc.RangeResponse) -> Listing:
    return Listing(tuple(key_value(item) for item in reply.items), reply.header.revision, reply.more)


def txn_result(reply: rpc.TxnResponse) -> TxnResult:
    return TxnResult(reply.succeeded, reply.header.revision, tuple(_op_result(each) for each in reply.responses))


def _op_result(response: rpc.ResponseOp) -> OpResult:
    match response.WhichOneof("response"):
        case "range":
            return OpResult(item=next((key_value(item) for item in response.range.items), None))
        case "delete_range":
            return OpResult(deleted=response.delete_range.deleted)
        case _:
            return OpResult()


def watch_events(reply: rpc.WatchResponse) -> tuple[WatchEvent, ...]:
    return tuple(
        WatchEvent("delete" if event.kind == rpc.Event.DELETE else "put", key_value(event.item))
        for event in reply.events
    )


def member_id(number: int) -> str:
    return f"{number:x}" if number else ""


def member_status(endpoint: str, reply: rpc.StatusResponse) -> MemberStatus:
    return MemberStatus(
        endpoint=endpoint,
        version=reply.version,
        member=member_id(reply.header.member_id),
        leader=member_id(reply.leader),
        raft_term=reply.raft_term,
        db_size_bytes=reply.db_size_bytes,
        db_size_in_use_bytes=reply.db_size_in_use_bytes,
        quota_bytes=reply.quota_bytes,
        errors=tuple(reply.errors),
    )


def alarms(reply: rpc.AlarmResponse) -> tuple[Alarm, ...]:
    return tuple(Alarm(member_id(each.member_id), rpc.AlarmType.Name(each.alarm)) for each in reply.alarms)


def members(reply: rpc.MemberListResponse) -> tuple[Member, ...]:
    return tuple(Member(member_id(each.id), each.name, tuple(each.client_urls)) for each in reply.members)
