"""What people see of each source: its commit, its state, what was wrong with it, and how many gateways have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from agents.gitops.sources import Source
from api.errors import Finding
from snapshots.authoring.printable import printable
from snapshots.store.syncs import SyncReport

FINDINGS_SHOWN = 20
# Of judgement's states one more each for what is on the other side of a network.
Shown = Literal[
    "starting", "syncing", "synced", "refused", "suspended", "drifted", "paused", "unreachable", "waiting", "standby"
]


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """`commit` is what the source names now, `served` what the workspace was last published from; times are Unix
    seconds, 0: never. `nodes_acked` of `nodes_total` connected gateways have `revision`."""

    source: Source
    state: Shown = "starting"
    why: str = ""
    commit: str = ""
    author: str = ""
    message: str = ""
    committed_at_s: int = 0
    served: str = ""
    revision: int = 0
    looked_at_s: float = 0.0
    since_s: float = 0.0
    findings: tuple[Finding, ...] = ()
    rewritten: str = ""
    nodes_acked: int = 0
    nodes_total: int = 0
    nodes_rejected: int = 0

    def report(self) -> SyncReport:
        """As the server keeps it. It says nothing that changes with every look, so that most reports change nothing."""
        source = self.source
        return SyncReport(
            source=source.name,
            url=source.remote.url,
            reference=source.reference,
            path=source.path,
            mode=source.mode,
            state=self.state,
            why=self.why,
            commit=self.commit,
            author=self.author,
            message=self.message.partition("\n")[0],
            committed_at_s=self.committed_at_s,
            served=self.served,
            revision=self.revision,
            rewritten=self.rewritten,
            since_s=self.since_s,
            nodes_acked=self.nodes_acked,
            nodes_total=self.nodes_total,
            nodes_rejected=self.nodes_rejected,
            findings=self.findings[:FINDINGS_SHOWN],
        )

    def document(self) -> dict[str, Any]:
        """As /status shows it."""
        source = self.source
        return {
            "name": source.name,
            "url": source.remote.url,
            "reference": source.reference,
            "path": source.path,
            "group": source.group,
            "workspace": source.workspace,
            "mode": source.mode,
            "state": self.state,
            "why": printable(self.why),
            "commit": self.commit,
            "author": printable(self.author),
            "message": printable(self.message.partition("\n")[0]),
            "committed_at_s": self.committed_at_s,
            "served_commit": self.served,
            "revision": self.revision,
            "looked_at_s": round(self.looked_at_s, 3),
            "since_s": round(self.since_s, 3),
            "rewritten": self.rewritten,
            "nodes": {"acked": self.nodes_acked, "total": self.nodes_total, "rejected": self.nodes_rejected},
            "findings": [_finding(each) for each in self.findings[:FINDINGS_SHOWN]],
        }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "message": printable(finding.message),
        "severity": finding.severity,
        "path": printable(finding.path),
        "line": finding.line,
        "column": finding.column,
        "suggestion": printable(finding.suggestion),
    }


def not_ready(statuses: Sequence[SourceStatus]) -> str:
    """Why the whole has not looked at everything once; empty when it has."""
    starting = [each.source.name for each in statuses if each.state == "starting"]
    return f"not looked at yet: {', '.join(starting)}" if starting else ""
