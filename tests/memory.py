"""What a process has in use, as its allocators count it.

Not its resident size: that keeps what was freed, how much of it is chance, and a limit on it fails by chance too.
As a program it is `fairlead` that tells the same of itself: `python -m tests.memory COMMAND …`, asked by SIGUSR2.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.spine import ServerProcess, wait_for
from xds.transport.conversation import Conversation

MIB = 1024 * 1024
WATCHED = (sys.executable, "-m", "tests.memory")
READY_FILE = "--ready-file="
ANSWER = "memory.json"
_FIELDS = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")


@dataclass(frozen=True, slots=True)
class Held:
    """Calls that last, blocks of Python's allocator (small objects), and MiB of malloc's: large ones, and gRPC's."""

    conversations: int
    blocks: int
    malloc_mib: float


class _MallocInfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in _FIELDS]


def held() -> Held:
    """By this process, after what is garbage is gone."""
    gc.collect()
    conversations = sum(issubclass(type(each), Conversation) for each in gc.get_objects())
    return Held(conversations, sys.getallocatedblocks(), malloc_mib())


def malloc_mib() -> float:
    """What malloc has given to this process now, garbage included."""
    count = ctypes.CDLL(None).mallinfo2
    count.restype = _MallocInfo
    info = count()
    return float(info.uordblks + info.hblkhd) / MIB


def held_by(server: ServerProcess) -> Held:
    """By a server that was started with `program=WATCHED`."""
    answer = server.directory / ANSWER
    answer.unlink(missing_ok=True)
    os.kill(server.pid, signal.SIGUSR2)
    wait_for(answer.exists, "the server to say what it holds")
    return Held(**json.loads(answer.read_text()))


def _tell(*_: object) -> None:
    """Beside the ready file, and whole when it is there."""
    ready_file = next(word.removeprefix(READY_FILE) for word in sys.argv if word.startswith(READY_FILE))
    part = Path(ready_file).with_name("memory.part")
    part.write_text(json.dumps(asdict(held())))
    part.rename(part.with_name(ANSWER))


if __name__ == "__main__":
    from api.cli.main import main

    signal.signal(signal.SIGUSR2, _tell)
    sys.exit(main(sys.argv[1:]))
