"""How a setting's value is read from a flag's text, an environment variable or TOML: one function a kind.

Each takes a str, int, float, bool or list and raises ValueError in words that follow "must be".
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from api.errors import InvalidConfig
from api.hosting.address import Address

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")


def text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("text")
    return value


def boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUE + _FALSE:
        return value.lower() in _TRUE
    raise ValueError("true or false")


def whole_number(value: object) -> int:
    if isinstance(value, int | str) and not isinstance(value, bool):
        try:
            return int(value)
        except ValueError:
            pass
    raise ValueError("a whole number")


def seconds(value: object) -> float:
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if 0 <= number < float("inf"):
            return number
    raise ValueError("a number of seconds, 0 or more")


def choice(allowed: Sequence[str], value: object) -> str:
    if isinstance(value, str) and value.lower() in allowed:
        return value.lower()
    raise ValueError(f"one of {', '.join(allowed)}")


def host_and_port(value: object) -> Address:
    if isinstance(value, str):
        with suppress(InvalidConfig):
            return Address.parse(value)
    raise ValueError('host:port, such as "127.0.0.1:18000" or "[::1]:18000"')


def addresses(value: object) -> tuple[Address, ...]:
    return tuple(host_and_port(item.strip() if isinstance(item, str) else item) for item in _items(value, "addresses"))


def words(value: object) -> tuple[str, ...]:
    return tuple(text(item).strip() for item in _items(value, "words"))


def labels(value: object) -> tuple[tuple[str, str], ...]:
    """`name=value,name=value`, or an array of them."""
    pairs = [word.partition("=") for word in words(value)]
    if any(not (name and equals) for name, equals, _ in pairs):
        raise ValueError("labels such as tier=edge, with commas between")
    return tuple(sorted({name.strip(): given.strip() for name, _, given in pairs}.items()))


def path(value: object) -> Path:
    if isinstance(value, Path):
        return value
    if isinstance(value, str) and value and "\0" not in value:
        return Path(value).expanduser()
    raise ValueError("a path")


def paths(value: object) -> tuple[Path, ...]:
    return tuple(path(item) for item in _items(value, "paths"))


def urls(value: object) -> tuple[str, ...]:
    found = tuple(text(item).strip() for item in _items(value, "URLs"))
    for url in found:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("URLs such as http://127.0.0.1:2379, with commas between")
    return found


def _items(value: object, noun: str) -> Sequence[object]:
    if isinstance(value, str):
        return [item for item in value.split(",") if item.strip()]
    if isinstance(value, list | tuple):
        return value
    raise ValueError(f"a list of {noun}")
