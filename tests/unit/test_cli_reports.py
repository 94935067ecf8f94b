"""Findings for CI: GitHub's annotations, escaped, and SARIF as its schema has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from api.cli.main import main
from api.cli.reports import github_lines, sarif_log
from api.errors import Finding
from snapshots.codes import TITLES

# What SARIF 2.1.0 asks of the parts that are written here (sections 3.13 to 3.52); nothing else may stand there.
TEXT = {"type": "string", "minLength": 1}
MESSAGE = {"type": "object", "required": ["text"], "properties": {"text": TEXT, "markdown": TEXT}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}


def an_object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def a_list(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


RULE = an_object(
    ["id"], id=TEXT, shortDescription=MESSAGE, help=MESSAGE, defaultConfiguration=an_object([], level=LEVEL)
)
REGION = an_object(
    ["startLine"],
    startLine={"type": "integer", "minimum": 1},
    startColumn={"type": "integer", "minimum": 1},
    snippet=MESSAGE,
)
URI = {"type": "string", "pattern": r"^[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+$"}
LOCATION = an_object(
    ["physicalLocation"],
    physicalLocation=an_object(["artifactLocation"], artifactLocation=an_object(["uri"], uri=URI), region=REGION),
)
RESULT = an_object(
    ["message"],
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=MESSAGE,
    locations=a_list(LOCATION, minItems=1),
    partialFingerprints={"type": "object", "additionalProperties": TEXT},
)
DRIVER = an_object(["name"], name=TEXT, version=TEXT, rules=a_list(RULE, uniqueItems=True))
RUN = an_object(
    ["tool"],
    tool=an_object(["driver"], driver=DRIVER),
    results=a_list(RESULT),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
)
LOG = an_object(["version", "runs"], **{"$schema": TEXT}, version={"const": "2.1.0"}, runs=a_list(RUN))

HOSTILE = Finding(
    "E0203",
    'a % "x"\nnext\x1b[2J',
    "dir/a,b: c\n.yaml",
    3,
    9,
    "spec.rules",
    "HTTPRoute web",
    "",
    "mend it",
    "  name: x",
)


def test_an_annotation_is_one_line_and_what_it_holds_cannot_break_it() -> None:
    (line,) = github_lines([HOSTILE])
    assert line == (
        "::error file=dir/a%2Cb%3A c%0A.yaml,line=3,col=9,title=E0203 a backend that does not exist"
        '::a %25 "x"%0Anext\\x1b[2J; mend it'
    )
    (bare,) = github_lines([Finding("W0504", "x", severity="warning")])
    assert bare == "::warning title=W0504 a reference to something that is not here::x"


def test_every_code_can_be_a_rule_and_its_page_is_the_help() -> None:
    findings = [
        Finding(code, "x", "a.yaml", 1, 1, severity="error" if code.startswith("E") else "warning") for code in TITLES
    ]
    log = json.loads(json.dumps(sarif_log(findings)))
    Draft202012Validator(LOG).validate(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert {rule["id"] for rule in rules} == set(TITLES)
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    assert all(f"# {rule['id']} " in rule["help"]["markdown"] for rule in rules)


def test_a_result_says_where_and_names_the_same_mistake_the_same() -> None:
    here, lower = HOSTILE, Finding(*("E0203", HOSTILE.message, HOSTILE.path, 7, 9, "spec.rules", "HTTPRoute web"))
    log = sarif_log([here, lower, Finding("E0802", "no place"), Finding("E0701", "x", "/abs/a b.yaml")])
    Draft202012Validator(LOG).validate(log)
    first, second, nowhere, absolute = log["runs"][0]["results"]
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "dir/a%2Cb%3A%20c%0A.yaml"},
        "region": {"startLine": 3, "startColumn": 9, "snippet": {"text": "  name: x"}},
    }
    assert first["partialFingerprints"] == second["partialFingerprints"]
    assert "locations" not in nowhere
    assert absolute["locations"][0]["physicalLocation"] == {"artifactLocation": {"uri": "file:///abs/a%20b.yaml"}}


@pytest.mark.parametrize(("form", "start"), [("github", "::error file="), ("sarif", "{")])
def test_validate_reports_in_that_form_and_ends_as_ever(
    form: str, start: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text("kind: [")
    assert main(["validate", str(tmp_path), "-o", form]) == 3
    assert capsys.readouterr().out.startswith(start)
    (tmp_path / "a.yaml").write_text("")
    assert main(["validate", str(tmp_path), "-o", form]) == 0
    assert main(["validate", str(tmp_path / "nowhere"), "-o", form]) == 3
    assert "E0701" in capsys.readouterr().out


def test_other_commands_have_no_such_form() -> None:
    assert main(["schema", "-o", "sarif"]) == 2
