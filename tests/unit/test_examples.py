"""The examples as documents: nothing is to be said of them, and each says what it is."""

from __future__ import annotations

import re

import pytest

from api.envoy.registry import load_default
from snapshots.authoring.compile import compile_documents
from snapshots.authoring.formatting.formatted import formatted
from snapshots.model import Document
from tests.example_sites import EXAMPLES, GATEWAYS

NAMES = sorted(each.parent.name for each in EXAMPLES.glob("*/fairlead.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_wrong_with_it(name: str) -> None:
    files = [Document(each.name, each.read_bytes()) for each in sorted((EXAMPLES / name).glob("*.yaml"))]
    compilation = compile_documents(load_default(), files)

    assert compilation.resources
    assert compilation.findings == ()


@pytest.mark.parametrize("name", NAMES)
def test_it_is_laid_out_as_fmt_does(name: str) -> None:
    for each in sorted((EXAMPLES / name).glob("*.yaml")):
        text = each.read_text()
        assert formatted(text).text == text, f"fairlead fmt {each}"


@pytest.mark.parametrize("name", GATEWAYS)
def test_it_says_what_it_is_and_how_it_is_served(name: str) -> None:
    heading = re.match(r"(#.*\n)+", (EXAMPLES / name / "fairlead.yaml").read_text())
    assert heading is not None
    assert f"#   fairlead dev examples/{name}\n" in heading[0]


def test_the_list_has_them_all() -> None:
    listed = re.findall(r"\]\((\w+)/\)", (EXAMPLES / "README.md").read_text())
    assert sorted(listed) == sorted([*NAMES, "demo"])


def test_no_two_take_the_same_port() -> None:
    ports: dict[str, str] = {}
    for name in GATEWAYS:
        text = "".join(each.read_text() for each in (EXAMPLES / name).glob("*.yaml"))
        for port in set(re.findall(r"port: (\d+)", text)) - {"80"}:
            assert ports.setdefault(port, name) == name, port
