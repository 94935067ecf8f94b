"""Where a revision came from, when it came from a repository: URL@COMMIT:PATH in its record. Pure.

Who publishes a commit writes it so, who shows a revision reads it so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SHORT_CHARACTERS = 7
# A URL may have an `@` of its own (ssh://git@host/…), a path whatever it likes.
_WORDS = re.compile(r"(?P<url>[a-z]+://.+?)@(?P<commit>[0-9a-f]{40}|[0-9a-f]{64}):(?P<path>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RepositoryCommit:
    """A commit of the repository at `url`; the documents are those below `path`, which is empty for all."""

    url: str
    commit: str
    path: str = ""

    @property
    def words(self) -> str:
        """What the record of a revision says: URL@COMMIT:PATH."""
        return f"{self.url}@{self.commit}:{self.path}"

    @property
    def short(self) -> str:
        """The commit as people write it."""
        return self.commit[:SHORT_CHARACTERS]

    def place(self, path: str) -> str:
        """Where in the repository a document is, of which the path below the workspace's top is `path`."""
        return f"{self.path}/{path}" if self.path else path


def commit_named(words: str) -> RepositoryCommit | None:
    """The commit that a record names; None when it came from elsewhere, or by hand."""
    found = _WORDS.fullmatch(words)
    return RepositoryCommit(found["url"], found["commit"], found["path"]) if found else None
