"""An agent that reports, for tests: what it sends is written by hand, so that it can be anything."""

from __future__ import annotations

from typing import Any

from api.nodes.v1 import nodes_pb2 as pb
from tests.clients import PATIENCE_S, XdsClient


class ReportingClient(XdsClient):
    """One report stream. `hello` comes first; then parts of reports, and answers to orders."""

    method = "/fairlead.nodes.v1.NodeReports/Report"

    async def hello(self, *, relay: bool = False, **agent: Any) -> pb.Welcome:
        hello = pb.Hello(node=self.node, group=self.cluster, relay=relay, agent=pb.Agent(**agent))
        await self.say(hello=hello)
        return (await self.hears()).welcome

    async def report(self, *nodes: pb.NodeReport, gone: tuple[str, ...] = ()) -> None:
        await self.say(reports=pb.Reports(nodes=nodes, gone=gone))

    async def answer(self, order: int, *chunks: bytes, end: int = pb.OrderEnd.DONE, message: str = "") -> None:
        for chunk in chunks:
            await self.say(answer=pb.OrderAnswer(order=order, chunk=chunk))
        await self.say(answer=pb.OrderAnswer(order=order, end=pb.OrderEnd(status=end, message=message)))  # type: ignore[arg-type]

    async def say(self, **part: Any) -> None:
        await self.send_bytes(pb.AgentMessage(**part).SerializeToString())

    async def hears_no_more(self, for_s: float = 0.2) -> bool:
        """Whether nothing comes for a while."""
        try:
            await self._next_bytes(for_s)
        except TimeoutError:
            return True
        return False

    async def hears(self, within_s: float = PATIENCE_S) -> pb.ServerMessage:
        return pb.ServerMessage.FromString(await self._next_bytes(within_s))


def a_relay_report(node: str, revision: int, *refused: str, group: str = "default") -> pb.NodeReport:
    """What a relay says of a node that has all of a revision, and refuses these clusters of the next."""
    url = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
    refusals = [pb.Refusal(type_url=url, names=[name], revision=revision + 1, message="no") for name in refused]
    return pb.NodeReport(node=node, group=group, standing=pb.Standing(revision=revision, refusals=refusals))
