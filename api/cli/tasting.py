"""`--taste`: a real Envoy, here, before anything is sent anywhere. What it says becomes findings like any other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.connect import run_interruptibly
from api.cli.findings import counted
from api.cli.local import Gathered, compiled
from api.cli.shared import duration_s
from api.errors import Finding, InvalidConfig

if TYPE_CHECKING:
    from snapshots.authoring.compile import Compilation
    from xds.server.taste.tasting import Tasted

Taste = Annotated[bool, typer.Option("--taste", help="Let a real Envoy load it here first; say what it does not take.")]
EnvoyPath = Annotated[
    Path | None,
    typer.Option("--envoy", metavar="PATH", envvar="FAIRLEAD_ENVOY", help="That Envoy; else on PATH, else the wheel."),
]
Patience = Annotated[
    float,
    typer.Option("--taste-timeout", metavar="DURATION", parser=duration_s, help="How long it may take to load it."),
]
PATIENCE: Any = "60s"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How it went, and what Envoy does not take, with paths that can be clicked."""

    tasted: Tasted
    findings: tuple[Finding, ...]

    def line(self) -> str:
        """`Envoy 1.40.0 took 14 resources (0.2 s)`."""
        answer = self.tasted
        what = counted(answer.resources, "resource")
        end = f"took {what}" if not self.findings else f"was given {what} and does not take all of them"
        return f"Envoy {answer.program.version} {end} ({answer.took_s:.1f} s)"

    def document(self) -> dict[str, Any]:
        """For -o json, beside the findings."""
        answer = self.tasted
        return {"envoy": answer.program.version, "resources": answer.resources, "seconds": round(answer.took_s, 3)}


@dataclass(frozen=True, slots=True)
class Taster:
    """What the options ask for: which Envoy, and how long it may take."""

    envoy: Path | None
    timeout_s: float


def tasted(gathered: Gathered, compilation: Compilation, taster: Taster) -> Verdict:
    """What Envoy says of a compilation. Raises TasteUnavailable, TimedOut, InvalidConfig if it does not survive."""
    from api.envoy.registry import load_default
    from xds.server.taste.findings import tasted_findings
    from xds.server.taste.program import find_envoy
    from xds.server.taste.tasting import taste

    program, found = find_envoy(taster.envoy), compilation.resources

    async def asked() -> Tasted:
        return await taste(load_default(), found, program, group=compilation.group, timeout_s=taster.timeout_s)

    answer = run_interruptibly(asked)
    return Verdict(answer, tuple(map(gathered.shown, tasted_findings(load_default(), answer, gathered.documents))))


def require_tasty(gathered: Gathered, taster: Taster, *, partial: bool = False) -> Verdict:
    """The same for documents that are about to be applied; of partial ones, for what would be served of them.

    Raises InvalidConfig, with paths that can be clicked, when Envoy does not take them or they are wrong without it.
    """
    compilation = compiled(gathered)
    if not compilation.ok and not partial:
        raise InvalidConfig("the documents cannot be applied; nothing was stored", findings=compilation.findings)
    with gathered.clickable():
        verdict = tasted(gathered, compilation, taster)
    if verdict.findings:
        raise InvalidConfig(f"{verdict.line()}; nothing was stored", findings=verdict.findings)
    return verdict
