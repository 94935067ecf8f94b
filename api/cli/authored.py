"""Authored documents as `fairlead show` prints them: as they were written, unless they hold a secret."""

from __future__ import annotations

from typing import Any

import yaml

from api.cli.output import as_yaml
from api.cli.sensitive import Redactor
from api.cli.terminal import escape_lines

LEFT_OUT = "# written anew, to leave out its secrets"
UNREADABLE = "# not shown: this is not YAML, so whether it holds secrets cannot be told"


def shown_text(content: bytes, redactor: Redactor) -> str:
    """The text of one file, safe for a terminal. A file with secrets loses its comments along with them."""
    text = content.decode("utf-8", "backslashreplace").removeprefix("\ufeff").rstrip("\n")
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        documents = list(yaml.load_all(text, Loader=loader))
    except (yaml.YAMLError, ValueError):  # ValueError: a date that is none
        return UNREADABLE
    redacted = [_redacted(document, redactor) for document in documents]
    if redacted == documents:
        return escape_lines(text)
    return "\n".join([LEFT_OUT, "---\n".join(map(as_yaml, redacted)).rstrip("\n")])


def _redacted(document: Any, redactor: Redactor) -> Any:
    if not isinstance(document, dict) or "spec" not in document:
        return document
    return {**document, "spec": redactor.redacted(document["spec"])}
