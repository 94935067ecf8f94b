"""Authored documents as commands print them: as they were written, unless they hold a secret."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from api.cli.output import as_yaml
from api.cli.sensitive import Redactor
from api.cli.terminal import escape_lines

LEFT_OUT = "# written anew, to leave out its secrets"
UNREADABLE = "# not shown: this is not YAML, so whether it holds secrets cannot be told"
# Where a Secret of Kubernetes' has its values; kubectl keeps a copy of the whole in an annotation.
_SECRET_FIELDS = ("data", "stringData")
_COPY = "kubectl.kubernetes.io/last-applied-configuration"
# What Envoy's API marks as sensitive, by name: a patch does not say of which message its fields are.
_SENSITIVE_NAMES = frozenset(
    {
        *("privatekey", "password", "pkcs12", "secret", "secrets", "keys", "credentials", "users", "authpassword"),
        *("inlinestring", "inlinebytes", "secretaccesskey", "sessiontoken", "genericsecret", "backendtoken"),
        *("downstreamauthpassword", "downstreamauthpasswords", "sessionticketkeys", "contextextensions"),
    }
)


def shown_text(content: bytes, redactor: Redactor) -> str:
    """The text of one file, safe for a terminal. A file with secrets loses its comments along with them."""
    text = content.decode("utf-8", "backslashreplace").removeprefix("\ufeff").rstrip("\n")
    documents = _documents(text)
    if documents is None:
        return UNREADABLE
    redacted = [redacted_document(document, redactor) for document in documents]
    if redacted == documents:
        return escape_lines(text)
    return "\n".join([LEFT_OUT, "---\n".join(map(as_yaml, redacted)).rstrip("\n")])


def holds_secrets(content: bytes, redactor: Redactor) -> bool:
    """Whether something in a file must not be shown; what cannot be read may hold anything."""
    documents = _documents(content.decode("utf-8", "backslashreplace"))
    return documents is None or any(redacted_document(each, redactor) != each for each in documents)


def secret_texts(content: bytes, redactor: Redactor) -> frozenset[str]:
    """Every line of every secret in a file, as it may stand in its text."""
    documents = _documents(content.decode("utf-8", "backslashreplace")) or []
    found = (text for each in documents for text in _hidden(each, redacted_document(each, redactor)))
    return frozenset(line.strip() for text in found for line in text.splitlines() if line.strip())


def redacted_document(document: Any, redactor: Redactor) -> Any:
    """The document without its secrets: those of Kubernetes, those of Envoy's messages, those of patches."""
    if not isinstance(document, dict):
        return document
    if document.get("kind") == "Secret":
        return _redacted_secret(document, redactor)
    if "spec" not in document:
        return document
    redacted = _patched if document.get("kind") == "EnvoyPatch" else _message
    return {**document, "spec": redacted(document["spec"], redactor)}


def _documents(text: str) -> list[Any] | None:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return list(yaml.load_all(text, Loader=loader))
    except (yaml.YAMLError, ValueError):  # ValueError: a date that is none
        return None


def _redacted_secret(document: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    found = dict(document)
    for field in _SECRET_FIELDS:
        if isinstance(found.get(field), dict):
            found[field] = {key: redactor.mask(value) for key, value in found[field].items()}
        elif found.get(field):
            found[field] = redactor.mask(found[field])
    metadata = found.get("metadata")
    if isinstance(metadata, dict) and isinstance(notes := metadata.get("annotations"), dict) and _COPY in notes:
        found["metadata"] = {**metadata, "annotations": {**notes, _COPY: redactor.mask(notes[_COPY])}}
    return found


def _message(spec: Any, redactor: Redactor) -> Any:
    return redactor.redacted(spec)


def _patched(spec: Any, redactor: Redactor) -> Any:
    """A patch's values below a name that Envoy's API has for secrets, or at a path that leads through one."""
    if isinstance(spec, list):
        return [_patched(each, redactor) for each in spec]
    if not isinstance(spec, dict):
        return spec
    steps = str(spec.get("path", "")).split("/") if "op" in spec else []
    is_secret = any(_is_sensitive(step) for step in steps)
    return {
        key: redactor.mask(value)
        if _is_sensitive(key) or (key == "value" and is_secret)
        else _patched(redactor.redacted(value), redactor)
        for key, value in spec.items()
    }


def _is_sensitive(name: Any) -> bool:
    return str(name).replace("_", "").lower() in _SENSITIVE_NAMES


def _hidden(before: Any, after: Any) -> Iterator[str]:
    """The texts of `before` that are not in `after`."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before:
            yield from _hidden(before[key], after.get(key))
    elif isinstance(before, list) and isinstance(after, list):
        for one, other in zip(before, after, strict=True):
            yield from _hidden(one, other)
    else:
        yield from _texts(before)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif value is not None:
        yield str(value)
