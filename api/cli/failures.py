"""How a command that failed says so, on standard error: our errors in their words, a bug without its traceback."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from api.cli.findings import finding_lines
from api.cli.terminal import ColorWhen, Paint, escape, escape_lines
from api.errors import FairleadError

BUG = 70
DEBUG_VARIABLE = "FAIRLEAD_DEBUG"


def known(error: FairleadError, color: ColorWhen = ColorWhen.AUTO) -> int:
    """Print an error of ours, its findings first. Returns its exit code."""
    if error.exit_code == BUG:
        return bug(error)
    paint = Paint(color, sys.stderr)
    # A finding without a place that says what the error says is said once.
    placed = [finding for finding in error.findings if finding.path or finding.message != error.message]
    for line in finding_lines(placed, paint):
        print(line, file=sys.stderr)
    print(f"{paint('red', 'error:')} {escape_lines(error.message)}", file=sys.stderr)
    return error.exit_code


def bug(error: BaseException) -> int:
    """Say that this is a bug and where the details are. Returns the exit code for bugs."""
    import traceback

    details = "".join(traceback.format_exception(error))
    words = escape(f"{type(error).__name__}: {error}")
    print(f"error: this is a bug in fairlead ({words})", file=sys.stderr)
    if os.environ.get(DEBUG_VARIABLE) == "1":
        print(details, file=sys.stderr)
        return BUG
    kept = _keep(details)
    where = f"details are in {kept}" if kept else f"set {DEBUG_VARIABLE}=1 to see the details"
    print(f"  {where}; please report it with them", file=sys.stderr)
    return BUG


def _keep(details: str) -> Path | None:
    """Write the traceback to the user's state directory; None when that cannot be written."""
    state = Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "fairlead"
    path = state / f"bug-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.txt"
    try:
        state.mkdir(parents=True, exist_ok=True)
        path.write_text(details)
    except OSError:
        return None
    return path
