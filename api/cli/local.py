"""Documents on disk as a command was given them, and their compilation without a server.

Findings come with paths relative to the workspace; here they become paths that can be clicked where the command ran.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from api.errors import FairleadError, Finding

if TYPE_CHECKING:
    from snapshots.authoring.compile import Compilation
    from snapshots.model import Document

STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Gathered:
    """The documents of the paths a command was given; their paths are relative to `top`."""

    top: Path
    documents: tuple[Document, ...]

    @property
    def is_empty(self) -> bool:
        """Nothing was given, or nothing but blanks: a directory misspelt, a pipe whose other end failed."""
        return not any(document.content.strip() for document in self.documents)

    def shown(self, finding: Finding) -> Finding:
        """The finding with its path as seen from the working directory."""
        return replace(finding, path=shown_path(finding.path, self.top))

    @contextmanager
    def clickable(self) -> Iterator[None]:
        """Errors that pass through have findings whose paths can be clicked."""
        try:
            yield
        except FairleadError as error:
            error.findings = tuple(map(self.shown, error.findings))
            raise


def gather(paths: Sequence[str]) -> Gathered:
    """Read what a command was given: directories, files, `-`. Raises InvalidConfig with clickable paths."""
    from snapshots.authoring.files import read_documents

    nothing = Gathered(common_directory(paths), ())
    with nothing.clickable():
        return replace(nothing, documents=read_documents([Path(path) for path in paths]))


def compiled(gathered: Gathered) -> Compilation:
    """Compile and check, with Envoy's API as it ships. All findings are in the compilation, clickable."""
    from api.envoy.registry import load_default
    from snapshots.authoring.compile import compile_documents

    compilation = compile_documents(load_default(), gathered.documents)
    return replace(compilation, findings=tuple(map(gathered.shown, compilation.findings)))


def own_budgets(compilation: Compilation) -> tuple[Finding, ...]:
    """What is beyond the workspace's own budgets, as far as can be told without a server."""
    from snapshots.checks.budgets import UNLIMITED, Weighing, Weight, over_budget

    weighing = Weighing(compilation.workspace, Weight(), Weight.of(compilation.resources), 0)
    return over_budget(weighing, UNLIMITED, compilation.budgets)


def common_directory(paths: Sequence[str]) -> Path:
    """What document paths are relative to: the nearest directory that holds all that was given."""
    named = [os.path.abspath(path) for path in paths if path != STANDARD_INPUT]
    directories = [path if os.path.isdir(path) else os.path.dirname(path) for path in named]
    return Path(os.path.commonpath(directories) if directories else os.getcwd())


def shown_path(path: str, top: Path) -> str:
    """`path`, relative to `top`, from the working directory; absolute when it is not below it."""
    absolute = os.path.normpath(top / path)
    if not path or not os.path.exists(absolute):
        return path
    return os.path.relpath(absolute) if absolute.startswith(os.getcwd() + os.sep) else absolute
