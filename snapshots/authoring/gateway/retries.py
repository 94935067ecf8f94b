"""How long a rule waits, and when it tries again: as fields of an Envoy RouteAction. Pure.

Source: Gateway API, HTTPRouteTimeouts (GEP-1742) and HTTPRouteRetry (GEP-1731).
"""

from __future__ import annotations

from typing import Any

from snapshots.authoring.gateway.envoy import duration
from snapshots.authoring.kinds.http_route import HTTPRouteRule, Retry, Timeouts, duration_s

# A stream on which nothing moves for this long is ended by Envoy, unless its route says otherwise.
_STREAM_IDLE_S = 300.0
_ATTEMPTS = 2
_ATTEMPTS_LIMIT = 2**32 - 1


def patience_fields(rule: HTTPRouteRule) -> dict[str, Any]:
    """Timeouts and retries of a rule. Without any there is no timeout: Envoy's 15 s are not the standard's."""
    timeouts = rule.timeouts or Timeouts()
    request_s = duration_s(timeouts.request) if timeouts.request is not None else 0.0
    backend_s = duration_s(timeouts.backend_request) if timeouts.backend_request is not None else 0.0
    if rule.retry is None:
        # One request is one request to a backend: the shorter of the two ends it.
        whole_s = min((each for each in (request_s, backend_s) if each), default=0.0)
        return {"timeout": duration(whole_s)} | _idle(timeouts, whole_s)
    return {"timeout": duration(request_s), "retry_policy": _policy(rule.retry, backend_s)} | _idle(timeouts, request_s)


def _idle(timeouts: Timeouts, whole_s: float) -> dict[str, Any]:
    """Whoever asks for no end, or a late one, must not be cut off by silence before it."""
    asked = timeouts.request is not None or timeouts.backend_request is not None
    return {"idle_timeout": duration(whole_s)} if asked and (not whole_s or whole_s > _STREAM_IDLE_S) else {}


def _policy(retry: Retry, backend_s: float) -> dict[str, Any]:
    """An envoy.config.route.v3.RetryPolicy. Failed connections are tried again whatever the codes."""
    causes = ["connect-failure", "refused-stream", "reset", *(["retriable-status-codes"] if retry.codes else [])]
    fields: dict[str, Any] = {
        "retry_on": ",".join(causes),
        "num_retries": {"value": _ATTEMPTS if retry.attempts is None else min(retry.attempts, _ATTEMPTS_LIMIT)},
        "retriable_status_codes": list(retry.codes),
    }
    if backend_s:
        fields["per_try_timeout"] = duration(backend_s)
    backoff_s = duration_s(retry.backoff) if retry.backoff is not None else 0.0
    if backoff_s:
        fields["retry_back_off"] = {"base_interval": duration(backoff_s), "max_interval": duration(10 * backoff_s)}
    return fields
