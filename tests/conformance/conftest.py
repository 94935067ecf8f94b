"""Every transcript that takes `variant` is told in both variants of the protocol."""

from __future__ import annotations

import pytest

from xds.protocol.variant import Variant


@pytest.fixture(params=list(Variant), ids=lambda variant: variant.value)
def variant(request: pytest.FixtureRequest) -> Variant:
    found: Variant = request.param
    return found
