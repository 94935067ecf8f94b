"""The certificate that this node shows to servers: whose it is, and until when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from agents.node.settings import AgentSettings
from api.hosting.checks import Check, Verdict

NAME = "certificate"
ENDS_SOON_S = 14 * 86400.0


def certificate_checks(settings: AgentSettings) -> Iterator[Check]:
    """Nothing where TLS is not spoken, or no certificate is shown."""
    for path in (settings.upstream_ca, settings.upstream_cert):
        if path is not None:
            yield certificate_check(path, time.time())


def certificate_check(path: Path, now_s: float) -> Check:
    """The first in a PEM file. One that has ended is not taken by anybody."""
    from cryptography import x509

    try:
        shown = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it holds no certificate"
        return Check(NAME, Verdict.BAD, f"{path}: {why}", "give a PEM file that the agent's user can read")
    whose = shown.subject.rfc4514_string() or "somebody without a name"
    first_s, last_s = shown.not_valid_before_utc.timestamp(), shown.not_valid_after_utc.timestamp()
    day = time.strftime("%Y-%m-%d", time.gmtime(last_s))
    if now_s < first_s:
        return Check(NAME, Verdict.BAD, f"{path} is not valid yet", "is this machine's clock right?")
    if now_s > last_s:
        return Check(NAME, Verdict.BAD, f"{path} ended on {day}", "renew it; the agent reads it again by itself")
    if last_s - now_s < ENDS_SOON_S:
        return Check(NAME, Verdict.DOUBTFUL, f"{path} ends on {day}", "renew it; the agent reads it again by itself")
    return Check(NAME, Verdict.GOOD, f"{path} ({whose}) is valid until {day}")
