"""`fairlead fmt`: documents in one layout."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.findings import counted, finding_documents, finding_lines
from api.cli.local import STANDARD_INPUT, Gathered, gather, shown_path
from api.cli.output import Format, show_document, write_lines
from api.cli.replacing import replace_file
from api.cli.shared import Invocation, invocation_of
from api.cli.terminal import Paint, escape, say
from api.errors import Finding, InvalidConfig

if TYPE_CHECKING:
    from snapshots.model import Document

EXAMPLES = ("fairlead fmt", "fairlead fmt --check --diff shop", "fairlead fmt - < shop.yaml")
DIFFERENCES = 1
Paths = Annotated[list[str] | None, typer.Argument(metavar="PATH", help="Directories, files, or - ; default: here.")]
Check = Annotated[bool, typer.Option("--check", help="Write nothing; end with 1 when something would change.")]
Diff = Annotated[bool, typer.Option("--diff", help="Write nothing; show what would change.")]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One file: its path as it is shown, its text as it was and as it is to be; or why it cannot be formatted."""

    path: str
    file: Path
    before: str
    after: str
    findings: tuple[Finding, ...] = ()
    left_alone: bool = False

    @property
    def changes(self) -> bool:
        return self.after != self.before


def command(context: typer.Context, paths: Paths = None, check: Check = False, diff: Diff = False) -> None:
    """Lay documents out in one way: indentation, spaces, the order of the first keys. Prints the files that it changes.

    What they say stays the same: values, quotes, comments, long texts. With - the text goes from standard input to
    standard output. A file that is not YAML is left as it is, told as `validate` tells it, and ends the command with 3.
    """
    invocation, given = invocation_of(context), paths or ["."]
    if STANDARD_INPUT in given and len(given) > 1:
        raise typer.BadParameter("- stands alone: it has one output", param_hint="PATH")
    gathered = gather(given)
    outcomes = [_outcome(gathered, document) for document in _files(gathered, given)]
    if given == [STANDARD_INPUT] and not (check or diff):
        _to_standard_output(outcomes[0], invocation)
    else:
        _to_files(outcomes, invocation, check=check, diff=diff)


def _files(gathered: Gathered, given: Sequence[str]) -> Iterator[Document]:
    """What is no link: where one leads there is a file of its own."""
    named = {os.path.abspath(path) for path in given}
    for document in gathered.documents:
        path = os.path.abspath(gathered.top / document.path)
        if not os.path.islink(path):
            yield document
        elif path in named:
            say(f"{escape(document.path)} is a symbolic link, and left as it is; name the file that it leads to")


def _outcome(gathered: Gathered, document: Document) -> Outcome:
    from snapshots.authoring.contents import decoded
    from snapshots.authoring.formatting.formatted import formatted

    path, file = shown_path(document.path, gathered.top), gathered.top / document.path
    source, refusal = decoded(document)
    if refusal is not None:
        return Outcome(path, file, "", "", (gathered.shown(source.finding(refusal)),))
    text = document.content.decode("utf-8")
    found = formatted(text)
    findings = tuple(gathered.shown(source.finding(mistake)) for mistake in found.mistakes)
    return Outcome(path, file, text, found.text, findings, found.left_alone)


def _to_standard_output(outcome: Outcome, invocation: Invocation) -> None:
    _tell([outcome], invocation)
    sys.stdout.write(outcome.after)
    sys.stdout.flush()


def _to_files(outcomes: Sequence[Outcome], invocation: Invocation, *, check: bool, diff: bool) -> None:
    changed = [each for each in outcomes if each.changes]
    for each in [] if check or diff else changed:
        replace_file(each.file, each.before.encode("utf-8"), each.after.encode("utf-8"))
    _show(outcomes, invocation, diff=diff)
    if invocation.output in (Format.TABLE, Format.WIDE):
        verb = "would change" if check or diff else "changed"
        say(f"{counted(len(changed), 'file')} of {len(outcomes)} {verb}")
    _tell(outcomes, invocation)
    if check and changed:
        raise typer.Exit(DIFFERENCES)


def _show(outcomes: Sequence[Outcome], invocation: Invocation, *, diff: bool) -> None:
    changed = [each for each in outcomes if each.changes]
    if invocation.output in (Format.JSON, Format.YAML):
        findings = [finding for each in outcomes for finding in each.findings]
        files = [{"path": each.path, "changed": each.changes} for each in outcomes]
        show_document({"files": files, "findings": finding_documents(findings)}, invocation.output)
    elif diff and invocation.output is not Format.NAME:
        write_lines(line for each in changed for line in _diff_lines(each, Paint(invocation.color, sys.stdout)))
    else:
        write_lines(escape(each.path) for each in changed)


def _diff_lines(outcome: Outcome, paint: Paint) -> Iterator[str]:
    """A unified diff, without the secrets of the file."""
    import difflib

    from api.cli.authored import secret_texts
    from api.cli.sensitive import Redactor
    from api.envoy.registry import load_default

    secrets = sorted(secret_texts(outcome.before.encode("utf-8"), Redactor(load_default())), key=len, reverse=True)
    before, after = outcome.before.splitlines(), outcome.after.splitlines()
    names = (f"{escape(outcome.path)} as it is", f"{escape(outcome.path)} formatted")
    for line in difflib.unified_diff(before, after, *names, lineterm=""):
        for secret in secrets:
            line = line.replace(secret, "(sensitive)")
        yield paint({"+": "green", "-": "red"}.get(line[:1], "dim"), escape(line))


def _tell(outcomes: Sequence[Outcome], invocation: Invocation) -> None:
    """Say what is left as it is. Raises InvalidConfig for what is no YAML."""
    for each in outcomes:
        if each.left_alone:
            say(f"{escape(each.path)} is left as it is: what it says could come to mean something else")
    findings = [finding for each in outcomes for finding in each.findings]
    for line in finding_lines(findings, Paint(invocation.color, sys.stderr)):
        say(line)
    if findings:
        raise typer.Exit(InvalidConfig.exit_code)
