"""`fairlead validate`: everything that can be said of documents without a server."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Annotated

import typer

from api.cli.findings import counted, finding_documents, finding_lines, tally
from api.cli.local import compiled, gather
from api.cli.output import Format, show_document, write_lines
from api.cli.shared import Invocation, invocation_of
from api.cli.terminal import Paint, say
from api.errors import Finding, InvalidConfig

EXAMPLES = ("fairlead validate", "fairlead validate examples/first -o json", "fairlead validate - < cluster.yaml")
Paths = Annotated[list[str] | None, typer.Argument(metavar="PATH", help="Directories, files, or - ; default: here.")]


def command(context: typer.Context, paths: Paths = None) -> None:
    """Check documents, offline: syntax, schema, Envoy's field rules, duplicates and references.

    Ends with 3 when anything is wrong. Warnings alone are no failure.
    """
    invocation, started_s = invocation_of(context), time.monotonic()
    files, findings = _findings(paths or ["."])
    _show(findings, invocation)
    if invocation.output in (Format.TABLE, Format.WIDE):
        say(f"{tally(findings)} in {counted(files, 'file')} ({time.monotonic() - started_s:.1f} s)")
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(InvalidConfig.exit_code)


def _findings(paths: Sequence[str]) -> tuple[int, tuple[Finding, ...]]:
    """How many files were read, and what is wrong in them."""
    try:
        gathered = gather(paths)
    except InvalidConfig as error:
        if not error.findings:
            raise
        return len({finding.path for finding in error.findings}), error.findings
    return len(gathered.documents), compiled(gathered).findings


def _show(findings: Sequence[Finding], invocation: Invocation) -> None:
    if invocation.output in (Format.JSON, Format.YAML):
        show_document({"findings": finding_documents(findings)}, invocation.output)
    elif invocation.output is Format.NAME:
        write_lines(dict.fromkeys(finding.path for finding in findings))
    else:
        write_lines(finding_lines(findings, Paint(invocation.color, sys.stdout)))
