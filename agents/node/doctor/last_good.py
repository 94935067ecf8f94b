"""What a start would begin with while nobody else answers: the newest good generation. The clock, by their times."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from agents.node.generations.inspection import Inspected, inspected
from agents.node.generations.problems import NotUsable
from agents.node.generations.reading import Owner
from agents.node.generations.vault import vault_from
from agents.node.settings import AgentSettings
from api.errors import InvalidConfig
from api.hosting.checks import Check, Verdict
from api.hosting.words import age_text

NAME = "generations"
AHEAD_S = 60.0


def generations_checks(settings: AgentSettings) -> Iterator[Check]:
    """Reads all of them, as a start does. The key, where there is one, must be good: that is a check of its own."""
    try:
        vault = vault_from(settings.secrets_key) if settings.secrets_key else None
        found = inspected(settings.places.generations, Owner(settings.node_id, settings.group), vault)
    except (NotUsable, InvalidConfig) as error:
        yield Check(NAME, Verdict.BAD, error.message, "the agent would not start")
        return
    yield from last_good_checks(found, time.time())


def last_good_checks(found: Sequence[Inspected], now_s: float) -> Iterator[Check]:
    """`found`: newest first."""
    usable = [each for each in found if each.file.state == "good" and each.summary is not None and not each.why]
    broken = [each for each in found if each.why]
    if usable:
        yield Check(NAME, Verdict.GOOD, _newest(usable[0], len(usable), now_s))
    else:
        words = "there is no good one (yet): a start while the control plane is away has nothing to serve"
        yield Check(
            NAME, Verdict.DOUBTFUL, words, "it comes when Envoy has been well with what it has for state.bake_s"
        )
    if broken:
        remedy = "an older one that is whole is used; look at the disk, or see `fairlead agent inspect`"
        yield Check("passed over", Verdict.DOUBTFUL, f"{broken[0].file}: {broken[0].why}", remedy)
    yield from _clock(found, now_s)


def _newest(one: Inspected, count: int, now_s: float) -> str:
    told = one.summary
    assert told is not None  # only such are usable
    words = f"{count} good; the newest has revision {told.revision} and {told.resource_count} resources"
    left_out = f", without {told.left_out_count} that hold secrets" if told.left_out_count else ""
    return f"{words}{left_out}, made {age_text(now_s - told.made_at_s)} ago"


def _clock(found: Sequence[Inspected], now_s: float) -> Iterator[Check]:
    ahead_s = max((each.summary.made_at_s - now_s for each in found if each.summary is not None), default=0.0)
    if ahead_s > AHEAD_S:
        words = f"a generation was made {age_text(ahead_s)} from now: this machine's clock went back"
        yield Check(
            "clock", Verdict.DOUBTFUL, words, "run NTP (timedatectl set-ntp true); only certificates depend on it"
        )
