"""The same load on any control plane: `python -m bench.peer --target HOST:PORT --change COMMAND [--pid PID]`.

The target must serve at least one resource of the type over incremental ADS, without TLS, to nodes of the cluster
named. COMMAND is a shell command that is started once; for each line on its standard input it has the target change
one resource. Time runs from that line to each stream's bytes, so do not let the command start a program for each.
The figures are those of the scenario fan_out; put them beside it on the same machine, in the same hour, taking turns.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass, field

from bench.children import Child
from bench.report import Report, cpu_s, percentile
from bench.scenarios.fan_out import CONNECTIONS, ROUNDS, STREAMS
from xds.protocol.types import CLUSTER

SETTLE_S = 1.0


@dataclass(slots=True)
class Measured:
    """Seconds."""

    connect_s: float
    delays_s: list[float] = field(default_factory=list)
    slowest_s: list[float] = field(default_factory=list)
    cpu_s: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.peer", description="Measure another control plane.")
    parser.add_argument("--target", required=True, metavar="HOST:PORT", help="where it serves incremental ADS")
    parser.add_argument("--change", required=True, metavar="COMMAND", help="makes one change for each line it reads")
    parser.add_argument("--pid", type=int, default=0, help="its process, to count the CPU of")
    parser.add_argument("--streams", type=int, default=STREAMS, help="default %(default)s")
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help="default %(default)s")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="changes; default %(default)s")
    parser.add_argument("--cluster", default="bench", help="node.cluster of the streams; default %(default)s")
    parser.add_argument("--type-url", default=CLUSTER, help="what they subscribe to, all of it; default Cluster")
    arguments = parser.parse_args()
    _tell(Report("peer"), arguments, asyncio.run(_measure(arguments)))


async def _measure(arguments: argparse.Namespace) -> Measured:
    load = await Child.start("bench.load")
    changer = await asyncio.create_subprocess_shell(arguments.change, stdin=asyncio.subprocess.PIPE)
    try:
        connected = await load.ask(
            "connect",
            target=arguments.target,
            streams=arguments.streams,
            connections=arguments.connections,
            cluster=arguments.cluster,
            type_url=arguments.type_url,
        )
        measured = Measured(connected["seconds"])
        for number in range(1, arguments.rounds + 1):
            await _round(load, changer, arguments.pid, measured, number)
        return measured
    finally:
        await _end(changer)
        await load.stop()


async def _round(load: Child, changer: asyncio.subprocess.Process, pid: int, measured: Measured, number: int) -> None:
    assert changer.stdin is not None
    await asyncio.sleep(SETTLE_S)  # what the last round left to do is not this round's
    await load.ask("forget")
    before_s = cpu_s(pid) if pid else 0.0
    asked_s = time.monotonic()
    changer.stdin.write(b"%d\n" % number)
    await changer.stdin.drain()
    delays_s = [received_s - asked_s for received_s in (await load.ask("expect"))["received_at_s"]]
    await asyncio.sleep(SETTLE_S)  # acknowledgements are part of the price
    measured.cpu_s += cpu_s(pid) - before_s if pid else 0.0
    measured.delays_s += delays_s
    measured.slowest_s.append(max(delays_s))


async def _end(changer: asyncio.subprocess.Process) -> None:
    assert changer.stdin is not None
    changer.stdin.close()
    try:
        await asyncio.wait_for(changer.wait(), 5)
    except TimeoutError:
        changer.kill()
        await changer.wait()


def _tell(report: Report, arguments: argparse.Namespace, measured: Measured) -> None:
    report.figure("streams", arguments.streams, f"streams on {arguments.connections} connections")
    report.figure("connect", measured.connect_s, "s until every stream has its first state")
    for percent in (50, 99):
        report.figure(f"p{percent}", percentile(measured.delays_s, percent) * 1000, "ms from the change to received")
    report.figure("last", percentile(measured.slowest_s, 50) * 1000, "ms until the last stream has it (median)")
    if arguments.pid:
        updates = arguments.rounds * arguments.streams
        report.figure("cpu", measured.cpu_s / updates * 1e6, "us of CPU per update delivered and acknowledged")


if __name__ == "__main__":
    main()
