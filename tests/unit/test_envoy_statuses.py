"""What EnvoyResources are told: a wrong one alone is refused."""

from __future__ import annotations

import pytest

from api.envoy.registry import load_default
from snapshots.authoring.compile import Compilation, compile_documents
from snapshots.model import Document
from tests.gateways import conditions

CLUSTER = """\
apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata: {name: %s}
spec:
  "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: %s
  %s
"""


def compiled(*texts: str) -> Compilation:
    documents = [Document(f"{number}.yaml", text.encode()) for number, text in enumerate(texts)]
    return compile_documents(load_default(), documents)


def told(found: Compilation) -> list[tuple[str, str, str]]:
    return [(each.subject.name, *conditions(each.status)["Programmed"]) for each in found.statuses]


GOOD = CLUSTER % ("good", "good", "connect_timeout: 1s")


@pytest.mark.parametrize(
    "wrong",
    [
        CLUSTER % ("bad", "bad", "conect_timeout: 1s"),
        CLUSTER % ("bad", "good", "connect_timeout: 1s"),
        CLUSTER % ("bad", '""', "connect_timeout: 1s"),
    ],
    ids=["field", "name that is taken", "no name"],
)
def test_wrong_envoy_resource_is_refused_alone_and_told_so(wrong: str) -> None:
    found = compiled(GOOD, wrong)

    assert told(found) == [("good", "True", "Programmed"), ("bad", "False", "Invalid")]
    assert [each.origin.name for each in found.resources] == ["good"]
    message = found.statuses[1].status["conditions"][0]["message"]
    assert message == next(each.message for each in found.findings if each.path == "1.yaml")


def test_document_that_cannot_be_read_has_no_status() -> None:
    assert told(compiled(GOOD, "kind: EnvoyResource\n")) == [("good", "True", "Programmed")]
