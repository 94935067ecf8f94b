"""Instruments as Prometheus reads them, without OpenTelemetry: for a process that must stay small. No I/O here.

Text format 0.0.4. Names are those that the SDK's exporter would give them, so that dashboards need know one way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from api.telemetry.metrics import Instrument, Measured

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_UNITS = {"s": "_seconds", "By": "_bytes"}


def exposition(measured: Iterable[tuple[Instrument, Iterable[Measured]]]) -> bytes:
    """The page of all of them. Instruments without a value are left out."""
    return "".join(line for row, values in measured for line in _lines(row, list(values))).encode()


def _lines(row: Instrument, values: list[Measured]) -> Iterator[str]:
    if not values:
        return
    name = row.name.replace(".", "_") + _UNITS.get(row.unit, "") + ("_total" if row.kind == "counter" else "")
    yield f"# HELP {name} {row.help}\n"
    yield f"# TYPE {name} {row.kind}\n"
    for value, attributes in values:
        yield f"{name}{_labels(attributes)} {float(value)}\n"


def _labels(attributes: Mapping[str, str]) -> str:
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in attributes.items())
    return f"{{{told}}}" if told else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
