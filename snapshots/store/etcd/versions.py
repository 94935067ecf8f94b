"""Which etcd versions can be used, and which should not be."""

from __future__ import annotations

from api.errors import StoreUnavailable

OLDEST_VERSION = (3, 4)
_FIRST_WITH_DEFECT, _FIRST_WITHOUT_DEFECT = (3, 5, 0), (3, 5, 3)


def numbers(version: str) -> tuple[int, ...]:
    """The numbers of "3.5.1" or "3.6.0-rc.1"; empty for what is no version."""
    parts = version.partition("-")[0].split(".")
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else ()


def is_too_old(version: str) -> bool:
    """True also for what is no version."""
    return numbers(version)[:2] < OLDEST_VERSION


def too_old(where: str, version: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"etcd at {where} is {version or 'of an unknown version'}; 3.4 or newer is needed: upgrade it"
    )


def known_defect(version: str) -> str:
    """Why this version should not hold data that matters; "" if nothing is known against it."""
    if _FIRST_WITH_DEFECT <= numbers(version) < _FIRST_WITHOUT_DEFECT:
        return (
            "etcd 3.5.0 to 3.5.2 can lose consistency between members when one crashes under load; use 3.5.3 or newer"
        )
    return ""
