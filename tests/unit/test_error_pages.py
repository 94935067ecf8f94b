"""Every code has a page; what a page shows is what `validate` says, and what it calls mended is."""

from __future__ import annotations

import re

import pytest

from api.envoy.registry import load_default
from api.errors import Finding, NotFound
from snapshots.authoring.compile import compile_documents
from snapshots.codes import TITLES
from snapshots.error_index import with_index
from snapshots.error_pages import error_page
from snapshots.model import Document
from tests.spine import ROOT

PAGES = ROOT / "docs" / "errors"
HEADINGS = ["## Why", "## How to mend it", "## Example"]
# What no text of one file can show: its bytes or its place, its size, files, settings, a server's answers, an Envoy's.
SHOWN_ONLY = {
    *("E0102", "E0103", "E0110", "E0111", "E0113", "E0310", "E0311"),
    *(code for code in TITLES if code[1:3] in ("06", "07", "08", "09", "10", "13")),
}
EXAMPLE = re.compile(r"`(\S+)`:\n\n```yaml\n(.*?)```\n\n```\n(.*?)```\n\nMended:\n\n```diff\n(.*?)```\n", re.S)


def findings(name: str, text: str) -> tuple[Finding, ...]:
    return compile_documents(load_default(), [Document(name, text.encode())]).findings


def mended(text: str, diff: str) -> str:
    """`text` with a unified diff applied, whose context must be what is there."""
    before, after, at = text.splitlines(), [], 0
    for hunk in re.split(r"^(?=@@ )", diff, flags=re.M)[1:]:
        header, *lines = hunk.splitlines()
        start = int(re.match(r"@@ -(\d+)", header)[1]) - 1  # type: ignore[index]
        after += before[at:start]
        old = [line[1:] for line in lines if not line.startswith("+")]
        assert before[start : start + len(old)] == old
        after += [line[1:] for line in lines if not line.startswith("-")]
        at = start + len(old)
    return "\n".join([*after, *before[at:]]) + "\n"


def pages_with_examples() -> list[str]:
    return [code for code in TITLES if code not in SHOWN_ONLY]


@pytest.mark.parametrize("code", TITLES)
def test_every_code_has_a_page_of_one_form(code: str) -> None:
    page = error_page(code)
    lines = page.text.splitlines()
    assert lines[0] == f"# {code} {TITLES[code]}"
    assert [line for line in lines if line.startswith("## ")] == HEADINGS
    assert page.severity == ("error" if code.startswith("E") else "warning")
    assert f" {code} " in page.text.partition("## Example")[2] or "error: " in page.text, "the finding is shown"


@pytest.mark.parametrize("code", pages_with_examples())
def test_the_example_of_a_page_gives_what_it_says_and_its_mended_form_does_not(code: str) -> None:
    name, text, shown, diff = EXAMPLE.search(error_page(code).text).groups()  # type: ignore[union-attr]
    assert "".join(f"{finding}\n" for finding in findings(name, text)) == shown
    assert re.search(rf"^{re.escape(name)}:\d+:\d+ (error|warning) {code} ", shown, re.M)
    assert findings(name, mended(text, diff)) == ()


def test_there_are_no_pages_without_a_code_and_the_index_has_all() -> None:
    assert {page.stem for page in PAGES.iterdir()} == {*TITLES, "README"}
    index = (PAGES / "README.md").read_text("utf-8")
    assert index == with_index(index), "python -m snapshots.error_index docs/errors/README.md"
    assert sorted(re.findall(r"^\| \[(\w+)\]\(\1\.md\)", index, re.M)) == sorted(TITLES)


def test_a_code_that_is_none_is_said_with_the_nearest() -> None:
    with pytest.raises(NotFound, match=r'no code E0299; did you mean "E02\d\d"'):
        error_page("E0299")
