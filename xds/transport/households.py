"""The streams of one client that takes each type from a service of its own: which to ask again when one has moved.

A client is known by its node's id. Two clients of one id wait for each other, for no longer than for a silent type.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from xds.protocol.siblings import Siblings


class Household:
    """Its members are sessions, as `siblings` knows them, each with what wakes its stream."""

    def __init__(self) -> None:
        self.siblings = Siblings()
        self._wake: dict[Hashable, Callable[[], None]] = {}

    @property
    def is_empty(self) -> bool:
        return not self._wake

    def enter(self, session: Hashable, wake: Callable[[], None]) -> None:
        """`wake` has the session asked again, later; it returns at once."""
        self._wake[session] = wake

    def leave(self, session: Hashable) -> None:
        """The session has told its siblings; those that waited for it are asked again."""
        self._wake.pop(session, None)
        self.wake_freed()

    def wake_freed(self) -> None:
        """Ask those again that waited for what a member has just told."""
        for session in self.siblings.freed():
            if session in self._wake:
                self._wake[session]()
