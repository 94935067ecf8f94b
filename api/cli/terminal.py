"""What is different on a terminal: colours, a line that changes in place, a question. And safety: text that came from
files, nodes or servers is escaped before it is printed, so that it cannot move the cursor or hide what it says.
"""

from __future__ import annotations

import os
import shutil
import sys
from enum import StrEnum
from typing import TextIO

RESET = "\x1b[0m"
CODES = {"red": "\x1b[31m", "green": "\x1b[32m", "yellow": "\x1b[33m", "bold": "\x1b[1m", "dim": "\x1b[2m"}
ERASE_LINE = "\r\x1b[2K"


class ColorWhen(StrEnum):
    """The values of --color."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


def escape(text: str) -> str:
    """`text` on one line, with everything that does not print (control and direction characters) written as escapes."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in text)


def escape_lines(text: str) -> str:
    """As `escape`, but lines stay lines."""
    return "\n".join(escape(line) for line in text.split("\n"))


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


class Paint:
    """Colours for one stream, or none: `--color`, then NO_COLOR, then whether the stream is a terminal."""

    def __init__(self, when: ColorWhen, stream: TextIO) -> None:
        self.enabled = when is ColorWhen.ALWAYS or (when is ColorWhen.AUTO and _wants_color(stream))

    def __call__(self, color: str, text: str) -> str:
        return f"{CODES[color]}{text}{RESET}" if self.enabled and text else text


def _wants_color(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def say(text: str) -> None:
    """A line for people, on standard error: what is not data."""
    print(text, file=sys.stderr, flush=True)


def can_ask() -> bool:
    """Is there a person to answer?"""
    return sys.stdin.isatty() and sys.stderr.isatty()


def prompt(question: str) -> str:
    """One line of an answer; the question goes to standard error. Raises KeyboardInterrupt when nobody is there."""
    print(f"{question}: ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline()
    if not answer:
        raise KeyboardInterrupt
    return answer.strip()


async def confirm(question: str) -> bool:
    """Ask on standard error; only a written yes is a yes. Ctrl-C is heard while the answer is waited for."""
    import asyncio  # here, because `fairlead --help` has no need of it

    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    loop, answered = asyncio.get_running_loop(), asyncio.Event()
    # A read that blocks would keep the loop from its signals.
    loop.add_reader(sys.stdin.fileno(), answered.set)
    try:
        await answered.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return sys.stdin.readline().strip().lower() in ("y", "yes")


class LiveLine:
    """Progress on standard error: one line that changes on a terminal, a line for each change anywhere else."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._shown = ""

    def show(self, text: str) -> None:
        if text == self._shown:
            return
        if self._live:
            # A line that wraps could not be erased: only what fits is shown.
            width = shutil.get_terminal_size().columns - 1
            print(f"{ERASE_LINE}{text[:width]}", end="", file=sys.stderr, flush=True)
        else:
            say(text)
        self._shown = text

    def clear(self) -> None:
        """Leave nothing of the line on a terminal; what was printed elsewhere stays."""
        if self._live and self._shown:
            print(ERASE_LINE, end="", file=sys.stderr, flush=True)
        self._shown = ""
