"""Writes the part of docs/errors/README.md that the codes themselves make: every code with its title and its page.

python -m snapshots.error_index docs/errors/README.md
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from snapshots.codes import TITLES
from snapshots.marked import with_part


@dataclass(frozen=True, slots=True)
class Section:
    """What the codes of one hundred are about."""

    number: str
    title: str
    words: str


SECTIONS: tuple[Section, ...] = (
    Section(
        "01",
        "YAML",
        "Documents are YAML 1.2, and less than all of it. What is refused is what people do not write by "
        "hand, or what two readers understand differently. Note that `yes`, `on`, `12:30` and `1_000` are "
        "text in YAML 1.2; `010` is text here as well, because YAML 1.1 reads it as eight.",
    ),
    Section(
        "02",
        "documents",
        "Every document has `apiVersion`, `kind`, `metadata` and mostly `spec`.",
    ),
    Section(
        "03",
        "Envoy messages",
        "The spec of an EnvoyResource is read as Envoy reads it: the field names of its protos, in "
        "snake_case or camelCase.",
    ),
    Section(
        "04",
        "field rules",
        "Envoy's API declares what values a field may have; Envoy rejects a whole resource for one of them.",
    ),
    Section(
        "05",
        "duplicates, references, shadows",
        "What documents are to one another.",
    ),
    Section(
        "06",
        "sizes",
        "What is too large to go to every gateway.",
    ),
    Section(
        "07",
        "files",
        "What a path leads to.",
    ),
    Section(
        "08",
        "settings of a server",
        "The finding names the flag, the environment variable, or the file, line and key that the value came from.",
    ),
    Section(
        "09",
        "publishing, and the record of it",
        "What a server refuses, and what it finds in its store.",
    ),
    Section(
        "10",
        "endpoints",
        "Changes made with `fairlead endpoints` or the management API's `ChangeEndpoints`; see "
        "[endpoints.md](../endpoints.md).",
    ),
    Section(
        "11",
        "what Gateway API objects are to one another",
        "The object is left out, or that part of it; its neighbours are served. Without `--partial` these "
        "refuse the whole like any other error. The object's status (`fairlead status -o json`) says the "
        "same in the standard's words.",
    ),
    Section(
        "12",
        "patches",
        "An [EnvoyPatch](../patches.md) that is wrong is left out as a whole: what it would have changed "
        "is served as if it were not there. Without `--partial` these refuse the whole like any other "
        "error. What a patch makes is read as strictly as an EnvoyResource: codes of 03, 04 and E0503 may "
        "stand at a line of a patch, too.",
    ),
    Section(
        "13",
        "what a real Envoy says",
        "With `--taste`, or where the server's setting `taste` is on, an Envoy loads what the documents come to before "
        "anything is stored.",
    ),
)


def index_markdown() -> str:
    """All codes, hundred by hundred."""
    return "\n".join(line for section in SECTIONS for line in _lines(section)).rstrip() + "\n"


def _lines(section: Section) -> Iterator[str]:
    yield from (
        f"## {section.number}: {section.title}",
        "",
        textwrap.fill(section.words, 120, break_on_hyphens=False),
        "",
    )
    yield from ("| code | what is wrong |", "| --- | --- |")
    for code in sorted(TITLES, key=lambda code: code[1:]):
        if code[1:3] == section.number:
            yield f"| [{code}]({code}.md) | {TITLES[code]} |"
    yield ""


def with_index(page: str) -> str:
    """The page with its part between the markers written anew. Raises ValueError when it has no markers."""
    return with_part(page, "codes", index_markdown())


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(with_index(page.read_text("utf-8")), "utf-8")
