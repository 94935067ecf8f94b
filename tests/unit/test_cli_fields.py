"""Differences of values in JSON form: one line a field, and no secret in any of them."""

from __future__ import annotations

from typing import Any

import pytest

from api.cli.authored import shown_text
from api.cli.changes import Changes, summary
from api.cli.fields import field_changes, short
from api.cli.sensitive import Redactor, fingerprints, hidden
from api.cli.terminal import ColorWhen, Paint
from api.envoy.deterministic import serialize
from api.envoy.json_form import from_json
from api.envoy.registry import load_default
from api.management.v1 import management_pb2 as pb

CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
TRANSPORT = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": "1s"}, {"a": "2s"}, ["a: 1s -> 2s"]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["a.b: 1 -> 2"]),
        ({"a": 1}, {}, ["a: removed 1"]),
        ({}, {"a": [1]}, ["a: added [1]"]),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["a[1]: 2 -> 3"]),
        ({"a": [{"n": 1}, {"n": 2}]}, {"a": [{"n": 0}, {"n": 1}, {"n": 2}]}, ['a[0]: added {"n": 0}']),
        ({"a": [1, 2, 3]}, {"a": [1, 3]}, ["a[1]: removed 2"]),
        ({"a": 1}, {"a": "1"}, ["a: 1 -> 1"]),
        ({"a": {}}, {"a": []}, ["a: {} -> []"]),
        ({"a": None}, {"a": ""}, ['a: null -> ""']),
        ({"envoy.x": 1}, {"envoy.x": 2}, ['["envoy.x"]: 1 -> 2']),
        ({"m": {"envoy.x": {"y": 1}}}, {"m": {"envoy.x": {"y": 2}}}, ['m["envoy.x"].y: 1 -> 2']),
    ],
)
def test_each_field_that_differs_is_one_line(before: Any, after: Any, lines: list[str]) -> None:
    assert [str(change) for change in field_changes(before, after)] == lines


def test_long_values_are_cut() -> None:
    assert len(short("x" * 500)) == 72
    assert short("two words") == '"two words"'


def a_message(type_url: str, **fields: Any) -> bytes:
    api = load_default()
    parsed = from_json(api, {"@type": type_url, **fields})
    assert parsed.message is not None, parsed.problems
    assert parsed.problems == ()
    return serialize(api, parsed.message)


def a_change(type_url: str, name: str, before: bytes, after: bytes) -> pb.Change:
    kind = pb.Change.CHANGED if before and after else pb.Change.ADDED if after else pb.Change.REMOVED
    origin = pb.Origin(path="web.yaml", line=7)
    return pb.Change(kind=kind, type_url=type_url, name=name, before=before, after=after, origin=origin)


def lines_of(*changes: pb.Change, every_field: bool = False) -> list[str]:
    import io

    return list(Changes().lines(changes, Paint(ColorWhen.NEVER, io.StringIO()), every_field=every_field))


def test_a_changed_cluster_reads_as_people_expect() -> None:
    before, after = (a_message(CLUSTER, name="web", connect_timeout=text) for text in ("1s", "2s"))
    assert lines_of(a_change(CLUSTER, "web", before, after)) == ["~ cluster web  connect_timeout: 1s -> 2s"]


@pytest.mark.parametrize(
    ("before_ms", "after_ms", "words"),
    [(0, 30_000, "added 30s"), (30_000, 0, "removed 30s"), (30_000, 1_500, "30s -> 1.5s")],
)
def test_a_time_to_live_reads_like_a_field(before_ms: int, after_ms: int, words: str) -> None:
    body = a_message(CLUSTER, name="web")
    change = a_change(CLUSTER, "web", body, body)
    change.before_ttl_ms, change.after_ttl_ms = before_ms, after_ms
    (line,) = lines_of(change)
    assert line.replace('"', "") == f"~ cluster web  fairlead.dev/ttl: {words}"


def test_whole_resources_name_their_place() -> None:
    body = a_message(CLUSTER, name="web")
    assert lines_of(a_change(CLUSTER, "web", b"", body)) == ["+ cluster web  web.yaml:7"]
    assert lines_of(a_change(CLUSTER, "web", body, b"")) == ["- cluster web  web.yaml:7"]


def test_many_fields_are_cut_unless_all_are_wanted() -> None:
    keys = [f"k{number}" for number in range(30)]
    before, after = (
        a_message(CLUSTER, name="web", metadata={"filter_metadata": {"x": dict.fromkeys(keys, value)}})
        for value in ("1", "2")
    )
    change = a_change(CLUSTER, "web", before, after)
    assert len(lines_of(change)) == 21
    assert "10 more fields" in lines_of(change)[-1]
    assert len(lines_of(change, every_field=True)) == 30


