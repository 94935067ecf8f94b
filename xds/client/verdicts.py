"""Which answers wait for a verdict, and what of what is held was never accepted by the client of the mirror.

What was not accepted is not said to be held when the stream is opened anew: the upstream tells it again, and hears a
verdict of it. Versions only, of what is not as it should be.
"""

from __future__ import annotations

from dataclasses import dataclass

from xds.protocol.requests import ErrorDetail
from xds.protocol.types import TypeUrl

_Key = tuple[TypeUrl, str]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A version that was refused (`error`), or of which nobody knows."""

    version: str
    error: ErrorDetail | None = None


_NO_DOUBT = Doubt("")


@dataclass(frozen=True, slots=True)
class Unsettled:
    """An answer that waits for its verdict: what it brought, by name and version."""

    type_url: TypeUrl
    brought: tuple[tuple[str, str], ...]


class Verdicts:
    """Of all types of a mirror."""

    def __init__(self) -> None:
        self._unsettled: dict[str, Unsettled] = {}
        self._doubts: dict[_Key, Doubt] = {}

    def wait(self, nonce: str, type_url: TypeUrl, brought: tuple[tuple[str, str], ...]) -> ErrorDetail | None:
        """An answer was taken. Returns in which words some of it was refused before."""
        self._unsettled[nonce] = Unsettled(type_url, brought)
        doubts = (self._doubts.get((type_url, name), _NO_DOUBT) for name, _ in brought)
        both = zip(doubts, brought, strict=True)
        return next((doubt.error for doubt, (_, version) in both if doubt.error and doubt.version == version), None)

    def settle(self, nonce: str, error: ErrorDetail | None) -> TypeUrl | None:
        """The verdict came. Returns the type; None when nobody waits for it."""
        settled = self._unsettled.pop(nonce, None)
        if settled is None:
            return None
        for name, version in settled.brought:
            key = (settled.type_url, name)
            if error is not None:
                self._doubts[key] = Doubt(version, error)
            elif self.is_doubted(*key, version):
                del self._doubts[key]
        return settled.type_url

    def doubt(self, type_url: TypeUrl, name: str, version: str, error: ErrorDetail) -> None:
        """This version is refused after all."""
        self._doubts[(type_url, name)] = Doubt(version, error)

    def is_doubted(self, type_url: TypeUrl, name: str, version: str) -> bool:
        """Whether this version was refused, or never answered."""
        return self._doubts.get((type_url, name), _NO_DOUBT).version == version

    def forget(self, type_url: TypeUrl, name: str) -> None:
        """It is no longer held."""
        self._doubts.pop((type_url, name), None)

    def lose(self) -> None:
        """The stream is gone, and with it every verdict that is still to come."""
        for unsettled in self._unsettled.values():
            for name, version in unsettled.brought:
                key = (unsettled.type_url, name)
                if not self.is_doubted(*key, version):
                    self._doubts[key] = Doubt(version)
        self._unsettled.clear()
