"""`fairlead plan --against`: the plan of a pull request, from real repositories, without a server and without git."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from api.cli.main import main
from examples.demo.repository import GitRepository, run_git
from tests.integration.test_gitops import BAD, a_cluster

MAIN = Path(".git/refs/heads/main")
Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    """Three commits; nobody changes it."""
    repository = GitRepository(tmp_path_factory.mktemp("git"))
    repository.commit("Begin", {"production/web.yaml": a_cluster(1)})
    repository.git("tag", "-a", "v1", "-m", "the first")
    repository.commit("A slip", {"production/web.yaml": BAD})
    repository.git("tag", "slip")
    files = {"production/web.yaml": a_cluster(1), "production/other.yaml": a_cluster(1, "other"), "README.md": "hello"}
    repository.commit("Mend it", files)
    repository.git("push", "-q", "--tags", "origin")
    return repository


@pytest.fixture
def clone(origin: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone to work in, while there is no git program to be found."""
    run_git(tmp_path, "clone", "-q", str(origin.bare), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setenv("FAIRLEAD_SERVER", "127.0.0.1:1")
    return tmp_path / "clone"


def change(clone: Path) -> None:
    (clone / "production/web.yaml").write_text(a_cluster(2))
    (clone / "production/other.yaml").unlink()


def test_what_a_pull_request_would_change_is_shown_with_what_it_does(clone: Path, capsys: Captured) -> None:
    change(clone)
    assert main(["plan", "production", "--against", "origin/main", "--exit-code"]) == 1
    shown = capsys.readouterr()
    assert "~ EnvoyResource web   connect_timeout: 1s -> 2s" in shown.out
    assert "- EnvoyResource other" in shown.out
    assert "warms cluster web anew" in shown.out
    assert "Base: origin/main (" in shown.out
    assert "Reaches" not in shown.out
    assert "E0606" in shown.err  # half of it goes: publishing would be refused


def test_programs_are_told_the_same_and_the_whole_commit(clone: Path, capsys: Captured) -> None:
    change(clone)
    assert main(["plan", "production", "--against", "origin/main", "-o", "json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["against"] == {
        "reference": "origin/main",
        "commit": MAIN.read_text().strip(),
        "is_new": False,
    }
    assert [(each["change"], each["name"]) for each in plan["objects"]] == [("removed", "other"), ("changed", "web")]
    assert "nodes_reached" not in plan


@pytest.mark.parametrize("reference", ["main", "HEAD", "origin/main", "refs/heads/main", "commit", "short"])
def test_nothing_changed_whatever_the_reference_is_called(clone: Path, capsys: Captured, reference: str) -> None:
    head = MAIN.read_text().strip()
    reference = {"commit": head, "short": head[:9]}.get(reference, reference)
    assert main(["plan", "production", "--against", reference, "--exit-code"]) == 0
    assert "xDS: nothing changed." in capsys.readouterr().out


def test_a_tag_is_compared_with_and_the_directory_that_one_is_in(
    clone: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clone / "production")
    assert main(["plan", "--against", "v1"]) == 0
    assert "+ EnvoyResource other   other.yaml:1" in capsys.readouterr().out


def test_errors_are_told_at_their_lines(clone: Path, capsys: Captured) -> None:
    (clone / "production/web.yaml").write_text(BAD)
    assert main(["plan", "production", "--against", "origin/main"]) == 3
    assert "production/web.yaml:7:3 error E0301" in capsys.readouterr().err
    assert main(["plan", "production", "--against", "origin/main", "-o", "github"]) == 3
    assert "::error file=production/web.yaml,line=7" in capsys.readouterr().out
    assert main(["plan", "production", "--against", "origin/main", "-o", "sarif"]) == 3
    assert json.loads(capsys.readouterr().out)["runs"][0]["results"][0]["ruleId"] == "E0301"


def test_what_is_wrong_on_the_other_side_does_not_keep_from_mending_it(clone: Path, capsys: Captured) -> None:
    assert main(["plan", "production", "--against", "slip", "--exit-code"]) == 1
    shown = capsys.readouterr()
    assert "the documents of slip have 1 error" in shown.err
    assert "xDS: 2 clusters added." in shown.out


def test_a_new_directory_is_all_new(clone: Path, capsys: Captured) -> None:
    (clone / "staging").mkdir()
    (clone / "staging/web.yaml").write_text(a_cluster(1))
    assert main(["plan", "staging", "--against", "origin/main"]) == 0
    shown = capsys.readouterr().out
    assert "+ EnvoyResource web" in shown
    assert "which has no such directory: all is new" in shown


def test_what_cannot_be_compared_with_is_said(
    clone: Path, capsys: Captured, tmp_path: Path, origin: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*words: str) -> str:
        assert main(["plan", *words]) == 3
        return capsys.readouterr().err

    assert 'no branch, tag or commit "origin/nothing"; `git fetch`' in refused("production", "--against=origin/nothing")
    assert "one directory" in refused("production", "README.md", "--against=main")
    assert "one directory" in refused("production/web.yaml", "--against=main")
    assert "in no git repository" in refused(str(tmp_path), "--against=main")
    assert "bare git repository" in refused(str(origin.bare), "--against=main")
    monkeypatch.undo()
    run_git(tmp_path, "clone", "-q", "--depth=1", f"file://{origin.bare}", "shallow")
    assert "this clone is shallow" in refused(str(tmp_path / "shallow/production"), "--against=v1")
