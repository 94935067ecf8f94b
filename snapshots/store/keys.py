"""Where everything lies in etcd: the key layout, version 1. Pure.

    /fairlead/v1/targets/<group>                  what the group should be serving; small, and all that is watched
    /fairlead/v1/revisions/<group>/<number>       the record of a revision
    /fairlead/v1/audit/<group>/<number>           the audit record of the same change, kept for good
    /fairlead/v1/idempotency/<group>/<key>        the number of the revision that a key has made
    /fairlead/v1/endpoints/<group>/<name>         an endpoint set, as it is now; watched whole
    /fairlead/v1/endpoint-audit/<group>/<name>/<version>  the audit record of a version of it
    /fairlead/v1/syncs/<group>/<workspace>        what is followed into a workspace, and what people asked of it
    /fairlead/v1/blobs/<digest>                   pieces of snapshots
    /fairlead/v1/garbage/<digest>                 since when nothing names a blob
    /fairlead/v1/sweep                            moves whenever blobs are removed

Names that people choose are percent-encoded; numbers have 16 digits, so that keys sort as numbers do.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

from snapshots.model import WorkspaceName
from snapshots.store.codec import Digest
from xds.protocol.types import GroupName

DEFAULT_ROOT = "/fairlead"


def _encoded(name: str) -> str:
    return quote(name, safe="", errors="surrogatepass")


@dataclass(frozen=True, slots=True)
class Keys:
    """The layout under a root; two deployments can share one etcd under two roots."""

    root: str = DEFAULT_ROOT

    def _under(self, *parts: str) -> str:
        return "/".join((self.root, "v1", *parts))

    @property
    def targets(self) -> str:
        return self._under("targets", "")

    @property
    def blobs(self) -> str:
        return self._under("blobs", "")

    @property
    def garbage(self) -> str:
        return self._under("garbage", "")

    @property
    def sweep(self) -> str:
        return self._under("sweep")

    def target(self, group: GroupName) -> str:
        return self._under("targets", _encoded(group))

    def revisions(self, group: GroupName) -> str:
        return self._under("revisions", _encoded(group), "")

    def revision(self, group: GroupName, number: int) -> str:
        return self._under("revisions", _encoded(group), f"{number:016d}")

    def audits(self, group: GroupName) -> str:
        return self._under("audit", _encoded(group), "")

    def audit(self, group: GroupName, number: int) -> str:
        return self._under("audit", _encoded(group), f"{number:016d}")

    def idempotency(self, group: GroupName, key: str) -> str:
        return self._under("idempotency", _encoded(group), _encoded(key))

    @property
    def endpoint_sets(self) -> str:
        return self._under("endpoints", "")

    def endpoint_sets_of(self, group: GroupName) -> str:
        return self._under("endpoints", _encoded(group), "")

    def endpoint_set(self, group: GroupName, name: str) -> str:
        return self._under("endpoints", _encoded(group), _encoded(name))

    def endpoint_audits(self, group: GroupName, name: str) -> str:
        return self._under("endpoint-audit", _encoded(group), _encoded(name), "")

    def endpoint_audit(self, group: GroupName, name: str, version: int) -> str:
        return self._under("endpoint-audit", _encoded(group), _encoded(name), f"{version:016d}")

    @property
    def syncs(self) -> str:
        return self._under("syncs", "")

    def syncs_of(self, group: GroupName) -> str:
        return self._under("syncs", _encoded(group), "")

    def sync(self, group: GroupName, workspace: WorkspaceName) -> str:
        return self._under("syncs", _encoded(group), _encoded(workspace))

    def blob(self, digest: Digest) -> str:
        return self._under("blobs", digest)

    def mark(self, digest: Digest) -> str:
        return self._under("garbage", digest)


def group_of(target: str) -> GroupName:
    """The group of a target's key."""
    return GroupName(unquote(target.rsplit("/", 1)[1], errors="surrogatepass"))


def endpoint_set_in(key: str) -> tuple[GroupName, str]:
    """The group and the name of an endpoint set's key."""
    group, name = (unquote(part, errors="surrogatepass") for part in key.rsplit("/", 2)[1:])
    return GroupName(group), name


def digest_in(key: str) -> Digest:
    """The digest at the end of a blob's or a mark's key."""
    return Digest(key.rsplit("/", 1)[1])
