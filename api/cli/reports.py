"""Findings for the programs that show them beside a change: GitHub's workflow annotations, and SARIF.

Source: GitHub, "Workflow commands"; OASIS, SARIF 2.1.0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from api.cli.terminal import escape
from api.errors import Finding
from api.hosting.version import version
from snapshots.codes import TITLES
from snapshots.error_pages import error_page

SARIF_VERSION = "2.1.0"
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# As GitHub's own toolkit escapes them; the percent sign first.
_IN_TEXT = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
_IN_PROPERTIES = (*_IN_TEXT, (":", "%3A"), (",", "%2C"))


def github_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """`::error file=shop.yaml,line=8,col=50,title=E0203 …::message`, a line for each finding."""
    for finding in findings:
        properties = {
            "file": finding.path,
            "line": finding.line or "",
            "col": finding.column or "",
            "title": f"{finding.code} {TITLES.get(finding.code, '')}".rstrip(),
        }
        given = ",".join(
            f"{name}={_escaped(str(value), _IN_PROPERTIES)}" for name, value in properties.items() if value
        )
        yield f"::{finding.severity} {given}::{_escaped(_words(finding), _IN_TEXT)}"


def _escaped(text: str, table: Sequence[tuple[str, str]]) -> str:
    for letter, code in table:
        text = text.replace(letter, code)
    return escape(text)


def _words(finding: Finding) -> str:
    return f"{finding.message}; {finding.suggestion}" if finding.suggestion else finding.message


def sarif_log(findings: Sequence[Finding]) -> dict[str, Any]:
    """One log with one run: a rule for each code that was found, with its page as help, a result for each finding."""
    codes = sorted({finding.code for finding in findings})
    rules = {code: index for index, code in enumerate(codes)}
    driver = {"name": "fairlead", "version": version(), "rules": [_rule(code) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, rules[finding.code]) for finding in findings],
    }
    return {"$schema": SARIF_SCHEMA, "version": SARIF_VERSION, "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    page = error_page(code)
    return {
        "id": code,
        "shortDescription": {"text": page.title},
        "help": {"text": page.text, "markdown": page.text},
        "defaultConfiguration": {"level": page.severity},
    }


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity,
        "message": {"text": _words(finding)},
        "partialFingerprints": {"fairlead/v1": _fingerprint(finding)},
    }
    if finding.path:
        result["locations"] = [{"physicalLocation": _location(finding)}]
    return result


def _location(finding: Finding) -> dict[str, Any]:
    path = PurePath(finding.path)
    location: dict[str, Any] = {
        "artifactLocation": {"uri": path.as_uri() if path.is_absolute() else quote(finding.path)}
    }
    if finding.line:
        region: dict[str, Any] = {"startLine": finding.line, "startColumn": max(1, finding.column)}
        location["region"] = region | ({"snippet": {"text": finding.excerpt}} if finding.excerpt else {})
    return location


def _fingerprint(finding: Finding) -> str:
    """The same for the same mistake, also when lines above it come and go."""
    said = "\0".join((finding.code, finding.path, finding.resource, finding.field, finding.message))
    return hashlib.sha256(said.encode("utf-8", "backslashreplace")).hexdigest()[:32]
