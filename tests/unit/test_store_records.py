"""Records as JSON, the audit chain, the key layout, and what an operator is told of etcd."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from snapshots.store.codec import Damaged, Digest
from snapshots.store.etcd.model import Alarm, MemberStatus
from snapshots.store.keys import Keys
from snapshots.store.protocol import AuditRecord, Revision
from snapshots.store.records import (
    RevisionRecord,
    Target,
    audit_of,
    decode_audit,
    encode_audit,
    verify_audit,
)
from snapshots.store.report import describe
from tests.contract.publications import GROUP, PAYMENTS, SHOP
from xds.protocol.types import GroupName


def _revision(number: int = 1) -> Revision:
    return Revision(
        group=GROUP,
        number=number,
        parent=number - 1,
        snapshot=f"{number:064x}",
        workspace=SHOP,
        workspaces={SHOP: number, PAYMENTS: 1},
        author='ada "the first"',
        message="ünï\ncode",
        source="commit 1",
        created_at_s=1.5,
        idempotency_key=f"key-{number}",
        added=2,
    )


def _chain(length: int) -> list[AuditRecord]:
    records: list[AuditRecord] = []
    for number in range(1, length + 1):
        records.append(audit_of(_revision(number), records[-1].digest if records else ""))
    return records


def test_records_come_back_as_they_were() -> None:
    record = RevisionRecord(_revision(), Digest("o"), Digest("d"), "a")
    assert RevisionRecord.decode(record.encode()) == record
    assert Target.decode(Target(record).encode()) == Target(record)
    (audit,) = _chain(1)
    assert decode_audit(encode_audit(audit)) == audit


def test_equal_records_are_equal_bytes_whatever_the_order_of_workspaces() -> None:
    one = RevisionRecord(_revision(), Digest("o"), Digest("d"), "a")
    turned = replace(one, revision=replace(one.revision, workspaces={PAYMENTS: 1, SHOP: 1}))
    assert one.encode() == turned.encode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff", "not JSON"),
        (b"[]", "another format"),
        (b'{"format": 2}', "another format"),
        (b'{"format": 1}', "lacks or misnames"),
        (b'{"format": 1, "revision": {"number": 1}}', "lacks or misnames"),
    ],
)
def test_a_record_that_is_not_one_says_why(data: bytes, words: str) -> None:
    with pytest.raises(Damaged, match=words):
        RevisionRecord.decode(data)


def test_a_target_or_audit_record_that_is_not_one_says_why() -> None:
    with pytest.raises(Damaged, match="without a stable revision"):
        Target.decode(b'{"format": 1}')
    with pytest.raises(Damaged, match="lacks or misnames"):
        decode_audit(b'{"format": 1, "group": "edge"}')


def test_an_untouched_chain_verifies_in_any_order_and_from_any_start() -> None:
    chain = _chain(5)
    assert verify_audit(chain) == verify_audit(chain[::-1]) == verify_audit(chain[2:]) == verify_audit([]) == ()


@pytest.mark.parametrize("field", ["author", "message", "source", "snapshot", "action", "created_at_s", "group"])
def test_an_edit_of_any_field_is_noticed(field: str) -> None:
    chain = _chain(3)
    chain[1] = replace(chain[1], **{field: 9.0 if field == "created_at_s" else "edited"})
    assert [finding.code for finding in verify_audit(chain)] == ["E0904"]


def test_an_edit_with_a_new_digest_breaks_the_chain() -> None:
    chain = _chain(3)
    chain[1] = audit_of(replace(_revision(2), author="mallory"), chain[0].digest)
    (finding,) = verify_audit(chain)
    assert finding.code == "E0905"
    assert "audit record 3" in finding.message


def test_a_removed_or_inserted_beginning_is_noticed() -> None:
    chain = _chain(3)
    assert [finding.code for finding in verify_audit([chain[0], chain[2]])] == ["E0905"]
    assert [finding.code for finding in verify_audit([audit_of(_revision(1), "before the first")])] == ["E0905"]


def test_names_that_people_choose_stay_inside_their_place() -> None:
    keys = Keys()
    group = GroupName("../a/b%2f é")
    assert keys.target(group) == "/fairlead/v1/targets/..%2Fa%2Fb%252f%20%C3%A9"
    assert keys.revision(group, 12).endswith("/0000000000000012")
    assert not keys.revision(GroupName("edge-2"), 1).startswith(keys.revisions(GroupName("edge")))
    assert keys.idempotency(group, "a/b").endswith("/a%2Fb")


def test_a_target_is_readable_by_people() -> None:
    data = json.loads(Target(RevisionRecord(_revision(), Digest("o"), Digest("d"), "a")).encode())
    assert data["stable"]["revision"]["author"] == 'ada "the first"'


def test_a_status_names_leader_versions_alarms_and_troubles() -> None:
    members = (
        MemberStatus("http://a", version="3.5.1", member="1", leader="2", db_size_bytes=10, errors=("slow disk",)),
        MemberStatus("http://b", version="3.6.0", member="2", leader="2", db_size_bytes=20, quota_bytes=100),
        MemberStatus("http://c", problem="is not reachable"),
        MemberStatus("http://d", problem="is not reachable"),
    )
    status = describe(members, (Alarm("2", "NOSPACE"),), "")

    assert (status.reachable, status.leader, status.version) == (True, "http://b", "3.5.1, 3.6.0")
    assert (status.db_size_bytes, status.quota_bytes) == (20, 100)
    assert status.alarms == ("NOSPACE on member 2",)
    unreachable, slow, defect = status.detail.split("; ", 2)
    assert (unreachable, slow) == ("etcd at http://c, http://d is not reachable", "etcd at http://a says: slow disk")
    assert defect.startswith("etcd 3.5.0 to 3.5.2 can lose consistency between members")


def test_an_alarm_is_told_once_and_a_single_member_cannot_differ_from_others() -> None:
    member = MemberStatus("http://a", version="3.5.1", errors=("memberID:2 alarm:NOSPACE ",))
    status = describe((member,), (Alarm("2", "NOSPACE"),), "")
    assert (status.alarms, status.detail) == (("NOSPACE on member 2",), "")


def test_members_that_answer_without_a_quorum_are_not_reachable() -> None:
    members = (MemberStatus("http://a", version="3.6.0", errors=("etcdserver: no leader",)),)
    status = describe(members, (), "etcd at http://a has no leader")
    assert not status.reachable
    assert status.detail == "etcd at http://a has no leader"
