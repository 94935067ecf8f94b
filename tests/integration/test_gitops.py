"""`fairlead gitops` with real git servers and a real Fairlead server: what is pushed is served, what is bad is not."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from agents.gitops.schedule import USUAL
from api.cli.repository_layout import EXAMPLE_URL
from examples.demo.repository import GitRepository, git_daemon
from tests.git_server import SmartHttp
from tests.gitops import SECRET, GitOpsProcess, a_source, following
from tests.spine import ROOT, ServerProcess, wait_for

CLUSTER = """apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata: {{name: {name}}}
spec:
  "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: {name}
  connect_timeout: {seconds}s
"""
KNOCKS = 100
WORKSPACE = "apiVersion: fairlead.dev/v1\nkind: Workspace\nmetadata: {{name: {0}}}\nspec: {{group: {1}}}\n"
BAD = CLUSTER.format(name="web", seconds=1).replace("connect_timeout", "conect_timeout")


def a_cluster(seconds: int, name: str = "web") -> str:
    return CLUSTER.format(name=name, seconds=seconds)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all tests: each has a group of its own."""
    server = ServerProcess(tmp_path_factory.mktemp("server"), "--memory").start()
    yield server
    server.stop()


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    repository = GitRepository(tmp_path / "git")
    repository.commit("Begin", {"production/web.yaml": a_cluster(1), "README.md": "hello"})
    return repository


@pytest.fixture
def http(repository: GitRepository) -> Iterator[SmartHttp]:
    http = SmartHttp(repository)
    yield http
    http.stop()


@pytest.fixture
def group(request: pytest.FixtureRequest) -> str:
    return str(request.node.name).replace("_", "-")[:60].rstrip("-")


def history(server: ServerProcess, group: str) -> list[dict[str, object]]:
    """The group's revisions, newest first."""
    done = server.run("history", "--group", group, "-o", "json")
    return list(done.json()["revisions"]) if done.code == 0 else []


def test_what_is_pushed_is_published_with_its_commit(
    tmp_path: Path, server: ServerProcess, repository: GitRepository, http: SmartHttp, group: str
) -> None:
    first = repository.git("rev-parse", "HEAD")
    with GitOpsProcess(tmp_path / "gitops", server, a_source(http.url, group=group)) as gitops:
        gitops.reaches("synced", commit=first)
        second = repository.commit("Wait longer\n\nfor slow ones", {"production/web.yaml": a_cluster(2)})
        status = gitops.reaches("synced", commit=second)

        assert (status["revision"], status["author"]) == (2, "Ada <ada@example.com>")
        elsewhere = repository.commit("Only words", {"README.md": "hello again"})
        assert gitops.reaches("synced", commit=elsewhere)["revision"] == 2
    newest = history(server, group)[0]
    assert newest["source"] == f"{http.url}@{second}:production"
    assert (newest["author"], newest["message"]) == ("Ada <ada@example.com>", "Wait longer")
    assert second[:7] in server.run("history", "--group", group).out
    why = server.run("why", "cluster/web", "--group", group)
    assert f"from production/web.yaml:1, commit {second[:7]} ({http.url})" in why.out


async def test_a_bad_commit_is_refused_with_its_line_and_the_next_good_one_goes_through(
    tmp_path: Path, server: ServerProcess, repository: GitRepository, http: SmartHttp, group: str
) -> None:
    async with following(tmp_path / "gitops", server.management, a_source(http.url, group=group)) as gitops:
        await gitops.reaches("synced")
        bad = repository.commit("A slip", {"production/web.yaml": BAD})
        status = await gitops.reaches("refused", commit=bad)

        finding = status["findings"][0]
        assert (finding["code"], finding["path"], finding["line"]) == ("E0301", "web.yaml", 7)
        assert status["revision"] == 1
        good = repository.commit("Mend it", {"production/web.yaml": a_cluster(3)})
        assert (await gitops.reaches("synced", commit=good))["findings"] == []
    assert len(history(server, group)) == 2


