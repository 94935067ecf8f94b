"""`make demo-agent`: gateways outlive us. Everything of ours is killed, a gateway restarts, and serves what it served.

Starts an etcd, two Fairlead servers, two gateways with an agent each, two upstreams and a client for each gateway, on
free loopback ports and in one temporary directory; ends all of it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from examples.demo.__main__ import FAIRLEAD, fairlead, listens, performed, say, until, write_config
from examples.demo.gateway import Gateway
from examples.demo.processes import Kept
from examples.demo.traffic import Traffic, Upstream
from snapshots.store.etcd.binary import find_binary
from snapshots.store.etcd.ports import free_port

NAMES = ("edge-1", "edge-2")
# How long nobody but the gateways is there, beside the restart: enough for thousands of requests.
AWAY_S = 1.0


def main() -> int:
    return performed("fairlead-agent-", tell)


def tell(stack: ExitStack, scratch: Path) -> int:
    """The story. Returns 0 when every step did what it says, and no request failed that was not said to."""
    told = Told()
    blue, green = (stack.enter_context(Upstream(name)) for name in ("blue", "green"))
    site = Site(scratch)
    stack.callback(site.end)
    site.start()
    os.environ["FAIRLEAD_SERVER"] = site.managements[0]
    publish(scratch / "config", blue, "blue")
    told("two Fairlead servers on one etcd, and a configuration: blue")

    gateways = [Gateway(scratch / name, name, servers) for name, servers in zip(NAMES, site.orders, strict=True)]
    for gateway in gateways:
        stack.callback(gateway.end)
        gateway.start()
    stays, restarts = (stack.enter_context(asking(gateway)) for gateway in gateways)
    told("two gateways with an agent each answer: blue. Requests run through both without a pause from here on")

    until(lambda: all(gateway.has_good_generation for gateway in gateways), "generations that have baked")
    told("what they serve has stayed healthy for a second, and is on their disks:", gateways[1].inspected())

    before = stays.total
    site.kill()
    until(lambda: not any(gateway.is_connected for gateway in gateways), "the agents to notice")
    time.sleep(AWAY_S)
    told(f"both servers and etcd are killed (SIGKILL): edge-1 has answered {stays.total - before} requests since then")

    outage = Outage(restarts)
    outage.over(gateways[1])
    told(f"edge-2 and its agent are killed and started: blue again after {outage.took_s:.1f} s, from its disk alone")

    site.start()
    until(lambda: all(gateway.is_connected for gateway in gateways), "the agents to come back")
    told("everything is back, and so are the agents: they are told what changed, which is nothing")

    publish(scratch / "config", green, "switch to green")
    until(lambda: (stays.last, restarts.last) == ("green", "green"), "green from both")
    until(lambda: {gateway.revision for gateway in gateways} == {2}, "revision 2 on both")
    told("one change, and both have it: green", fairlead("history"))

    told(f"edge-1: {counted(stays)}; {len(stays.failures)} failed {stays.failures[:3] or ''}")
    others = len(restarts.failures) - outage.missed
    missed = f"{outage.missed} failed while it was down for {outage.took_s:.1f} s, {others} besides"
    told(f"edge-2: {counted(restarts)}; {missed}")
    if stays.failures or others:
        print("the demo did not hold what it promises", file=sys.stderr)
        return 1
    return 0


class Told:
    """Says each step with its number, and when it was done."""

    def __init__(self) -> None:
        self._started_s = time.monotonic()
        self._step = 0

    def __call__(self, line: str, *printed: str) -> None:
        self._step += 1
        say(self._step, f"{time.monotonic() - self._started_s:5.1f} s  {line}", *printed)


class Outage:
    """What the clients of a gateway notice of its restart. `took_s` is from the first request that failed to the first
    that was answered again, `missed` how many failed in between."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self.took_s = 0.0
        self.missed = 0

    def over(self, gateway: Gateway) -> None:
        """Kill and start it; ends the demo where it is not served from disk."""
        traffic, failed = self._traffic, len(self._traffic.failures)
        gateway.kill()
        until(lambda: len(traffic.failures) > failed, f"{gateway.name} to be gone")
        began_s, answered = time.monotonic(), traffic.answers["blue"]
        gateway.start()
        until(lambda: traffic.answers["blue"] > answered, "an answer from disk")
        self.took_s, self.missed = time.monotonic() - began_s, len(traffic.failures) - failed
        if gateway.source != "disk":
            sys.exit(f"{gateway.name} is served from {gateway.source}, not from its disk")


class Site:
    """An etcd and two servers: what is killed as a whole, and started again where it was."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._etcd_port = free_port()
        self._ports = [[free_port() for _ in range(3)] for _ in range(2)]
        self._running: list[Kept] = []

    @property
    def managements(self) -> list[str]:
        return [f"127.0.0.1:{ports[1]}" for ports in self._ports]

    @property
    def orders(self) -> list[str]:
        """The servers for each gateway: another one first."""
        first, second = (f"127.0.0.1:{ports[0]}" for ports in self._ports)
        return [f"{first},{second}", f"{second},{first}"]

    def start(self) -> None:
        """Returns when both servers are ready."""
        etcd, url = Kept(self._scratch / "etcd.log"), f"http://127.0.0.1:{self._etcd_port}"
        self._running.append(etcd)
        peer = f"http://127.0.0.1:{free_port()}"
        etcd.start(
            find_binary(None).path, "--data-dir", self._scratch / "etcd", "--listen-client-urls", url,
            "--advertise-client-urls", url, "--listen-peer-urls", peer, "--log-level", "warn",
        )  # fmt: skip
        for number, ports in enumerate(self._ports):
            self._serve(number, ports, url)

    def _serve(self, number: int, ports: list[int], etcd: str) -> None:
        ready, server = self._scratch / f"server-{number}.json", Kept(self._scratch / f"server-{number}.log")
        ready.unlink(missing_ok=True)
        self._running.append(server)
        named = zip(("xds", "management", "http"), ports, strict=True)
        addresses = [f"--{name}-address=127.0.0.1:{port}" for name, port in named]
        server.start(FAIRLEAD, "serve", f"--etcd={etcd}", f"--ready-file={ready}", *addresses)
        until(lambda: ready.exists() or server.has_ended, "a server")
        server.must_run()

    def kill(self) -> None:
        while self._running:
            self._running.pop().kill()

    def end(self) -> None:
        while self._running:
            self._running.pop().end()


@contextmanager
def asking(gateway: Gateway) -> Iterator[Traffic]:
    """Requests without a pause, from when the gateway answers."""
    traffic = Traffic(gateway.port)
    until(lambda: listens(gateway.port), "the listener")
    with traffic:
        until(lambda: traffic.last == "blue", "an answer from blue")
        yield traffic


def publish(config: Path, upstream: Upstream, message: str) -> None:
    """Routes, cluster and endpoints; the listeners are the gateways' own, as they share a machine."""
    write_config(config, 0, upstream)
    (config / "listener.yaml").unlink()
    wait = ("--wait", "--yes") if upstream.name == "green" else ()
    fairlead("apply", str(config), *wait, "--message", message)


def counted(traffic: Traffic) -> str:
    return f"{sum(traffic.answers.values())} answered"


if __name__ == "__main__":
    started = time.monotonic()
    code = main()
    print(f"({time.monotonic() - started:.0f} s)")
    sys.exit(code)
