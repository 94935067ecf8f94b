"""Where settings come from: flags, the environment, a TOML file. Every mistake is a finding that names its source."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from api.errors import Finding, InvalidConfig
from api.hosting.settings import codes
from api.hosting.settings.table import Row, Settings, Table

# Variables that no process has as a setting: the command line reads them, and they stand beside a server's.
_OF_COMMANDS = frozenset({"FAIRLEAD_SERVER", "FAIRLEAD_CONTEXT", "FAIRLEAD_CONFIG"})
_AT_LINE = re.compile(r"\(at line (\d+), column (\d+)\)")


def load(
    table: Table[Settings],
    *,
    flags: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
    config: Path | None = None,
) -> Settings:
    """Settings from all sources. `flags` by setting name; those that are None were not given.

    Raises InvalidConfig with every finding of every source: unknown keys with a suggestion, values of the wrong kind,
    and settings that do not go together.
    """
    findings: list[Finding] = []
    values: dict[str, Any] = {}
    if config is not None:
        values |= _from_file(table, config, findings)
    values |= _from_environment(table, environment or {}, findings)
    values |= _from_flags(table, flags or {}, findings)
    if findings:
        raise InvalidConfig("the settings cannot be used", findings=tuple(findings))
    return table.checked(values)


def _from_flags(table: Table[Any], flags: Mapping[str, object], findings: list[Finding]) -> dict[str, Any]:
    by_name = {row.name: row for row in table.rows}
    values: dict[str, Any] = {}
    for name, given in flags.items():
        row = by_name[name]
        if given is not None:
            _read_into(values, row, given, Finding(code=codes.INVALID_SETTING, message="", field=row.flag), findings)
    return values


def _from_environment(table: Table[Any], environment: Mapping[str, str], findings: list[Finding]) -> dict[str, Any]:
    by_variable = {row.environment: row for row in table.rows}
    values: dict[str, Any] = {}
    for variable, given in sorted(environment.items()):
        row = by_variable.get(variable)
        if row is not None and given:
            place = Finding(code=codes.INVALID_SETTING, message="", field=variable)
            _read_into(values, row, given, place, findings)
        elif row is None and variable.startswith(table.prefix) and not _is_of_another(table, variable):
            findings += _misspelt_variable(variable, by_variable)
    return values


def _is_of_another(table: Table[Any], variable: str) -> bool:
    return variable in _OF_COMMANDS or variable.startswith(table.others)


def _misspelt_variable(variable: str, known: Mapping[str, Row]) -> list[Finding]:
    """A variable close to a setting's is a typing mistake; any other may be somebody else's."""
    hint = _suggestion(variable, known)
    if not hint:
        return []
    return [
        Finding(code=codes.UNKNOWN_SETTING, message=f"unknown variable {variable}", field=variable, suggestion=hint)
    ]


def _from_file(table: Table[Any], config: Path, findings: list[Finding]) -> dict[str, Any]:
    written, tree = _read_toml(config)
    by_key = {row.toml: row for row in table.rows}
    values: dict[str, Any] = {}
    for key, given in _flattened(tree):
        place = Finding(
            code=codes.INVALID_SETTING, message="", path=str(config), line=_line_of(key, written), field=key
        )
        row = by_key.get(key)
        if row is None:
            findings.append(_unknown_key(key, place, by_key))
        else:
            _read_into(values, row, given, place, findings)
    return values


def _read_toml(config: Path) -> tuple[str, Mapping[str, Any]]:
    try:
        written = config.read_text("utf-8")
        return written, tomllib.loads(written)
    except OSError as error:
        raise InvalidConfig(f"cannot read the settings file {config}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidConfig(f"the settings file {config} is not UTF-8 (at byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(config, error) from error


def _not_toml(config: Path, error: tomllib.TOMLDecodeError) -> InvalidConfig:
    found = _AT_LINE.search(str(error))
    line, column = (int(found[1]), int(found[2])) if found else (0, 0)
    words = _AT_LINE.sub("", str(error)).strip()
    finding = Finding(
        code=codes.SETTINGS_UNREADABLE, message=f"not TOML: {words}", path=str(config), line=line, column=column
    )
    return InvalidConfig(f"the settings file {config} is not TOML", findings=(finding,))


def _flattened(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _unknown_key(key: str, place: Finding, known: Mapping[str, Row]) -> Finding:
    return Finding(
        code=codes.UNKNOWN_SETTING,
        message=f"unknown setting {key}",
        path=place.path,
        line=place.line,
        field=key,
        suggestion=_suggestion(key, known),
    )


def _suggestion(given: str, known: Mapping[str, Row]) -> str:
    near = difflib.get_close_matches(given, known, n=1, cutoff=0.75)
    last = {key.rpartition(".")[2]: key for key in known}
    if not near and given.rpartition(".")[2] in last:
        near = [last[given.rpartition(".")[2]]]
    return f"did you mean {near[0]}?" if near else ""


def _read_into(values: dict[str, Any], row: Row, given: object, place: Finding, findings: list[Finding]) -> None:
    try:
        values[row.name] = row.read(given)
    except ValueError as error:
        findings.append(
            Finding(
                code=place.code,
                message=f"{place.field} must be {error}, not {given!r}",
                path=place.path,
                line=place.line,
                field=place.field,
            )
        )


def _line_of(key: str, written: str) -> int:
    """The line that a key stands on, from 1; 0 where it is written in a way this reading does not follow."""
    table = ""
    for number, line in enumerate(written.splitlines(), start=1):
        stripped = line.strip()
        header = re.fullmatch(r"\[\s*([\w.\s-]+?)\s*\]\s*(#.*)?", stripped)
        if header:
            table = header[1].replace(" ", "") + "."
            continue
        assigned = re.match(r"([\w.-]+)\s*=", stripped)
        if assigned and table + assigned[1] == key:
            return number
    return 0