async def test_a_rollback_by_hand_suspends_until_what_was_rolled_back_is_changed_again(
    tmp_path: Path, server: ServerProcess, repository: GitRepository, http: SmartHttp, group: str
) -> None:
    good = repository.commit("Two", {"production/other.yaml": a_cluster(1, "other")})
    async with following(tmp_path / "gitops", server.management, a_source(http.url, group=group)) as gitops:
        await gitops.reaches("synced")
        slow = repository.commit("Too slow", {"production/web.yaml": a_cluster(99)})
        await gitops.reaches("synced", commit=slow)
        rolled_back = server.run("rollback", "1", "--group", group)
        assert rolled_back.code == 0
        assert "suspends the sync of workspace shop" in rolled_back.err
        (why,) = server.run("why", "cluster/web", "--group", group, "-o", "json").json()["explanations"]
        assert why["commit"] == {"url": http.url, "commit": good, "path": "production"}

        status = await gitops.reaches("suspended", commit=slow)
        assert "web.yaml" in status["why"]
        assert status["revision"] == 3
        told = server.run("status", "--group", group)
        assert "shop: suspended; see `fairlead sync status shop`" in told.out
        unrelated = repository.commit("Elsewhere", {"production/other.yaml": a_cluster(2, "other")})
        assert (await gitops.reaches("suspended", commit=unrelated))["revision"] == 3
    # Nothing of it is remembered by who follows.
    async with following(tmp_path / "gitops", server.management, a_source(http.url, group=group)) as gitops:
        assert (await gitops.reaches("suspended", commit=unrelated))["revision"] == 3
        mended = repository.commit("Fast again", {"production/web.yaml": a_cluster(2)})
        assert (await gitops.reaches("synced", commit=mended))["revision"] == 4


def by_hand(directory: Path, group: str, seconds: int) -> str:
    """A directory that somebody could apply to the workspace that is followed into."""
    directory.mkdir()
    (directory / "web.yaml").write_text(a_cluster(seconds))
    (directory / "fairlead.yaml").write_text(WORKSPACE.format("shop", group))
    return str(directory)


async def test_a_change_by_hand_is_refused_unless_it_is_an_emergency(
    tmp_path: Path, server: ServerProcess, repository: GitRepository, http: SmartHttp, group: str
) -> None:
    changed = by_hand(tmp_path / "by-hand", group, 50)
    async with following(tmp_path / "gitops", server.management, a_source(http.url, group=group)) as gitops:
        await gitops.reaches("synced")
        refused = server.run("apply", changed, "--yes")
        assert refused.code == 7
        assert "change it there" in refused.err
        assert "--break-glass" in refused.err
        assert len(history(server, group)) == 1

        assert server.run("apply", changed, "--yes", "--break-glass").code == 0
        assert "by hand" in (await gitops.reaches("suspended"))["why"]
        assert str(history(server, group)[0]["source"]).startswith("break-glass: ")
        assert server.run("sync", "resume", "shop", "--group", group).code == 0
        await gitops.reaches("synced")
    assert str(history(server, group)[0]["source"]).startswith(http.url)


async def test_what_was_there_before_is_taken_over(
    tmp_path: Path, server: ServerProcess, repository: GitRepository, http: SmartHttp, group: str
) -> None:
    assert server.run("apply", by_hand(tmp_path / "by-hand", group, 50), "--yes").code == 0
    async with following(tmp_path / "gitops", server.management, a_source(http.url, group=group)) as gitops:
        assert (await gitops.reaches("synced"))["revision"] == 2


