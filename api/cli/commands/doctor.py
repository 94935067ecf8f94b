"""`fairlead doctor`: is everything as it should be, and if not, what to do."""

from __future__ import annotations

import sys
from dataclasses import replace

import typer

from api.cli.diagnosis import diagnose
from api.cli.output import Column, Format, Listing, show_listing, write_lines
from api.cli.shared import invocation_of
from api.cli.terminal import Paint, escape
from api.errors import StoreUnavailable
from api.hosting.checks import Verdict, text_lines

EXAMPLES = ("fairlead doctor", "fairlead doctor --server fairlead.example.net:18001 -o json")
COLUMNS = tuple(map(Column, ("check", "verdict", "found", "what to do")))
COLORS = {Verdict.GOOD: "green", Verdict.DOUBTFUL: "yellow", Verdict.BAD: "red"}


def command(context: typer.Context) -> None:
    """Check the server and its ports, etcd (version, health, quota, alarms), clocks, and this installation.

    Says what to do for each that is not as it should be. Ends with 4 when something is bad.
    """
    invocation = invocation_of(context)
    checks = diagnose(invocation)
    if invocation.output in (Format.TABLE, Format.WIDE):
        paint = Paint(invocation.color, sys.stdout)
        for check in checks:
            shown = replace(check, found=escape(check.found), remedy=escape(check.remedy))
            write_lines(text_lines(shown, lambda verdict, text: paint(COLORS[verdict], text)))
    else:
        bad = tuple(check.name for check in checks if check.verdict is not Verdict.GOOD)
        document = {"checks": [check.document() for check in checks]}
        show_listing(Listing(COLUMNS, (), bad, document), invocation.output)
    if any(check.verdict is Verdict.BAD for check in checks):
        raise typer.Exit(StoreUnavailable.exit_code)
