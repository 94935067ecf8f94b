"""A table of settings: the fields of a frozen dataclass, each with all its other forms beside it.

Where each value came from is known to the error messages only (`sources`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Generic, TypeVar

from api.errors import Finding, InvalidConfig
from api.hosting.settings import codes

Reader = Callable[[object], Any]
Settings = TypeVar("Settings")


def setting(toml: str, read: Reader, default: Any, help_text: str) -> Any:
    """One row of the table, as a field: where it stands in the TOML file, how it is read, what it is for."""
    return field(default=default, metadata={"toml": toml, "read": read, "help": help_text})


@dataclass(frozen=True, slots=True)
class Row:
    """One setting in all its forms. `default` is the value, not its text."""

    name: str
    flag: str
    environment: str
    toml: str
    help: str
    default: Any
    read: Reader
    kind: str

    @property
    def default_text(self) -> str:
        """The default as one would write it; empty where there is none to speak of."""
        if isinstance(self.default, bool):
            return str(self.default).lower()
        if isinstance(self.default, float):
            return f"{self.default:g}"
        if isinstance(self.default, tuple):
            return ",".join(map(str, self.default))
        return "" if self.default is None else str(self.default)


@dataclass(frozen=True, slots=True)
class Table(Generic[Settings]):
    """The settings of one kind of process.

    `prefix` begins its environment variables; variables with one of `others` are another's. `broken_rules` gives, in
    words, what does not go together.
    """

    settings: type[Settings]
    prefix: str
    broken_rules: Callable[[Settings], list[str]]
    others: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(_row(entry, self.prefix) for entry in fields(self.settings))  # type: ignore[arg-type]

    def checked(self, values: Mapping[str, Any]) -> Settings:
        """Settings whose rules between rows hold. Raises InvalidConfig with a finding for each rule that does not."""
        settings = self.settings(**values)
        broken = self.broken_rules(settings)
        if broken:
            findings = tuple(Finding(code=codes.SETTINGS_DISAGREE, message=words) for words in broken)
            raise InvalidConfig("these settings do not go together", findings=findings)
        return settings


def _row(entry: Field[Any], prefix: str) -> Row:
    facts = entry.metadata
    return Row(
        name=entry.name,
        flag=f"--{entry.name.replace('_', '-')}",
        environment=f"{prefix}{entry.name.upper()}",
        toml=facts["toml"],
        help=facts["help"],
        default=None if entry.default is MISSING else entry.default,
        read=facts["read"],
        kind=str(entry.type),
    )
