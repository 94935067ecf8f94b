"""Who may call what: every method has a row, and what has none is denied."""

from __future__ import annotations

import pytest

from api.errors import Denied
from api.management.policy import POLICY, SERVICE, Proof, authorise, require_complete

METHODS = [f"/{SERVICE.full_name}/{method.name}" for method in SERVICE.methods]


def test_every_method_of_the_service_has_a_row() -> None:
    require_complete()
    assert set(METHODS) <= POLICY.keys()


@pytest.mark.parametrize("missing", METHODS)
def test_a_server_with_a_method_without_a_row_does_not_start(missing: str) -> None:
    policy = {method: proof for method, proof in POLICY.items() if method != missing}

    with pytest.raises(Denied, match=missing):
        require_complete(policy)
    with pytest.raises(Denied):
        authorise(missing, Proof.CERTIFICATE, policy)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("proof", "allowed"), [(Proof.NONE, False), (Proof.TRUSTED_ADDRESS, True), (Proof.CERTIFICATE, True)]
)
def test_without_any_proof_nothing_is_answered(method: str, proof: Proof, allowed: bool) -> None:
    if allowed:
        authorise(method, proof)
    else:
        with pytest.raises(Denied):
            authorise(method, proof)


@pytest.mark.parametrize("method", ["/fairlead.management.v1.Management/publish", "/x", "", METHODS[0] + "/"])
def test_only_the_exact_method_is_meant(method: str) -> None:
    with pytest.raises(Denied):
        authorise(method, Proof.CERTIFICATE)
