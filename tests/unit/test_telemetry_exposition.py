"""Metrics as Prometheus reads them, without the SDK."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from api.telemetry.exposition import exposition
from api.telemetry.metrics import Instrument

AGE = Instrument("fairlead.a.age", "gauge", "s", "how old")
STARTS = Instrument("fairlead.a.starts", "counter", "{start}", "how often", ("why",))


def test_prometheus_reads_names_units_and_labels() -> None:
    page = exposition([(AGE, [(1.5, {})]), (STARTS, [(2, {"why": 'a "crash"\nof \\ it'}), (1, {"why": "asked"})])])
    samples = {
        (sample.name, sample.labels.get("why", "")): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }
    assert samples == {
        ("fairlead_a_age_seconds", ""): 1.5,
        ("fairlead_a_starts_total", 'a "crash"\nof \\ it'): 2.0,
        ("fairlead_a_starts_total", "asked"): 1.0,
    }


def test_what_has_no_value_is_not_shown() -> None:
    assert exposition([(AGE, [])]) == b""
