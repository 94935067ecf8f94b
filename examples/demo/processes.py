"""A process of a demo, with its log: started, ended or killed by its process id."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


class Kept:
    """One after the other, with one log."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *command: str | Path, cwd: Path | None = None) -> None:
        with self._log.open("ab") as sink:
            self._process = subprocess.Popen(command, stdout=sink, stderr=sink, cwd=cwd)

    @property
    def pid(self) -> int:
        """0 before it was started."""
        return self._process.pid if self._process is not None else 0

    @property
    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def must_run(self) -> None:
        """End the demo, with what the process said, when it has ended."""
        if self.has_ended:
            sys.exit(f"it has ended; its log says:\n{self._log.read_text(errors='replace')[-4000:]}")

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def end(self, within_s: float = 15) -> None:
        """SIGTERM, and by force if that does not do. Does nothing to one that has ended."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()
