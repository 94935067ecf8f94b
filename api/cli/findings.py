"""Findings as people read them: the place, the words, the line itself; and as programs read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from api.cli.output import Format, as_json
from api.cli.terminal import Paint, escape
from api.errors import Finding

SEVERITY_COLORS = {"error": "red", "warning": "yellow"}


def finding_lines(findings: Iterable[Finding], paint: Paint) -> Iterator[str]:
    """For each finding `path:line:column severity code message; suggestion`, then the line with its number."""
    for finding in findings:
        yield _headline(finding, paint)
        if finding.excerpt and finding.line:
            yield f"  {paint('dim', f'{finding.line} |')} {escape(finding.excerpt)}"


def _headline(finding: Finding, paint: Paint) -> str:
    text = escape(str(finding))
    mark = f" {finding.severity} {finding.code} "
    place, found, words = text.partition(mark)
    if not found:
        return text
    severity = paint(SEVERITY_COLORS[finding.severity], finding.severity)
    return f"{paint('bold', place)} {severity} {finding.code} {words}"


def counted(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def tally(findings: Sequence[Finding]) -> str:
    """`2 errors, 1 warning`, or `no errors`."""
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = len(findings) - errors
    words = [counted(errors, "error") if errors else "no errors"]
    return ", ".join([*words, counted(warnings, "warning")] if warnings else words)


def report_lines(findings: Sequence[Finding], form: Format) -> Iterable[str]:
    """Findings in a form for CI: Format.GITHUB or Format.SARIF."""
    from api.cli.reports import github_lines, sarif_log

    return github_lines(findings) if form is Format.GITHUB else [as_json(sarif_log(findings))]


def finding_documents(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings for -o json: every field, empty ones too, so that programs need not ask."""
    return [asdict(finding) for finding in findings]
