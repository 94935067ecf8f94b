"""Why a resource is or is not served, for people: who rejected it in which words, the file and line, the way back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from api.cli.messages import plain
from api.cli.resources import place_of
from api.cli.terminal import Paint, escape
from snapshots.commits import RepositoryCommit, commit_named
from xds.protocol.types import name_of

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

NODES_NAMED = 5


@dataclass(frozen=True, slots=True)
class Explained:
    """An explanation, and the gateways of the group: what those that reject it serve instead."""

    explanation: pb.Explanation
    nodes: Sequence[pb.Node]

    def served_by(self, node: str) -> int:
        """The revision whose content of this type the gateway has acknowledged; 0: none."""
        type_url = self.explanation.resource.type_url
        types = (status for one in self.nodes if one.id == node for status in one.types)
        return next((int(status.acked_revision) for status in types if status.type_url == type_url), 0)


async def explain(client: ManagementClient, group: str, resource: str) -> list[Explained]:
    """Ask the server why. Raises NotFound."""
    explanations = await client.explain(group, resource)
    nodes = await client.list_nodes(group) if any(item.rejections for item in explanations) else ()
    return [Explained(item, nodes) for item in explanations]


def explanation_lines(explained: Explained, paint: Paint) -> Iterator[str]:
    """A few lines: who has it or rejected it, the words, the place, the undo."""
    explanation = explained.explanation
    resource, revision = explanation.resource, explanation.revision
    yield paint("bold", escape(name_of(resource.type_url, resource.name)))
    if explanation.rejections:
        yield from _rejected(explained, paint)
    else:
        yield f"  {_served(explanation)} (revision {revision.number}, version {resource.version})"
    undo = f"      undo: fairlead rollback {explanation.undo} --group {revision.group}" if explanation.undo else ""
    yield f"  from {_source(explanation)}{undo}"


def _rejected(explained: Explained, paint: Paint) -> Iterator[str]:
    alike: dict[tuple[str, int], list[str]] = {}
    for rejection in explained.explanation.rejections:
        alike.setdefault((rejection.message, explained.served_by(rejection.node)), []).append(rejection.node)
    for (words, served), nodes in alike.items():
        they = "it serves" if len(nodes) == 1 else "they serve"
        instead = f" ({they} {f'revision {served}' if served else 'nothing of this type'})"
        named = ", ".join(escape(node) for node in nodes[:NODES_NAMED])
        more = f" and {len(nodes) - NODES_NAMED} more" if len(nodes) > NODES_NAMED else ""
        yield f"  {paint('red', 'rejected')} by {named}{more}{instead}"
        yield f'  Envoy: "{escape(words)}"'


def _source(explanation: pb.Explanation) -> str:
    """`upstream.yaml:8, commit 9f3c2ab (https://git.example.com/shop/edge.git)`; of what did not come from a
    repository the place that was published."""
    exact = explanation.cause if explanation.HasField("cause") else explanation.resource.origin
    commit = commit_of(explanation)
    if commit is not None and exact.path:
        place = f"{commit.place(exact.path)}:{exact.line}"
        return f"{escape(place)}, commit {commit.short} ({escape(commit.url)})"
    place = escape(place_of(exact)) or "an unknown place"
    return f"{place}, {escape(explanation.published.source)}" if explanation.published.source else place


def commit_of(explanation: pb.Explanation) -> RepositoryCommit | None:
    """The commit that the resource's documents were published from; None when it was no commit."""
    return commit_named(explanation.published.source)


def _served(explanation: pb.Explanation) -> str:
    if not explanation.nodes_total:
        return "served to nobody yet: no gateway of the group is connected"
    return f"acknowledged by {explanation.nodes_acked} of {explanation.nodes_total} gateways"


def explanation_document(explanation: pb.Explanation) -> dict[str, Any]:
    """One explanation for -o json; the resource without its body. `commit` is there where a repository was followed."""
    document = plain(explanation)
    commit = commit_of(explanation)
    document["commit"] = asdict(commit) if commit else None
    document["resource"].pop("body")
    return document
