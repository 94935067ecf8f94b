"""Every server and relay that the agent may take its configuration from: reached, trusted, ready, of use."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence

from agents.node.doctor.probing import Probe, probe
from agents.node.settings import AgentSettings
from api.hosting.checks import Check, Verdict

ENDS_SOON_S = 14 * 86400.0
_REMEDIES = {
    "connection": "is it running, and is there a way to it? upstream.servers and upstream.relays name the addresses",
    "TLS": "upstream.ca must have signed their certificate, and upstream.name must be a name in it",
    "health": "is it ready (`fairlead doctor`)? Does it want TLS (upstream.ca), or a certificate (upstream.cert)?",
    "discovery": "does it take this node's certificate, and is it an xDS address?",
}


def upstream_checks(settings: AgentSettings, *, floor: int, agent_runs: bool) -> Iterator[Check]:
    """`floor`: the highest revision that was taken. A running agent has its stream already: no other is opened then."""
    probes = asyncio.run(_probes(settings, ask=not agent_runs))
    yield from probe_checks(probes, settings, floor, time.time())


async def _probes(settings: AgentSettings, *, ask: bool) -> list[Probe]:
    """All at once: those that do not answer take their time."""
    addresses = (*settings.relays, *settings.servers)
    return await asyncio.gather(*(probe(each, settings, ask=ask) for each in addresses))


def probe_checks(probes: Sequence[Probe], settings: AgentSettings, floor: int, now_s: float) -> Iterator[Check]:
    """One that fails is in doubt while another can be used."""
    one_is_well = any(not each.why for each in probes)
    for each in probes:
        name = f"upstream {each.address}"
        if each.why:
            verdict = Verdict.DOUBTFUL if one_is_well else Verdict.BAD
            yield Check(name, verdict, f"{each.stage}: {each.why}", _REMEDIES[each.stage])
        else:
            verdict, remedy = _doubts(each, settings, floor, now_s)
            yield Check(name, verdict, _found(each), remedy)


def _doubts(each: Probe, settings: AgentSettings, floor: int, now_s: float) -> tuple[Verdict, str]:
    """Of one that answers."""
    if each.knows_group is False:
        remedy = f"there is no group {settings.group!r} there (yet): nothing is served until it is published"
        return Verdict.DOUBTFUL, remedy
    if each.revision and each.revision < floor:
        remedy = (
            f"this node has taken revision {floor} already and refuses older ones; if the store was put back on "
            "purpose, `fairlead agent reset` forgets that"
        )
        return Verdict.BAD, remedy
    if each.certificate_ends_s and each.certificate_ends_s - now_s < ENDS_SOON_S:
        return Verdict.DOUBTFUL, "its certificate ends soon: renew it"
    return Verdict.GOOD, ""


def _found(each: Probe) -> str:
    parts = [f"connects in {each.connected_ms:.0f} ms"]
    if each.certificate_ends_s:
        parts.append(
            f"its certificate is valid until {time.strftime('%Y-%m-%d', time.gmtime(each.certificate_ends_s))}"
        )
    parts.append("ready")
    if each.knows_group:
        parts.append(f"serves revision {each.revision}" if each.revision else "knows this node's group")
    return ", ".join(parts)
