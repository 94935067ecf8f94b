"""What the fleet knows of a node -> an entry of Client Status Discovery.  Envoy API: envoy.service.status.v3.

One row per type: resources by name are the node's own knowledge, and bodies are told nowhere (a secret is one of them).
Versions are the group's revisions, as `fairlead` shows them. No I/O here.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from xds.fleet import NodeStatus, Rejection, TypeStatus

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
    ACKED = 3
    NACKED = 4


def tell(config: Any, node: NodeStatus, head: int) -> None:
    """Fill a ClientConfig. `head`: the revision that the node's group is served; 0 if there is none."""
    config.node.id = node.id
    config.node.user_agent_name = node.user_agent
    config.node.locality.region, config.node.locality.zone = node.region, node.zone
    config.client_scope = node.group
    for status in node.types:
        _tell_type(config.generic_xds_configs.add(), status, head)


def verdict(status: TypeStatus, head: int) -> tuple[ConfigStatus, ClientStatus]:
    """A rejection stands until newer content is taken; STALE is sent and not answered, or not sent yet."""
    if status.rejection is not None:
        return ConfigStatus.ERROR, ClientStatus.NACKED
    if head and status.acked_revision >= head:
        return ConfigStatus.SYNCED, ClientStatus.ACKED
    if status.acked_revision:
        return ConfigStatus.STALE, ClientStatus.ACKED
    return ConfigStatus.STALE if status.sent_revision else ConfigStatus.NOT_SENT, ClientStatus.REQUESTED


def _tell_type(row: Any, status: TypeStatus, head: int) -> None:
    row.type_url = status.type_url
    row.config_status, row.client_status = verdict(status, head)
    if status.acked_revision:
        row.version_info = str(status.acked_revision)
    _tell_time(row.last_updated, status.changed_at_s)
    if status.rejection is not None:
        _tell_rejection(row.error_state, status.rejection)


def _tell_rejection(error: Any, rejection: Rejection) -> None:
    error.details = rejection.message[:DETAILS_LIMIT]
    error.version_info = str(rejection.revision)
    _tell_time(error.last_update_attempt, rejection.since_s)


def _tell_time(timestamp: Any, time_s: float) -> None:
    timestamp.seconds = int(time_s)
    timestamp.nanos = int(time_s % 1 * 1e9)
