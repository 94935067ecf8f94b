"""An agent with a wall clock of its own: `python -m tests.skewed FILE run …`. FILE has the seconds that it is off.

The file is read each time, so the clock can jump while the agent runs. All of ours that asks for the time of day asks
`time.time`. What libraries read in C is the machine's: the validity of certificates.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path


def skewed(offset: Path, real: Callable[[], float]) -> Callable[[], float]:
    return lambda: real() + float(offset.read_text())


if __name__ == "__main__":
    # Before anything else is imported, for some keep the function itself.
    time.time = skewed(Path(sys.argv.pop(1)), time.time)

    from agents.node.command import run

    sys.exit(run())
