"""What to send to where a repository is hosted about a verdict on a commit, in each host's form. Pure.

A commit status for every verdict; and for a commit that is refused, a comment on the merged request that brought it,
which has to be asked for first. https://docs.github.com/rest, https://docs.gitlab.com/api.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from agents.gitops.sources import StatusTarget
from agents.gitops.status import SourceStatus
from snapshots.authoring.printable import printable

Verdict = Literal["success", "failure", "pending"]
DESCRIPTION_LIMIT = 140
FINDINGS_IN_COMMENT = 10
_VERDICTS: Mapping[str, Verdict] = {
    "synced": "success",
    "refused": "failure",
    "suspended": "pending",
    "syncing": "pending",
}
_GITLAB: Mapping[Verdict, str] = {"success": "success", "failure": "failed", "pending": "running"}


@dataclass(frozen=True, slots=True)
class Telling:
    """One HTTP request, without its secret: a POST of `body`, a GET where it is None."""

    url: str
    body: dict[str, Any] | None = None


def telling(target: StatusTarget, status: SourceStatus) -> Telling | None:
    """The commit status of a source's commit; None when there is no verdict on it."""
    verdict = _VERDICTS.get(status.state)
    if verdict is None or not status.commit:
        return None
    name, words = f"fairlead/{status.source.name}", description(status)
    if target.form == "github":
        body = {"state": verdict, "context": name, "description": words}
        return Telling(f"{_api(target)}/statuses/{quote(status.commit)}", body)
    if target.form == "gitlab":
        body = {"state": _GITLAB[verdict], "name": name, "description": words}
        return Telling(f"{_api(target)}/statuses/{quote(status.commit)}", body)
    return Telling(target.url, {"verdict": verdict, "description": words, **status.document()})


def requests_of(target: StatusTarget, status: SourceStatus) -> Telling | None:
    """Which requests brought a commit that is refused; None where nobody is to be told by a comment."""
    if status.state != "refused" or not status.commit or target.form == "webhook":
        return None
    below = "pulls" if target.form == "github" else "merge_requests"
    of = "commits" if target.form == "github" else "repository/commits"
    return Telling(f"{_api(target)}/{of}/{quote(status.commit)}/{below}")


def comment(target: StatusTarget, status: SourceStatus, requests: Any) -> Telling | None:
    """The comment on the request that brought the commit; None when none did. `requests` is what the host answered."""
    key = "number" if target.form == "github" else "iid"
    found = [each.get(key) for each in requests if isinstance(each, dict)] if isinstance(requests, list) else []
    numbers = [each for each in found if isinstance(each, int)]
    if not numbers:
        return None
    below = f"issues/{numbers[0]}/comments" if target.form == "github" else f"merge_requests/{numbers[0]}/notes"
    return Telling(f"{_api(target)}/{below}", {"body": _comment_text(status)})


def description(status: SourceStatus) -> str:
    """One line: the first thing that is wrong with its place, or the revision."""
    first = next((each for each in status.findings if each.severity == "error"), None)
    if first is not None:
        words = f"{first.path}:{first.line} {first.code} {first.message}"
    else:
        words = status.why or f"revision {status.revision}"
    return printable(words, DESCRIPTION_LIMIT)


def _comment_text(status: SourceStatus) -> str:
    """Fenced, so that nothing of a document is taken for markup."""
    served = f"commit `{status.served[:12]}` (revision {status.revision})" if status.served else "what was there before"
    lines = [str(each).replace("`", "'") for each in status.findings[:FINDINGS_IN_COMMENT]]
    left = len(status.findings) - len(lines)
    told = "\n".join(printable(line) for line in lines) + (f"\n… and {left} more" if left > 0 else "")
    fenced = f"\n\n```\n{told}\n```" if lines else ""
    return f"Fairlead did not publish `{status.commit[:12]}`; {served} stays.\n\n{printable(status.why)}{fenced}"


def headers(target: StatusTarget, token: str) -> dict[str, str]:
    """With the token as each host wants it."""
    known = {"Content-Type": "application/json", "User-Agent": "fairlead"}
    if not token:
        return known
    return known | ({"PRIVATE-TOKEN": token} if target.form == "gitlab" else {"Authorization": f"Bearer {token}"})


def _api(target: StatusTarget) -> str:
    return target.url.rstrip("/")