async def test_people_see_stop_and_resume_a_sync(
    tmp_path: Path, server: ServerProcess, repository: GitRepository, http: SmartHttp, group: str
) -> None:
    bad = repository.commit("A slip", {"production/web.yaml": BAD})
    async with following(
        tmp_path / "gitops", server.management, a_source(http.url, group=group, poll_s=3600)
    ) as gitops:
        await gitops.reaches("refused", commit=bad)
        shown = server.run("sync", "status", "--group", group)
        assert shown.code == 0
        assert "web.yaml:7:3 E0301" in shown.out
        assert bad[:12] in shown.out
        ((sync),) = server.run("sync", "status", "--group", group, "-o", "json").json()["syncs"]
        assert (sync["report"]["state"], sync["report"]["commit"]) == ("refused", bad)

        assert server.run("sync", "suspend", "shop", "--group", group, "--message", "the sale is on").code == 0
        assert "the sale is on" in (await gitops.reaches("suspended"))["why"]
        assert "the sale is on" in server.run("sync", "status", "shop", "--group", group).out
        good = repository.commit("Mend it", {"production/web.yaml": a_cluster(4)})
        assert (await gitops.reaches("suspended", commit=good))["revision"] == 0
        assert server.run("sync", "resume", "shop", "--group", group).code == 0
        await gitops.reaches("synced", commit=good)
        last = repository.commit("Once more", {"production/web.yaml": a_cluster(5)})
        assert server.run("sync", "now", "shop", "--group", group).code == 0
        await gitops.reaches("synced", commit=last, knock=False)
    assert server.run("sync", "now", "nobody", "--group", group).code == 3


async def test_a_source_that_only_looks_publishes_nothing(
    tmp_path: Path, server: ServerProcess, repository: GitRepository, http: SmartHttp, group: str
) -> None:
    sources = [a_source(http.url, mode, group=group, mode=mode) for mode in ("report", "paused")]
    async with following(tmp_path / "gitops", server.management, *sources) as gitops:
        assert "web.yaml" in (await gitops.reaches("drifted", source="report"))["why"]
        assert "what is served stays" in (await gitops.reaches("paused", source="paused"))["why"]
    assert history(server, group) == []


def test_a_webhook_needs_the_secret_and_only_makes_it_look(
    tmp_path: Path, server: ServerProcess, repository: GitRepository, http: SmartHttp, group: str
) -> None:
    settings = a_source(http.url, group=group, poll_s=3600)
    with GitOpsProcess(tmp_path / "gitops", server, settings) as gitops:
        gitops.reaches("synced")
        pushed = repository.commit("By webhook", {"production/web.yaml": a_cluster(5)})

        assert gitops.knock("wrong") == 401
        assert gitops.knock(SECRET, source="nobody") == 401
        assert gitops.knock(SECRET, body=b"x" * 2_000_000) == 413
        assert gitops.status()["commit"] != pushed
        assert gitops.knock(SECRET, body=b'{"ref": "refs/heads/elsewhere"}') == 202
        gitops.reaches("synced", commit=pushed)


def test_a_flood_of_knocks_makes_few_looks_and_no_revision(
    tmp_path: Path, server: ServerProcess, repository: GitRepository, http: SmartHttp, group: str
) -> None:
    settings = a_source(http.url, group=group, poll_s=3600)
    with GitOpsProcess(tmp_path / "gitops", server, settings) as gitops:
        gitops.reaches("synced")
        began_s, before = time.monotonic(), looks(http)
        assert {gitops.knock("wrong") for _ in range(KNOCKS)} == {401}
        assert looks(http) <= before + 1  # the one that `reaches` knocked for

        # The same bytes with the same signature each time, as somebody who recorded one would send them.
        assert {gitops.knock(SECRET) for _ in range(KNOCKS)} == {202}
        heard = looks(http)
        assert heard <= before + 2 + (time.monotonic() - began_s) / USUAL.pause_s
        wait_for(lambda: looks(http) > before, "a look after the knocks")
        pushed = repository.commit("Change", {"production/web.yaml": a_cluster(2)})
        assert gitops.reaches("synced", commit=pushed)["revision"] == 2
    assert len(history(server, group)) == 2


def looks(http: SmartHttp) -> int:
    """How often the repository was asked what it has."""
    return sum(each.startswith("GET /edge.git/info/refs") for each in http.requests)


def test_a_token_is_read_again_and_told_to_nobody(
    tmp_path: Path, server: ServerProcess, repository: GitRepository, http: SmartHttp, group: str
) -> None:
    token = tmp_path / "token"
    token.write_text("stale-canary\n")
    http.token = "fresh-canary"
    with GitOpsProcess(tmp_path / "gitops", server, a_source(http.url, group=group, token_file=str(token))) as gitops:
        assert "401" in gitops.reaches("unreachable")["why"]
        token.write_text("fresh-canary\n")
        gitops.reaches("synced")

        seen = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
        assert not any(b"canary" in line for line in seen)
        assert "canary" not in gitops.log.read_text() + str(gitops.status())
    assert "canary" not in str(history(server, group))


