"""One text, formatted. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from snapshots.authoring.formatting.layout import laid_out
from snapshots.authoring.formatting.lexemes import Lexeme, NotForUs, lexemes
from snapshots.authoring.formatting.lines import Line, joined
from snapshots.authoring.formatting.order import in_order
from snapshots.authoring.formatting.same import say_the_same
from snapshots.authoring.source import Mistake
from snapshots.authoring.yaml_tree import read_yaml
from snapshots.codes import ANCHOR, DIRECTIVE, MERGE_KEY, TAG

# Documents have none of these; yet they are YAML, and can be formatted.
_HARMLESS = frozenset({ANCHOR, TAG, MERGE_KEY, DIRECTIVE})
_SEPARATORS = ("---", "...", "%")


@dataclass(frozen=True, slots=True)
class Formatted:
    """`text` is what was given where it cannot be formatted: `mistakes` says why, or `left_alone` (unusual YAML)."""

    text: str
    mistakes: tuple[Mistake, ...] = ()
    left_alone: bool = False


def formatted(text: str) -> Formatted:
    """`text` in our layout. What it says stays the same, and formatting again changes nothing."""
    mistakes = tuple(each for each in read_yaml(text).mistakes if each.code not in _HARMLESS)
    if mistakes:
        return Formatted(text, mistakes)
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    try:
        found = list(lexemes(plain))
        new = joined(_ordered(laid_out(found), found))
    except NotForUs:
        return Formatted(text, left_alone=True)
    is_same = new == plain or say_the_same(plain, new)
    return Formatted(new) if is_same else Formatted(text, left_alone=True)


def _ordered(lines: list[Line], found: list[Lexeme]) -> list[Line]:
    """Keys in order, document by document; with anchors, none is moved: an alias must come after its anchor."""
    if any(lexeme.kind in ("Anchor", "Alias") for lexeme in found):
        return lines
    ordered: list[Line] = []
    document: list[Line] = []
    for line in lines:
        if line.text.startswith(_SEPARATORS) and not line.key and not line.verbatim and not line.column:
            ordered += [*in_order(document), line]
            document = []
        else:
            document.append(line)
    return [*ordered, *in_order(document)]
