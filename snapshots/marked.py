"""The part of a page that the code itself writes, between two markers. Knows nothing of what is written."""

from __future__ import annotations


def with_part(page: str, name: str, part: str) -> str:
    """`page` with what stands between `<!-- NAME: begin -->` and its end written anew.

    Raises ValueError when the page has no such markers.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = page.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise ValueError(f"the page lacks {begin} and {end}")
    return f"{before}{begin}\n\n{part}\n{end}{after}"