async def test_an_empty_or_vanished_directory_is_never_an_empty_configuration(
    tmp_path: Path, server: ServerProcess, repository: GitRepository, http: SmartHttp, group: str
) -> None:
    async with following(tmp_path / "gitops", server.management, a_source(http.url, group=group)) as gitops:
        await gitops.reaches("synced")
        gone = repository.commit("Gone", {"production/web.yaml": None})
        assert "production" in (await gitops.reaches("refused", commit=gone))["why"]
        empty = repository.commit("Empty", {"production/README.md": "nothing to serve"})
        assert "no documents" in (await gitops.reaches("refused", commit=empty))["why"]
        repository.git("push", "-q", "origin", ":main")
        assert "has no refs/heads/main" in (await gitops.reaches("unreachable"))["why"]
    assert len(history(server, group)) == 1


NO_DOCUMENTS = {
    "E0704": "120000 blob {blob}\tlink.yaml",
    "E0703": "160000 commit {commit}\tmodule",
    "E0706": '100644 blob {blob}\t"bell\\007.yaml"',
    "E0601": "100644 blob {large}\tlarge.yaml",
}


async def test_what_is_no_plain_document_refuses_the_commit(
    tmp_path: Path, server: ServerProcess, repository: GitRepository, http: SmartHttp, group: str
) -> None:
    blob, large = repository.blob(b"/etc/passwd"), repository.blob(b"# " + b"x" * (5 << 20))
    commit = repository.git("rev-parse", "HEAD")
    settings = a_source(http.url, group=group, path="")
    async with following(tmp_path / "gitops", server.management, settings) as gitops:
        for code, listing in NO_DOCUMENTS.items():
            pushed = repository.commit_tree(listing.format(blob=blob, commit=commit, large=large))
            status = await gitops.reaches("refused", commit=pushed)
            assert [finding["code"] for finding in status["findings"]] == [code]
            assert "\x07" not in str(status)
    assert history(server, group) == []


async def test_rewritten_history_is_noticed_and_followed(
    tmp_path: Path, server: ServerProcess, repository: GitRepository, group: str
) -> None:
    with git_daemon(repository) as url:
        async with following(tmp_path / "gitops", server.management, a_source(url, group=group)) as gitops:
            first = (await gitops.reaches("synced"))["commit"]
            (repository.work / "production/web.yaml").write_text(a_cluster(9))
            repository.git("commit", "-qa", "--amend", "-m", "Another beginning")
            forced = repository.push()

            status = await gitops.reaches("synced", commit=forced)
            assert status["rewritten"] == first
            assert "rewritten" in status["why"]


async def test_a_server_that_goes_away_or_answers_nonsense_is_asked_again(
    tmp_path: Path, server: ServerProcess, repository: GitRepository, http: SmartHttp, group: str
) -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf"
    broken = {"": b"", "half": half, "nonsense": b"\x00\xff nonsense\r\n\r\n"}
    async with following(tmp_path / "gitops", server.management, a_source(http.url, group=group)) as gitops:
        for answer in broken.values():
            http.before = lambda path, sent=answer: sent  # type: ignore[misc]  # mypy wants no default
            status = await gitops.reaches("unreachable")
            assert "the repository" in status["why"]
            http.before = lambda path: None
            await gitops.reaches("synced")
    assert len(history(server, group)) == 1


def test_killed_at_any_moment_a_commit_is_published_once(
    tmp_path: Path, server: ServerProcess, repository: GitRepository, http: SmartHttp, group: str
) -> None:
    gitops = GitOpsProcess(tmp_path / "gitops", server, a_source(http.url, group=group))
    moments = {
        "it looks": lambda: len(http.requests) > asked,
        "it fetches": lambda: len(http.requests) > asked + 3,
        "it has published": lambda: any(pushed in str(each["source"]) for each in history(server, group)),
    }
    for number, (when, moment) in enumerate(moments.items(), start=2):
        pushed = repository.commit(f"Change {number}", {"production/web.yaml": a_cluster(number)})
        asked = len(http.requests)
        gitops.start()
        wait_for(moment, when)
        gitops.kill()
    with gitops:
        gitops.reaches("synced", commit=pushed)
    sources = [revision["source"] for revision in history(server, group)]
    assert len(sources) == len(set(sources))
    assert sources[0] == f"{http.url}@{pushed}:production"


