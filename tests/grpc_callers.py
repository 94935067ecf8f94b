"""The gRPC clients at hand: one program in three languages, each with the library that people use there.

`make grpc-js` and `make grpc-go` put what the last two need into .cache; without it they are left out, with the reason.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.spine import ROOT

_MODULES = ROOT / ".cache/grpc-js/node_modules"
_PROGRAM = ROOT / ".cache/grpc-go/grpc-caller"


@dataclass(frozen=True)
class Caller:
    """A program that takes `xds:///name`; see `tests.grpc_caller`. `absent`: why it cannot run here; empty if it can.

    `hears_errors`: a call to a name that the server says does not exist fails at once, not by a timer of the client.
    `own_fault`: words of a failure that the client brings about itself, whatever a server does.
    """

    language: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    absent: str = ""
    hears_errors: bool = False
    own_fault: str = ""


def _javascript() -> Caller:
    node = shutil.which("node")
    absent = "" if node and _MODULES.is_dir() else "no gRPC for Node.js here: `make grpc-js` installs it"
    return Caller("javascript", (node or "node", "tests/grpc_js/caller.js"), {"NODE_PATH": str(_MODULES)}, absent)


def _go() -> Caller:
    absent = "" if _PROGRAM.is_file() else "no gRPC client in Go here: `make grpc-go` builds it (needs Go)"
    # As of 1.85 it takes new routes into use a moment before the policy that knows their clusters; a call in between
    # fails, and is not tried again.
    return Caller("go", (str(_PROGRAM),), absent=absent, own_fault="unknown cluster selected for RPC")


# gRPC's core hears what a server says of resources that do not exist only when it is told to (gRFC A88; as of 1.85);
# else it waits for 15 s, as the others do.
PYTHON = Caller(
    "python", (sys.executable, "-m", "tests.grpc_caller"),
    {"GRPC_EXPERIMENTAL_XDS_DATA_ERROR_HANDLING": "true"}, hears_errors=True,
)  # fmt: skip
CALLERS = (PYTHON, _javascript(), _go())
AT_HAND = tuple(caller for caller in CALLERS if not caller.absent)
