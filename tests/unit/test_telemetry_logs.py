"""Logs: one JSON object a line on standard error, with what is bound, at the level that is set last."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from api.telemetry import logs


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_a_line_names_what_is_bound_and_nothing_empty(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    with logs.bound(group="edge", trace=""):
        logs.logger("xds").info("serving", revision=3)

    (line,) = lines(capsys)
    assert line.pop("timestamp")
    assert line == {"component": "xds", "group": "edge", "event": "serving", "level": "info", "revision": 3}


def test_the_level_can_be_changed_for_loggers_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("error", "json")
    logger = logs.logger("xds")
    logger.info("not seen")
    logs.configure("debug", "json")
    logger.debug("seen")

    assert [line["event"] for line in lines(capsys)] == ["seen"]


def test_a_defect_is_logged_with_its_traceback_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    try:
        raise ValueError("inside")
    except ValueError as error:
        logs.logger("xds").error("failed", exc_info=error)

    (line,) = lines(capsys)
    assert "ValueError: inside" in str(line["exception"])


def test_what_libraries_log_has_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    logging.getLogger("some.library").warning("careful %s", "now")
    logging.getLogger("some.library").info("chatter")

    (line,) = lines(capsys)
    assert (line["event"], line["logger"], line["level"]) == ("careful now", "some.library", "warning")


class NobodyReads(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        raise BrokenPipeError


def test_a_reader_that_is_gone_harms_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    logs.configure("info", "json")
    monkeypatch.setattr(sys, "stderr", NobodyReads())

    logs.logger("xds").info("serving")
    logging.getLogger("some.library").warning("careful")


def test_text_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "text")
    logs.logger("xds").info("serving", revision=3)

    written = capsys.readouterr().err
    assert "serving" in written
    assert not written.startswith("{")
