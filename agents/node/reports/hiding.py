"""Takes secrets out of lines of a log: what the agent holds as secrets, and what looks like one.

Envoy takes what its API marks as sensitive out of config_dump by itself, but writes headers and whole messages to its
log when its level is low enough. Better a word too many is hidden than one too few.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

HIDDEN: Final = "(hidden)"
SHORTEST: Final = 8
"""A shorter text is found in many lines by chance."""

_KEY_BEGINS: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_KEY_ENDS: Final = re.compile(r"-----END [A-Z ]*PRIVATE KEY-----")
_HEADERS: Final = "authorization|proxy-authorization|cookie|set-cookie|x-api-key|x-auth-token|x-csrf-token"
_NAMES: Final = "password|secret|token|private_key|api_key"
_PATTERNS: Final = (
    # 'authorization', 'Bearer …' as Envoy prints headers; authorization: … as people do.
    (re.compile(rf"(?i)(['\"]?\b(?:{_HEADERS})['\"]?\s*[:,=]\s*)('[^']*'|\"[^\"]*\"|[^'\"\n]+)"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    (re.compile(rf"(?i)(\b\w*(?:{_NAMES})\b\"?\s*[:=]\s*)(\"[^\"]*\"|'[^']*'|\S+)"), rf"\1{HIDDEN}"),
    (re.compile(r"(\binline_(?:string|bytes)\"?\s*:\s*)\"(?:[^\"\\]|\\.)*\""), rf"\1{HIDDEN}"),
)


class Hiding:
    """For the lines of one log, in their order: a key may go over several. `secrets`: texts that are secret."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.know(secrets)
        self._in_key = False

    def know(self, secrets: Iterable[str]) -> None:
        """These are secret from now on, and no others."""
        self._secrets = sorted({part for text in secrets for part in _parts(text)}, key=len, reverse=True)

    def line(self, line: str) -> str:
        """The line as it may be shown."""
        if self._in_key:
            self._in_key = _KEY_ENDS.search(line) is None
            return HIDDEN
        for secret in self._secrets:
            line = line.replace(secret, HIDDEN)
        begins = _KEY_BEGINS.search(line)
        if begins is not None:
            self._in_key = _KEY_ENDS.search(line, begins.end()) is None
            return line[: begins.start()] + HIDDEN
        for pattern, shown in _PATTERNS:
            line = pattern.sub(shown, line)
        return line


def _parts(text: str) -> Iterator[str]:
    """A secret as it may stand in a line: whole, by its own lines, or with them escaped."""
    for part in (text, text.replace("\n", "\\n"), *text.splitlines()):
        if len(part.strip()) >= SHORTEST and "\n" not in part.strip():
            yield part.strip()


def texts_in(body: bytes, depth: int = 12) -> Iterator[str]:
    """All texts in a serialised message, whatever its fields mean: of a Secret, that is what is secret and some names.

    Anything that reads as a message is looked into as well; numbers are left out.
    """
    for value in _values(body):
        if len(value) < SHORTEST:
            continue
        inner = list(texts_in(value, depth - 1)) if depth else []
        yield from inner
        try:
            yield value.decode()
        except UnicodeDecodeError:
            continue


def _values(body: bytes) -> list[bytes]:
    """The length-delimited fields of a message; none at all of what is no message.  protobuf.dev: Encoding."""
    found: list[bytes] = []
    at = 0
    try:
        while at < len(body):
            tag, at = _number(body, at)
            kind = tag & 7
            if kind == 0:
                _, at = _number(body, at)
            elif kind == 2:
                length, at = _number(body, at)
                if at + length > len(body):
                    return []
                found.append(body[at : at + length])
                at += length
            elif kind in (1, 5):
                at += 8 if kind == 1 else 4
            else:
                return []
    except IndexError:
        return []
    return found if at == len(body) else []


def _number(body: bytes, at: int) -> tuple[int, int]:
    """A varint and where it ends. Raises IndexError."""
    value = 0
    for shift in range(0, 70, 7):
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise IndexError
