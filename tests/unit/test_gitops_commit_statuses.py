"""What is told where a repository is hosted, in each host's form, and that its failures stay where they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from agents.gitops.commit_statuses import DESCRIPTION_LIMIT, CommitStatuses, headers, telling
from agents.gitops.sources import Remote, Source, StatusTarget
from agents.gitops.status import Shown, SourceStatus
from api.errors import Finding

COMMIT = "9f3c2" * 8
SOURCE = Source("shop", Remote("https://git.example.com/shop.git"), branch="main", workspace="shop", group="edge")
GITHUB = StatusTarget("github", "https://api.example.com/repos/shop/edge/")
GITLAB = StatusTarget("gitlab", "https://gitlab.example.com/api/v4/projects/7")
ANY = StatusTarget("webhook", "https://chat.example.com/hook")


def a_status(state: Shown = "synced", **more: Any) -> SourceStatus:
    return SourceStatus(SOURCE, state, commit=COMMIT, revision=42, **more)


@pytest.mark.parametrize(
    ("target", "state", "word"),
    [(GITHUB, "synced", "success"), (GITHUB, "refused", "failure"), (GITHUB, "suspended", "pending"),
     (GITLAB, "synced", "success"), (GITLAB, "refused", "failed"), (GITLAB, "suspended", "running")],
)  # fmt: skip
def test_a_verdict_in_each_hosts_words(target: StatusTarget, state: Shown, word: str) -> None:
    told = telling(target, a_status(state))
    assert told is not None
    assert told.url == f"{target.url.rstrip('/')}/statuses/{COMMIT}"
    assert told.body["state"] == word
    assert "fairlead/shop" in told.body.values()


def test_what_is_wrong_is_told_with_its_place_and_cut() -> None:
    finding = Finding("E0301", "no field " + "x" * 500, "web.yaml", 7, 3)
    told = telling(GITHUB, a_status("refused", findings=(finding,)))
    assert told is not None
    assert told.body["description"].startswith("web.yaml:7 E0301 no field")
    assert len(told.body["description"]) == DESCRIPTION_LIMIT


def test_a_webhook_gets_all_that_status_says() -> None:
    told = telling(ANY, a_status())
    assert told is not None
    assert (told.url, told.body["verdict"], told.body["commit"]) == (ANY.url, "success", COMMIT)


@pytest.mark.parametrize("state", ["starting", "unreachable", "waiting", "standby", "paused", "drifted"])
def test_without_a_verdict_on_a_commit_nothing_is_told(state: Shown) -> None:
    assert telling(GITHUB, a_status(state)) is None
    assert telling(GITHUB, SourceStatus(SOURCE, "synced")) is None


def test_the_token_goes_as_each_host_wants_it() -> None:
    assert headers(GITHUB, "t")["Authorization"] == "Bearer t"
    assert headers(GITLAB, "t")["PRIVATE-TOKEN"] == "t"
    assert "Authorization" not in headers(ANY, "")


class Host:
    def __init__(self, error: OSError | None = None) -> None:
        self.told: list[dict[str, Any]] = []
        self.headers: Mapping[str, str] = {}
        self._error = error

    def take(self, url: str, sent: Mapping[str, str], body: bytes) -> None:
        self.told.append(json.loads(body))
        self.headers = sent
        if self._error is not None:
            raise self._error


async def test_each_verdict_is_told_once(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret-canary")
    host = Host()
    statuses = CommitStatuses(replace(GITHUB, token_file=str(token)), host.take)
    for state in ("syncing", "synced", "synced", "refused"):
        await statuses.tell(a_status(state))  # type: ignore[arg-type]  # they are states
    assert [each["state"] for each in host.told] == ["pending", "success", "failure"]
    assert host.headers["Authorization"] == "Bearer secret-canary"


@pytest.mark.parametrize("error", [URLError("no route"), TimeoutError(), OSError("reset")])
async def test_a_host_that_does_not_answer_is_let_be(error: OSError, capsys: pytest.CaptureFixture[str]) -> None:
    host = Host(error)
    statuses = CommitStatuses(GITHUB, host.take)
    await statuses.tell(a_status())
    await CommitStatuses(replace(GITHUB, token_file="/nowhere/token"), host.take).tell(a_status())
    assert len(host.told) == 1