async def test_of_two_that_follow_one_acts_and_the_other_takes_over(
    tmp_path: Path, server: ServerProcess, repository: GitRepository, http: SmartHttp, group: str
) -> None:
    settings = a_source(http.url, group=group)
    async with AsyncExitStack() as second:
        async with following(tmp_path / "one", server.management, settings) as one:
            await one.reaches("synced")
            two = await second.enter_async_context(following(tmp_path / "two", server.management, settings))
            await two.reaches("standby")
            pushed = repository.commit("Change", {"production/web.yaml": a_cluster(2)})
            await one.reaches("synced", commit=pushed)
        await two.reaches("synced", commit=pushed)
        last = repository.commit("Another", {"production/web.yaml": a_cluster(3)})
        await two.reaches("synced", commit=last)
    assert [revision["number"] for revision in history(server, group)] == [3, 2, 1]


@pytest.mark.envoy
@pytest.mark.etcd
def test_the_demo_of_gitops_holds_what_it_says() -> None:
    done = subprocess.run(
        (sys.executable, "-m", "examples.demo.gitops"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "E0301" in done.stdout
    assert " 0 failed" in done.stdout


def test_once_is_enough_for_a_job(
    tmp_path: Path, server: ServerProcess, repository: GitRepository, http: SmartHttp, group: str
) -> None:
    follow = ("gitops", http.url, "--path=production", f"--group={group}", "--once", f"--data-dir={tmp_path}")
    done = server.run(*follow, "-o", "json")
    assert (done.code, done.json()["sources"][0]["state"]) == (0, "synced")
    repository.commit("A slip", {"production/web.yaml": BAD})
    refused = server.run(*follow)
    assert refused.code == 3
    assert "web.yaml:7" in refused.err
    assert server.run("gitops", http.url.replace("127.0.0.1", "192.0.2.1"), "--once").code == 3
    assert server.run("gitops", "--once").code == 2


def test_the_layout_that_init_writes_is_followed_as_it_is(tmp_path: Path, server: ServerProcess) -> None:
    repository = GitRepository(tmp_path / "git")
    written = server.run("init", str(repository.work), "--gitops", "--yes", "--name=shop", "--group=layout")
    assert written.code == 0, written.err
    pushed = repository.commit("Begin with a layout", {})
    http = SmartHttp(repository)
    settings = tmp_path / "gitops.toml"
    settings.write_text((repository.work / "gitops.toml").read_text().replace(EXAMPLE_URL, http.url))
    done = server.run("gitops", "--config", str(settings), "--once", f"--data-dir={tmp_path}", "-o", "json")
    http.stop()
    assert done.code == 0, done.err
    shown = {each["name"]: (each["state"], each["commit"], each["group"]) for each in done.json()["sources"]}
    assert shown == {
        "shop-staging": ("synced", pushed, "layout-staging"),
        "shop-production": ("synced", pushed, "layout-production"),
    }


async def test_documents_that_belong_to_another_workspace_are_refused(
    tmp_path: Path, server: ServerProcess, repository: GitRepository, http: SmartHttp, group: str
) -> None:
    repository.commit("Whose", {"production/fairlead.yaml": WORKSPACE.format("shop", group)})
    settings = a_source(http.url, workspace="", group="")
    async with following(tmp_path / "gitops", server.management, settings) as gitops:
        assert (await gitops.reaches("synced"))["group"] == group
        moved = repository.commit("Not mine", {"production/fairlead.yaml": WORKSPACE.format("payments", group)})
        assert "make the two agree" in (await gitops.reaches("refused", commit=moved))["why"]
    assert {revision["workspace"] for revision in history(server, group)} == {"shop"}
