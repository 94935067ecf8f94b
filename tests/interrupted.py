"""Something done again and again, each time killed one step later. Run as a process of its own: it forks.

`python -m tests.interrupted DIRECTORY` prints one JSON object for each kill: what a store found afterwards. A step is a
call that reaches the disk and is about to be made.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.builders import cluster
from tests.generations import a_store, contents, good, revision_in

OLD, NEW = 4, 5
LARGE = "content " * 100_000  # more than one write


def becomes_good(directory: Path) -> None:
    good(a_store(directory), NEW, cluster("web", LARGE))


def is_rejected(directory: Path) -> None:
    store = a_store(directory)
    store.reject(store.write(contents(NEW), 0).number)


def is_restarted(directory: Path) -> None:
    (directory / ".000009.candidate.writing").write_bytes(b"half")
    a_store(directory).newest_good()


ACTIONS = (becomes_good, is_rejected, is_restarted)


def reaches_the_disk(called: Any) -> bool:
    return getattr(called, "__module__", "") == "posix" or type(getattr(called, "__self__", None)).__module__ == "_io"


def killed_at(step: int, action: Callable[[Path], None], directory: Path) -> bool:
    """Whether the process was killed before the action had ended."""
    child = os.fork()
    if child == 0:
        left = step

        def count(_frame: Any, event: str, called: Any) -> None:
            nonlocal left
            if event == "c_call" and reaches_the_disk(called):
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.setprofile(count)
        action(directory)
        sys.setprofile(None)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def main(top: Path) -> None:
    template = top / "template"
    for revision in range(1, OLD + 1):
        good(a_store(template), revision)
    for action in ACTIONS:
        step = 0
        while True:
            directory = top / f"{action.__name__}-{step}"
            shutil.copytree(template, directory)
            if not killed_at(step, action, directory):
                break
            store = a_store(directory)
            search = store.newest_good()
            found = {
                "used": revision_in(search),
                "passed_over": len(search.unusable),
                "files": len(os.listdir(directory)),
            }
            goes_on = good(store, NEW + 1).number
            print(json.dumps({"action": action.__name__, "step": step, **found, "next": goes_on}))
            shutil.rmtree(directory)
            step += 1


if __name__ == "__main__":
    main(Path(sys.argv[1]))
