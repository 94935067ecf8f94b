"""Nothing that a Secret holds is ever shown: not in a message, not in the line beneath it."""

from __future__ import annotations

import pytest

from api.envoy.registry import load_default
from snapshots.authoring.compile import compile_documents
from snapshots.model import Document

HEAD = "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\n"
PRIVATE = "530707"


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}data:\n  tls.key: '{PRIVATE}!'\n",
        f"{HEAD}data: {{tls.key: '{PRIVATE}!'}}\n",
        f"{HEAD}data: [{PRIVATE}]\n",
        f"{HEAD}data: {PRIVATE}\n",
        f"{HEAD}stringData: {{pin: {PRIVATE}}}\n",
        f"{HEAD}data:\n  tls.key: &{PRIVATE} {PRIVATE}\n",
        f"{HEAD}data:\n  tls.key: '{PRIVATE}\n",
        f"{HEAD}data:\n  tls.key: |\n   - {PRIVATE}\n  other\n",
        f"{HEAD}data:\n  tls.key: {PRIVATE}\n  tls.key: {PRIVATE}\n",
        '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web"}, "data": {"a": "' + PRIVATE + '!"}}',
    ],
)
def test_a_wrong_secret_is_told_without_its_values(text: str) -> None:
    findings = compile_documents(load_default(), [Document("web.yaml", text.encode())]).findings

    assert findings
    for finding in findings:
        assert PRIVATE not in finding.message + finding.excerpt + finding.suggestion + finding.field
        assert finding.excerpt


def test_other_kinds_in_a_file_with_a_secret_show_their_lines() -> None:
    backend = "apiVersion: fairlead.dev/v1\nkind: Backend\nmetadata: {name: carts}\nspec: {ports: 1}\n"
    text = f"{HEAD}data: {{}}\n---\n{backend}"
    findings = compile_documents(load_default(), [Document("web.yaml", text.encode())]).findings
    assert [each.excerpt for each in findings] == ["spec: {ports: 1}"]


ENVOY_HEAD = """\
apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata: {name: cert}
spec:
  "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
  name: cert
"""


@pytest.mark.parametrize(
    "text",
    [
        f"  tls_certificate: {{private_key: {{inline_bytes: '{PRIVATE}!'}}}}\n",
        f"  tls_certificate: {{private_key: {{inline_string: {PRIVATE}}}, foo: 1}}\n",
        f"  tls_certificate: {{private_key: '{PRIVATE} '}}\n",
        f"  tls_certificate: {{password: {{inline_strin: '{PRIVATE}'}}}}\n",
        f"  generic_secret: {{secret: {{inline_string: '{PRIVATE}}}}}\n",
        f"  session_ticket_keys: {{keys: [{{inline_bytes: '{PRIVATE}!'}}]}}\n",
        f"  tls_certificate:\n    privateKey: {{inline_string: &{PRIVATE} x}}\n",
    ],
)
def test_keys_in_a_wrong_message_of_envoys_are_not_shown(text: str) -> None:
    findings = compile_documents(load_default(), [Document("web.yaml", (ENVOY_HEAD + text).encode())]).findings

    assert findings
    for finding in findings:
        assert PRIVATE not in finding.message + finding.excerpt + finding.suggestion + finding.field
        assert finding.excerpt


def test_messages_without_keys_show_their_lines() -> None:
    text = ENVOY_HEAD.replace("tls.v3.Secret", "tls.v3.Secrets")
    (finding,) = compile_documents(load_default(), [Document("web.yaml", text.encode())]).findings
    assert finding.excerpt.endswith("tls.v3.Secrets")
