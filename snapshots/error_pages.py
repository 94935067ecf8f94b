"""The page of each code: what it means, why, how to mend it, an example. Shipped with the package, read offline.

The pages are docs/errors/CODE.md; a wheel carries them in `snapshots/errors`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from api.envoy.problem import did_you_mean
from api.errors import NotFound
from snapshots.codes import TITLES


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """One page. `text` is Markdown, its heading included."""

    code: str
    title: str
    severity: str
    text: str


def error_page(code: str) -> ErrorPage:
    """The page of a code such as E0203. Raises NotFound, with the nearest code, where there is none."""
    if code not in TITLES:
        hint = did_you_mean(code, TITLES) or "docs/errors/README.md lists them"
        raise NotFound(f"there is no code {code}; {hint}")
    text = (pages() / f"{code}.md").read_text("utf-8")
    return ErrorPage(code, TITLES[code], "error" if code.startswith("E") else "warning", text)


def pages() -> Traversable:
    """The directory of pages: the wheel's, or that of a source tree."""
    shipped = resources.files("snapshots") / "errors"
    return shipped if shipped.is_dir() else Path(__file__).parent.parent / "docs" / "errors"
