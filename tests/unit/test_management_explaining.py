"""Which rejection is about which resource: a client refuses a response as a whole, its words say what it meant."""

from __future__ import annotations

import pytest

from api.management.explaining import concerns
from tests.builders import cluster
from xds.fleet import Rejection
from xds.protocol.types import CLUSTER, LISTENER, GroupName, NodeId, TypeUrl


def a_rejection(*names: str, message: str, type_url: TypeUrl = CLUSTER) -> Rejection:
    return Rejection(NodeId("edge-1"), GroupName("edge"), type_url, names, 0, 3, 13, message, 0.0)


@pytest.mark.parametrize(
    ("rejection", "about_web"),
    [
        (a_rejection("web", message="connect_timeout: must be > 0s"), True),
        (a_rejection("web", "carts", message="web: connect_timeout"), True),
        (a_rejection("web", "carts", message="carts: connect_timeout"), False),
        (a_rejection("web", "carts", message="something is wrong"), True),
        (a_rejection("web", "web-2", message="cluster(s) web-2: bad."), False),
        (a_rejection("web", "web-2", message="Error adding/updating cluster(s) web: bad"), True),
        (a_rejection("web", "web.eu", message="bad: web.eu."), False),
        (a_rejection("carts", message="web"), False),
        (a_rejection("web", message="web", type_url=LISTENER), False),
    ],
)
def test_a_rejection_is_about_the_resources_it_names_or_all_if_it_names_none(
    rejection: Rejection, about_web: bool
) -> None:
    assert concerns(rejection, cluster("web")) is about_web
