"""What the fleet knows of a node -> an entry of Client Status Discovery.  Envoy API: envoy.service.status.v3.

A row for each resource that the node wants, or one for each type: then without a name, and with the group's revisions,
as `fairlead` shows them, for versions. Bodies are told nowhere (a secret is one of them). No I/O here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Any

from xds.fleet import NodeStatus, TypeStatus, printable
from xds.protocol.holding import Hold, Holding

DETAILS_LIMIT = 1_000


class ConfigStatus(IntEnum):
    """envoy.service.status.v3.ConfigStatus: what the server says."""

    SYNCED = 1
    NOT_SENT = 2
    STALE = 3
    ERROR = 4


class ClientStatus(IntEnum):
    """envoy.admin.v3.ClientResourceStatus: what the client's answers say."""

    REQUESTED = 1
    DOES_NOT_EXIST = 2
    ACKED = 3
    NACKED = 4


VERDICTS = {
    Hold.CURRENT: (ConfigStatus.SYNCED, ClientStatus.ACKED),
    Hold.OLDER: (ConfigStatus.STALE, ClientStatus.ACKED),
    Hold.SENT: (ConfigStatus.STALE, ClientStatus.REQUESTED),
    Hold.WAITING: (ConfigStatus.NOT_SENT, ClientStatus.REQUESTED),
    Hold.REFUSED: (ConfigStatus.ERROR, ClientStatus.NACKED),
    Hold.MISSING: (ConfigStatus.NOT_SENT, ClientStatus.DOES_NOT_EXIST),
}


def tell_node(config: Any, node: NodeStatus) -> None:
    """Fill a ClientConfig but for its rows. Its scope names group and node: tools show it beside every row."""
    config.node.id = node.id
    config.node.user_agent_name = node.user_agent
    config.node.locality.region, config.node.locality.zone = node.region, node.zone
    config.client_scope = f"{node.group}/{node.id}"


def tell_types(config: Any, node: NodeStatus, head: int) -> Iterator[None]:
    """A row for each type, one a step. `head`: the revision that the node's group is served; 0 if there is none."""
    for status in node.types:
        row = config.generic_xds_configs.add()
        row.type_url = status.type_url
        row.config_status, row.client_status = verdict(status, head)
        if status.acked_revision:
            row.version_info = str(status.acked_revision)
        _tell_time(row.last_updated, status.changed_at_s)
        if status.rejection is not None:
            rejection = status.rejection
            _tell_rejection(row.error_state, rejection.message, str(rejection.revision), rejection.since_s)
        yield


def tell_resources(config: Any, node: NodeStatus, holdings: Iterable[Holding]) -> Iterator[None]:
    """A row for each resource, one a step. Its time is when anything of its type last changed between the two."""
    types = {status.type_url: status for status in node.types}
    for holding in holdings:
        row = config.generic_xds_configs.add()
        row.type_url, row.name, row.version_info = holding.type_url, holding.name, holding.version
        row.config_status, row.client_status = VERDICTS[holding.hold]
        status = types.get(holding.type_url)
        if status is not None:
            _tell_time(row.last_updated, status.changed_at_s)
        if holding.rejection is not None:
            since_s = status.rejection.since_s if status is not None and status.rejection is not None else 0.0
            refused = holding.rejection
            _tell_rejection(row.error_state, printable(refused.message, DETAILS_LIMIT), refused.versions[-1], since_s)
        yield


def verdict(status: TypeStatus, head: int) -> tuple[ConfigStatus, ClientStatus]:
    """A rejection stands until newer content is taken; STALE is sent and not answered, or not sent yet."""
    if status.rejection is not None:
        return VERDICTS[Hold.REFUSED]
    if head and status.acked_revision >= head:
        return VERDICTS[Hold.CURRENT]
    if status.acked_revision:
        return VERDICTS[Hold.OLDER]
    return VERDICTS[Hold.SENT if status.sent_revision else Hold.WAITING]


def _tell_rejection(error: Any, words: str, version: str, since_s: float) -> None:
    error.details = words[:DETAILS_LIMIT]
    error.version_info = version
    if since_s:
        _tell_time(error.last_update_attempt, since_s)


def _tell_time(timestamp: Any, time_s: float) -> None:
    timestamp.seconds = int(time_s)
    timestamp.nanos = int(time_s % 1 * 1e9)
