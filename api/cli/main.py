"""The entry of `fairlead`: one application, and the one place where an error becomes an exit code.

Imports typer and nothing heavy; a command's module is imported when it is run. Exit codes: docs/cli.md, "Exit codes".
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from api.cli import failures
from api.cli.application import CommandFailed, OutputClosed, build

OK, INTERRUPTED = 0, 130


def run() -> NoReturn:
    """Run the command line of this process and end it."""
    # A command that a script started in the background ignores SIGINT by inheritance; one sent on purpose still counts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))


def main(arguments: list[str]) -> int:
    """Run one command line. Returns the exit code; never raises."""
    try:
        code = _outcome(arguments)
        sys.stdout.flush()
    except (BrokenPipeError, OutputClosed):
        return _nobody_reads()
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _outcome(arguments: list[str]) -> int:
    output = sys.stdout
    try:
        build()(args=arguments, prog_name="fairlead")
    except SystemExit as end:  # how typer ends, also after --help and usage errors
        if sys.stdout is not output:
            # typer's sign that the reader of --help is gone; it would end with 1, which says "there are differences".
            raise OutputClosed from None
        return end.code if isinstance(end.code, int) else OK
    except (BrokenPipeError, OutputClosed):
        raise
    except CommandFailed as failed:
        return failures.known(failed.error, failed.color)
    except Exception as bug:  # noqa: BLE001  # ends the process: whatever was not foreseen is a bug of ours
        return failures.bug(bug)
    return OK


def _nobody_reads() -> int:
    """The reader of our output left (`| head`). Nothing may be written, not even by the interpreter's last flush."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return OK


if __name__ == "__main__":
    run()
