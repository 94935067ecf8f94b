"""`fairlead validate`: everything that can be said of documents without a server."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Annotated

import typer

from api.cli.findings import counted, finding_documents, finding_lines, report_lines, tally
from api.cli.local import compiled, gather, own_budgets
from api.cli.output import REPORTS, Format, show_document, write_lines
from api.cli.shared import Invocation, invocation_of
from api.cli.tasting import PATIENCE, EnvoyPath, Patience, Taste, Taster, Verdict, tasted
from api.cli.terminal import Paint, say
from api.errors import Finding, InvalidConfig

EXAMPLES = (
    "fairlead validate",
    "fairlead validate examples/first -o json",
    "fairlead validate examples/shop --taste",
    "fairlead validate -o github",
    "fairlead validate -o sarif > fairlead.sarif",
    "fairlead validate - < cluster.yaml",
)
Paths = Annotated[list[str] | None, typer.Argument(metavar="PATH", help="Directories, files, or - ; default: here.")]


def command(
    context: typer.Context,
    paths: Paths = None,
    taste: Taste = False,
    envoy: EnvoyPath = None,
    taste_timeout: Patience = PATIENCE,
) -> None:
    """Check documents, offline: syntax, schema, Envoy's field rules, duplicates, references, shadowing, budgets.

    With --taste a real Envoy loads what they come to, as it would be served, when nothing else is wrong. Ends with 3
    when anything is wrong. Warnings alone are no failure.
    """
    invocation, started_s = invocation_of(context), time.monotonic()
    taster = Taster(envoy, taste_timeout) if taste else None
    files, findings, verdict = _findings(paths or ["."], taster)
    _show(findings, verdict, invocation)
    if taster and verdict is None:
        say("Envoy was not asked: mend these first")
    if invocation.output in (Format.TABLE, Format.WIDE):
        say(f"{tally(findings)} in {counted(files, 'file')} ({time.monotonic() - started_s:.1f} s)")
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(InvalidConfig.exit_code)


def _findings(paths: Sequence[str], taster: Taster | None) -> tuple[int, tuple[Finding, ...], Verdict | None]:
    """How many files were read, what is wrong in them, and what Envoy said if it was asked."""
    try:
        gathered = gather(paths)
    except InvalidConfig as error:
        if not error.findings:
            raise
        return len({finding.path for finding in error.findings}), error.findings, None
    files, compilation = len(gathered.documents), compiled(gathered)
    if taster is None or not compilation.ok:
        return files, (*compilation.findings, *own_budgets(compilation)), None
    with gathered.clickable():
        verdict = tasted(gathered, compilation, taster)
    return files, (*compilation.findings, *own_budgets(compilation), *verdict.findings), verdict


def _show(findings: Sequence[Finding], verdict: Verdict | None, invocation: Invocation) -> None:
    if invocation.output in (Format.JSON, Format.YAML):
        tasted_by = {"tasted": verdict.document()} if verdict else {}
        show_document({"findings": finding_documents(findings), **tasted_by}, invocation.output)
    elif invocation.output in REPORTS:
        write_lines(report_lines(findings, invocation.output))
    elif invocation.output is Format.NAME:
        write_lines(dict.fromkeys(finding.path for finding in findings))
    else:
        write_lines(finding_lines(findings, Paint(invocation.color, sys.stdout)))
        if verdict:
            say(verdict.line())