def test_a_resource_of_a_type_nobody_knows_is_still_a_change() -> None:
    change = a_change("type.googleapis.com/acme.v1.Thing", "x", b"\x01", b"\x02")
    change.before_version, change.after_version = "aa", "bb"
    assert lines_of(change) == ["~ Thing x  version aa -> bb"]


def test_names_of_others_cannot_steer_the_terminal() -> None:
    [line] = lines_of(a_change(CLUSTER, "web\x1b[2J", b"", a_message(CLUSTER, name="web")))
    assert line.isprintable()


def test_a_summary_counts_by_type_and_kind() -> None:
    body = a_message(CLUSTER, name="web")
    changes = [a_change(CLUSTER, name, b"", body) for name in ("a", "b")] + [a_change(CLUSTER, "c", body, b"")]
    assert summary(changes) == "2 clusters added, 1 cluster removed"
    assert summary([]) == "nothing changed"


def test_a_private_key_is_never_shown_but_its_change_is() -> None:
    before, after = (
        a_message(SECRET, name="cert", tls_certificate={"private_key": {"inline_string": f"canary-{text}"}})
        for text in ("old", "new")
    )
    [line] = lines_of(a_change(SECRET, "cert", before, after))
    assert "canary" not in line
    assert line.startswith("~ secret cert  tls_certificate.private_key: ")


def test_secrets_inside_any_are_found() -> None:
    body = {
        "@type": CLUSTER,
        "transport_socket": {
            "name": "tls",
            "typed_config": {
                "@type": TRANSPORT,
                "common_tls_context": {"tls_certificates": [{"private_key": {"inline_string": "canary"}}]},
            },
        },
    }
    redacted = str(Redactor(load_default()).redacted(body))
    assert "canary" not in redacted
    assert "(sensitive)" in redacted


def test_secrets_under_camel_case_keys_are_found() -> None:
    body = {"@type": SECRET, "tlsCertificate": {"privateKey": {"inlineString": "canary"}}}
    assert "canary" not in str(Redactor(load_default()).redacted(body))


AUTHORED = """\
# a comment
apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata: {name: cert}
spec:
  "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
  name: cert
"""


def test_a_document_without_secrets_is_shown_as_it_was_written() -> None:
    shown = shown_text(AUTHORED.encode(), Redactor(load_default()))
    assert shown == AUTHORED.rstrip("\n")


def test_a_document_with_a_secret_is_shown_without_it() -> None:
    canary = "  tls_certificate: {private_key: {inline_string: canary}}\n"
    shown = shown_text((AUTHORED + "---\n" + AUTHORED + canary).encode(), Redactor(load_default()))
    assert "canary" not in shown
    assert "(sensitive)" in shown
    assert shown.count("kind: EnvoyResource") == 2


KUBERNETES = """\
apiVersion: v1
kind: Secret
metadata:
  name: pair
  annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"data":{"tls.key":"canary"}}', note: seen}
data: {tls.key: canary}
stringData: {pin: canary}
"""
PATCHES = """\
apiVersion: fairlead.dev/v1
kind: EnvoyPatch
metadata: {name: tls}
spec:
  target: {kind: Gateway, name: edge}
  part: DownstreamTls
  merge: {common_tls_context: {tls_certificates: [{privateKey: {inline_string: canary}}], alpn_protocols: [seen]}}
---
apiVersion: fairlead.dev/v1
kind: EnvoyPatch
metadata: {name: tls-2}
spec:
  target: {kind: Gateway, name: edge}
  part: DownstreamTls
  json:
  - {op: add, path: /common_tls_context/tls_certificates/0/private_key/inline_string, value: canary}
  - {op: add, path: /common_tls_context/alpn_protocols, value: [seen]}
"""


@pytest.mark.parametrize("text", [KUBERNETES, PATCHES], ids=["a Secret", "patches"])
def test_secrets_that_are_no_messages_of_envoys_are_left_out_too(text: str) -> None:
    shown = shown_text(text.encode(), Redactor(load_default()))
    assert "canary" not in shown
    assert shown.count("(sensitive)") >= 2
    assert "seen" in shown


def test_a_document_that_cannot_be_read_is_not_shown() -> None:
    assert "secret" not in shown_text(b"{ secret", Redactor(load_default())).replace("secrets", "")


def test_a_fingerprint_tells_equal_from_different_in_one_run_only() -> None:
    one, other = fingerprints(), fingerprints()
    assert one("x") == one("x") != one("y")
    assert one("x") != other("x")
    assert hidden("x") == hidden("y")
