"""docs/authoring cannot rot: its tables are the models' own, every kind has one, and what it shows is sound."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.envoy.registry import load_default
from snapshots.authoring.compile import compile_documents
from snapshots.authoring.formatting.formatted import formatted
from snapshots.authoring.kinds.describe import KIND_NAMES
from snapshots.authoring.kinds.reference import with_fields
from snapshots.model import Document
from tests.authoring_pages import PAGES, SHOWING, example_of


def named(page: Path) -> str:
    return page.stem


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_its_tables_are_those_of_the_models(page: Path) -> None:
    """If this fails: python -m snapshots.authoring.kinds.reference docs/authoring"""
    assert page.read_text() == with_fields(page.read_text())


@pytest.mark.parametrize("page", SHOWING, ids=named)
def test_nothing_is_wrong_with_what_it_shows(page: Path) -> None:
    compilation = compile_documents(load_default(), [Document("fairlead.yaml", example_of(page).encode())])
    assert compilation.findings == ()


@pytest.mark.parametrize("page", SHOWING, ids=named)
def test_what_it_shows_is_laid_out_as_fmt_does(page: Path) -> None:
    assert formatted(example_of(page)).text == example_of(page)


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_every_kind_is_shown_and_on_the_front_page(kind: str) -> None:
    shown = {each for page in SHOWING for each in re.findall(r"^kind: (\w+)$", example_of(page), re.M)}
    tables = {each for page in PAGES for each in re.findall(r"<!-- fields of (\w+): begin -->", page.read_text())}
    front = next(page for page in PAGES if page.stem == "README").read_text()

    assert kind in shown
    assert kind in tables | {"Namespace"}, "a Namespace has its metadata only"
    assert kind in front
