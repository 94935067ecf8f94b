"""What is told where a repository is hosted, in each host's form, and that its failures stay where they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from agents.gitops.commit_statuses import CommitStatuses
from agents.gitops.hosts import DESCRIPTION_LIMIT, comment, headers, requests_of, telling
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
    assert told.body is not None
    assert told.url == f"{target.url.rstrip('/')}/statuses/{COMMIT}"
    assert told.body["state"] == word
    assert "fairlead/shop" in told.body.values()


def test_what_is_wrong_is_told_with_its_place_and_cut() -> None:
    finding = Finding("E0301", "no field " + "x" * 500, "web.yaml", 7, 3)
    told = telling(GITHUB, a_status("refused", findings=(finding,)))
    assert told is not None
    assert told.body is not None
    assert told.body["description"].startswith("web.yaml:7 E0301 no field")
    assert len(told.body["description"]) == DESCRIPTION_LIMIT


def test_a_webhook_gets_all_that_status_says() -> None:
    told = telling(ANY, a_status())
    assert told is not None
    assert told.body is not None
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
    """Keeps what it is told; `answer` is what it says to a GET."""

    def __init__(self, error: OSError | None = None, answer: bytes = b"[]") -> None:
        self.told: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.headers: Mapping[str, str] = {}
        self._error, self._answer = error, answer

    def take(self, url: str, sent: Mapping[str, str], body: bytes | None) -> bytes:
        self.asked.append(url)
        self.headers = sent
        if self._error is not None:
            raise self._error
        if body is None:
            return self._answer
        self.told.append(json.loads(body))
        return b"{}"


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
    assert len(host.asked) == 1


REFUSED = a_status(
    "refused",
    why="1 error in the documents",
    served="1" * 40,
    findings=(Finding("E0301", "no ```field", "web.yaml", 7),),
)


@pytest.mark.parametrize(
    ("target", "answer", "asked", "commented"),
    [
        (GITHUB, [{"number": 12}, {"number": 3}], f"commits/{COMMIT}/pulls", "issues/12/comments"),
        (GITLAB, [{"iid": 5}], f"repository/commits/{COMMIT}/merge_requests", "merge_requests/5/notes"),
    ],
)
def test_a_refused_commit_is_commented_on_where_it_came_from(
    target: StatusTarget, answer: Any, asked: str, commented: str
) -> None:
    question = requests_of(target, REFUSED)
    assert question is not None
    assert question.url == f"{target.url.rstrip('/')}/{asked}"
    said = comment(target, REFUSED, answer)
    assert said is not None
    assert said.body is not None
    assert said.url == f"{target.url.rstrip('/')}/{commented}"
    assert "web.yaml:7 error E0301 no '''field" in said.body["body"]
    assert "commit `111111111111` (revision 42) stays" in said.body["body"]


@pytest.mark.parametrize("answer", [[], {}, None, "x", [1], [{"number": "12; drop"}], [{}]])
def test_a_commit_that_no_request_brought_is_commented_on_nowhere(answer: Any) -> None:
    assert comment(GITHUB, REFUSED, answer) is None
    assert comment(GITLAB, REFUSED, answer) is None


def test_only_refusals_are_commented_on() -> None:
    assert requests_of(GITHUB, a_status("synced")) is None
    assert requests_of(ANY, REFUSED) is None


async def test_status_and_comment_are_told_once() -> None:
    host = Host(answer=b'[{"number": 12}]')
    statuses = CommitStatuses(GITHUB, host.take)
    for _ in range(2):
        await statuses.tell(REFUSED)
    assert [list(each) for each in host.told] == [["state", "context", "description"], ["body"]]
    nonsense = Host(answer=b"<html>")
    await CommitStatuses(GITHUB, nonsense.take).tell(REFUSED)
    assert len(nonsense.told) == 1
