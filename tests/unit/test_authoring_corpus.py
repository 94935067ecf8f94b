"""Every wrong document of the corpus gives exactly the findings that belong to it, at their places."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.envoy.registry import load_default
from snapshots.authoring.compile import compile_documents
from snapshots.codes import TITLES
from snapshots.model import Document

CORPUS = Path(__file__).parent.parent / "corpus"


def expectations() -> list[tuple[str, list[str]]]:
    lines = (CORPUS / "expected.txt").read_text("utf-8").splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return [
        (name, [f"{place} {code}" for place, code in zip(rest[::2], rest[1::2], strict=True)]) for name, *rest in rows
    ]


@pytest.mark.parametrize(("name", "expected"), expectations())
def test_wrong_document_is_reported_where_it_is_wrong(name: str, expected: list[str]) -> None:
    path = "shop.yaml" if name == "workspace-misplaced" else "fairlead.yaml"
    document = Document(path, (CORPUS / "wrong" / f"{name}.yaml").read_bytes())

    findings = compile_documents(load_default(), [document]).findings

    assert [f"{finding.line}:{finding.column} {finding.code}" for finding in findings] == expected
    for finding in findings:
        assert finding.path == path
        assert finding.message
        assert finding.excerpt, "a finding shows its line"
        assert finding.code in TITLES
        assert (finding.message + finding.excerpt + finding.suggestion).isprintable()


def test_every_document_of_the_corpus_is_expected() -> None:
    assert {name for name, _ in expectations()} == {path.stem for path in (CORPUS / "wrong").iterdir()}
    assert len(expectations()) >= 60
