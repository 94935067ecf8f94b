"""Where a revision came from, as its record says it: written and read in one place."""

from __future__ import annotations

import sys

import pytest

from api.cli.explanations import Explained, explanation_document, explanation_lines
from api.cli.terminal import ColorWhen, Paint
from api.management.v1 import management_pb2 as pb
from snapshots.commits import RepositoryCommit, commit_named

COMMIT = "9f3c2ab" + "0" * 33
URLS = ("https://git.example.com/shop/edge.git", "ssh://git@git.example.com:22/shop/edge.git", "git://127.0.0.1:9/a@b")
PLAIN = Paint(ColorWhen.NEVER, sys.stdout)


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("path", ["", "production", "a:b@c/d"])
def test_what_is_written_is_read(url: str, path: str) -> None:
    commit = RepositoryCommit(url, COMMIT, path)
    assert commit_named(commit.words) == commit


@pytest.mark.parametrize(
    "words", ["", "/home/ada/site", f"break-glass: {URLS[0]}@{COMMIT}:", f"{URLS[0]}@main:", "revision 3"]
)
def test_what_came_by_hand_names_no_commit(words: str) -> None:
    assert commit_named(words) is None


def an_explanation(source: str, *, cause: int = 0) -> pb.Explanation:
    return pb.Explanation(
        resource=pb.Resource(
            type_url="type.googleapis.com/envoy.config.cluster.v3.Cluster",
            name="web",
            origin=pb.Origin(path="upstream.yaml", line=1),
        ),
        revision=pb.Revision(group="edge", number=4, source="of another workspace"),
        published=pb.Revision(group="edge", number=3, source=source),
        cause=pb.Origin(path="upstream.yaml", line=cause) if cause else None,
    )


def last_line(explanation: pb.Explanation) -> str:
    return list(explanation_lines(Explained(explanation, ()), PLAIN))[-1].strip()


def test_why_leads_to_the_commit_and_line() -> None:
    top = RepositoryCommit(URLS[0], COMMIT)
    assert last_line(an_explanation(top.words, cause=8)) == f"from upstream.yaml:8, commit 9f3c2ab ({URLS[0]})"
    below = RepositoryCommit(URLS[0], COMMIT, "production")
    assert last_line(an_explanation(below.words)).startswith("from production/upstream.yaml:1, commit 9f3c2ab (")
    assert last_line(an_explanation("/home/ada/site")) == "from upstream.yaml:1, /home/ada/site"
    assert last_line(an_explanation("")) == "from upstream.yaml:1"


def test_programs_are_told_the_whole_commit() -> None:
    document = explanation_document(an_explanation(RepositoryCommit(URLS[0], COMMIT, "production").words))
    assert document["commit"] == {"url": URLS[0], "commit": COMMIT, "path": "production"}
    assert explanation_document(an_explanation("by hand"))["commit"] is None
