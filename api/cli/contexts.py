"""Contexts: servers with names, in one TOML file, and the rule which server a command speaks to.

The file is $FAIRLEAD_CONFIG, else $XDG_CONFIG_HOME/fairlead/contexts.toml, else ~/.config/fairlead/contexts.toml:

    current = "production"

    [contexts.production]
    server = "fairlead.example.net:18001"
    ca = "/etc/fairlead/ca.pem"
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from api.errors import InvalidConfig, NotFound

DEFAULT_SERVER = "127.0.0.1:18001"
CONFIG_VARIABLE = "FAIRLEAD_CONFIG"
SERVER_VARIABLE = "FAIRLEAD_SERVER"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):(\d{1,5})")


@dataclass(frozen=True, slots=True)
class Target:
    """A server: `host:port`, and the PEM files of its TLS. Without `ca` it is spoken to in plaintext."""

    server: str
    ca: str = ""
    cert: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Contexts:
    """All that the file says. `current` is empty when none was chosen."""

    current: str = ""
    targets: Mapping[str, Target] = field(default_factory=dict)

    def get(self, name: str) -> Target:
        """Raises NotFound, saying which there are."""
        if name in self.targets:
            return self.targets[name]
        there = (
            ", ".join(sorted(self.targets)) or "none yet; make one with `fairlead context set NAME --server HOST:PORT`"
        )
        raise NotFound(f"no context {name!r} in {contexts_path()}; there are: {there}")

    def with_target(self, name: str, target: Target) -> Contexts:
        """The same with one context more or changed; the first one becomes the current one."""
        if not _NAME.fullmatch(name):
            raise InvalidConfig(f"{name!r} cannot name a context; use letters, digits, dot, dash and underscore")
        return replace(self, current=self.current or name, targets={**self.targets, name: checked(target)})

    def without(self, name: str) -> Contexts:
        self.get(name)
        rest = {other: target for other, target in self.targets.items() if other != name}
        return Contexts("" if self.current == name else self.current, rest)


def contexts_path() -> Path:
    """Where the contexts are kept; nothing need be there."""
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named).expanduser()
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "fairlead" / "contexts.toml"


def choose_target(server: str, context: str) -> Target:
    """The server of a command: --server, --context, FAIRLEAD_SERVER, the current context, then the default.

    A --server given along with --context keeps the context's TLS files. Raises InvalidConfig, NotFound.
    """
    if context:
        target = read_contexts().get(context)
        return checked(replace(target, server=server or target.server))
    named = server or os.environ.get(SERVER_VARIABLE, "")
    if named:
        return checked(Target(named))
    contexts = read_contexts()
    return contexts.get(contexts.current) if contexts.current else Target(DEFAULT_SERVER)


def checked(target: Target) -> Target:
    """The same, or InvalidConfig: an address is `host:port`, a certificate goes with its key and a CA."""
    match = _ADDRESS.fullmatch(target.server)
    if not match or not 0 < int(match[2]) < 65536:
        raise InvalidConfig(f"{target.server!r} is not a server; write HOST:PORT, as in {DEFAULT_SERVER}")
    if bool(target.cert) != bool(target.key):
        raise InvalidConfig("a client certificate needs both files: --cert and --key")
    if target.cert and not target.ca:
        raise InvalidConfig(
            "a client certificate needs TLS: name the CA that signed the server's certificate with --ca"
        )
    return target


def read_contexts() -> Contexts:
    """What the file says; nothing when there is none. Raises InvalidConfig with the place of the mistake."""
    path = contexts_path()
    try:
        data = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return Contexts()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidConfig(f"cannot read {path}: {error}") from error
    return _contexts_in(data, path)


def _contexts_in(data: dict[str, object], path: Path) -> Contexts:
    tables, current = data.get("contexts", {}), data.get("current", "")
    if not isinstance(tables, dict) or not isinstance(current, str):
        raise InvalidConfig(f"{path}: `current` is a name and `contexts` a table of tables")
    contexts = Contexts(current, {name: _target_in(name, table, path) for name, table in tables.items()})
    if current:
        contexts.get(current)
    return contexts


def _target_in(name: str, table: object, path: Path) -> Target:
    known = Target.__dataclass_fields__
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise InvalidConfig(f"{path}: context {name!r} is a table of texts: {', '.join(known)}")
    unknown = sorted(set(table) - set(known))
    if unknown or "server" not in table:
        wrong = f"does not have {unknown[0]!r}" if unknown else "has no server"
        raise InvalidConfig(f"{path}: context {name!r} {wrong}; there are: {', '.join(known)}")
    return checked(Target(**table))


def write_contexts(contexts: Contexts) -> None:
    """Write the file anew, readable by its owner only, in one step. Raises InvalidConfig when that cannot be done."""
    path = contexts_path()
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(as_toml(contexts))
        beside.replace(path)
    except OSError as error:
        raise InvalidConfig(
            f"cannot write {path}: {error.strerror}; name another file with {CONFIG_VARIABLE}"
        ) from error


def as_toml(contexts: Contexts) -> str:
    """The file's text. JSON's strings are TOML's basic strings, but for DEL, which no path of ours has."""
    lines = [f"current = {json.dumps(contexts.current)}", ""] if contexts.current else []
    for name, target in sorted(contexts.targets.items()):
        lines.append(f"[contexts.{json.dumps(name)}]")
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in asdict(target).items() if value]
        lines.append("")
    return "\n".join(lines)
