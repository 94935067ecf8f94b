"""One file's text while it is being read: "this is wrong, here" becomes a Finding with the line. No I/O here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from api.errors import Finding, Severity
from snapshots.authoring.printable import EXCERPT_LIMIT, printable
from snapshots.authoring.yaml_nodes import Place

# What libyaml takes for the end of a line: more than an editor does, so that places agree with its marks.
LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
# Of a file that holds a Secret, lines are shown as far as their first colon: what follows may be a private key.
_SECRET = re.compile(r"\bkind[\"']?\s*:\s*[\"']?Secret\b")
# The same of what Envoy's own messages have such things in: by the fields, and by the messages that are nothing else.
_KEY_FIELDS = (
    r"private_?key|pkcs12|\w*password|session_?ticket_?keys|generic_?secret|secret_?access_?key|session_?token"
)
_KEYS = re.compile(
    rf"\b(?:{_KEY_FIELDS})[\"']?\s*:|tls\.v3\.Secret\b|basic_auth\.v3\b|api_key_auth\.v3\b", re.IGNORECASE
)
_KEY_PATH = re.compile(_KEY_FIELDS, re.IGNORECASE)
_ENVOY_KINDS = ("EnvoyResource", "EnvoyPatch")
_QUOTED = re.compile(r'"[^"]*"|(?<=number )\S+')


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong at one place of a file, before it is a Finding."""

    code: str
    message: str
    place: Place
    suggestion: str = ""
    field: str = ""
    resource: str = ""
    severity: Severity = "error"


@dataclass(slots=True)
class Source:
    """A file's path and text. Both are looked into once, when something is wrong: most files have nothing to show."""

    path: str
    text: str
    _lines: list[str] | None = field(default=None, init=False)
    _secret: bool | None = field(default=None, init=False)
    _keys: bool | None = field(default=None, init=False)

    def finding(self, mistake: Mistake) -> Finding:
        return Finding(
            code=mistake.code,
            message=printable(self._message(mistake)),
            path=printable(self.path),
            line=mistake.place.line,
            column=mistake.place.column,
            field=printable(mistake.field),
            resource=printable(mistake.resource),
            suggestion=printable(mistake.suggestion),
            excerpt=self._shown(mistake),
            severity=mistake.severity,
        )

    def _message(self, mistake: Mistake) -> str:
        """What is wrong; without what it quotes where that may be a secret: a password can look like an anchor."""
        is_private = _KEY_PATH.search(mistake.field) if mistake.resource else self._holds_secret or self._holds_keys
        return _QUOTED.sub('"…"', mistake.message) if is_private else mistake.message

    def _shown(self, mistake: Mistake) -> str:
        """The line of a mistake; without its value where that is a secret, or may be: broken YAML has no kind."""
        excerpt = self.excerpt(mistake.place.line)
        if not self._may_be_secret(mistake.resource):
            return excerpt
        key, colon, _ = excerpt.partition(":")
        return f"{key}: …" if colon else "…"

    def _may_be_secret(self, resource: str) -> bool:
        in_kubernetes = not resource or resource.startswith("Secret")
        in_envoy = not resource or resource.startswith(_ENVOY_KINDS)
        return (in_kubernetes and self._holds_secret) or (in_envoy and self._holds_keys)

    @property
    def _holds_secret(self) -> bool:
        if self._secret is None:
            self._secret = _SECRET.search(self.text) is not None
        return self._secret

    @property
    def _holds_keys(self) -> bool:
        if self._keys is None:
            self._keys = _KEYS.search(self.text) is not None
        return self._keys

    def excerpt(self, line: int) -> str:
        """The line as it stands in the file, without its break, made safe to print; "" where there is none."""
        if self._lines is None:
            self._lines = LINE_BREAK.split(self.text)
        if not 1 <= line <= len(self._lines):
            return ""
        return printable(self._lines[line - 1].rstrip().replace("\t", " "), EXCERPT_LIMIT)
