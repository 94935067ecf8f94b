"""The `fairlead` command without its start: every run is a fork of one process that has imported it all.

A start takes several times as long as most commands do, and tests run hundreds of them. A run is a process as ever,
with its own arguments, environment, directory and output; that a start works is shown by the tests that use a shell.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, NoReturn

ROOT = Path(__file__).resolve().parents[1]
ORDER_BYTES = 1024 * 1024
LATE = ("typer._adapters", "api.management.client", "snapshots.authoring.compile")  # what they import by then
WIDTH = 8  # of a number in the pipe
CRASHED, KILLED = 70, -signal.SIGKILL


def run_command(
    arguments: Sequence[str], environment: Mapping[str, str], cwd: Path, stdin: str = "", timeout_s: float = 90
) -> tuple[int, str, str]:
    """Exit code, standard output and error of `fairlead` with these arguments. Raises subprocess.TimeoutExpired."""
    order = json.dumps([list(arguments), dict(environment), str(cwd)]).encode()
    with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
        given.write(stdin.encode())
        given.seek(0)
        code = _outcome(order, (given, out, err), timeout_s)
        out.seek(0)
        err.seek(0)
        return code, out.read().decode(), err.read().decode()


def _outcome(order: bytes, files: Sequence[BinaryIO], timeout_s: float) -> int:
    """Two numbers come through the pipe: the process that runs it, and what it ended with."""
    reading, writing = os.pipe()
    try:
        try:
            socket.send_fds(_forker(), [order], [*(file.fileno() for file in files), writing])
        finally:
            os.close(writing)
        pid = int(os.read(reading, WIDTH))
        if not select.select([reading], [], [], timeout_s)[0]:
            os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired("fairlead", timeout_s)
        return int(os.read(reading, WIDTH) or KILLED)
    finally:
        os.close(reading)


@cache
def _forker() -> socket.socket:
    """Where orders go. The process at the other end ends when this one does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for one in (ours, theirs):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ORDER_BYTES)
    with theirs:
        command = (sys.executable, "-m", "tests.forking", str(theirs.fileno()))
        subprocess.Popen(
            command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, cwd=ROOT, env={**os.environ, "NO_COLOR": "1"}
        )
    return ours


def _serve(orders: socket.socket) -> None:
    """Fork for each order, until whoever gives them is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    while True:
        order, descriptors, _, _ = socket.recv_fds(orders, ORDER_BYTES, 4)
        if not order:
            return
        if os.fork() == 0:
            orders.close()
            _obey(*json.loads(order), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _obey(arguments: list[str], environment: dict[str, str], cwd: str, descriptors: list[int]) -> NoReturn:
    *standard, told = descriptors
    _tell(told, os.getpid())
    for number, descriptor in enumerate(standard):
        os.dup2(descriptor, number)
        os.close(descriptor)
    code = CRASHED
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(environment)
        random.seed()
        sys.argv = ["fairlead", *arguments]
        code = _ended()
    except BaseException:  # noqa: BLE001  # as the interpreter does at its end
        traceback.print_exc()
    finally:
        with suppress(Exception):
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        _tell(told, code)
        os._exit(code)


def _tell(descriptor: int, number: int) -> None:
    os.write(descriptor, f"{number:{WIDTH}}".encode())


def _ended() -> int:
    from api.cli.main import run

    try:
        run()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))


def _import_all() -> None:
    """What commands import when they are run, and Envoy's API."""
    from api.cli.table import ROWS
    from api.envoy.registry import load_default

    for name in (*(row.module for row in ROWS), *LATE):
        importlib.import_module(name)
    load_default()
    gc.collect()
    gc.freeze()  # so that collections leave the memory that is shared alone


if __name__ == "__main__":
    _import_all()
    _serve(socket.socket(fileno=int(sys.argv[1])))
