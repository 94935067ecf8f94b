"""What reaches standard output: aligned, in every form, and harmless to a terminal."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.cli.findings import finding_documents, tally
from api.cli.output import Column, Format, Listing, as_json, as_yaml, show_listing, table_lines
from api.cli.shared import duration_s
from api.cli.terminal import ColorWhen, LiveLine, Paint, escape, escape_lines
from api.errors import Finding

COLUMNS = (Column("name"), Column("state"), Column("address", wide=True))
ROWS = (("edge-1", "current", "10.0.0.1"), ("e", "", "10.0.0.2"))
LISTING = Listing(COLUMNS, ROWS, ("edge-1", "e"), {"nodes": ["edge-1", "e"]}, "none here")
NASTY = "a\x1b[2Jb\x9bc\u202ed\u2066e\r\n\x7f"


def test_a_table_is_aligned_and_says_dash_for_nothing() -> None:
    assert table_lines(COLUMNS, ROWS, wide=False) == ["NAME    STATE", "edge-1  current", "e       -"]


def test_wide_shows_what_table_hides() -> None:
    assert table_lines(COLUMNS, ROWS, wide=True)[0].split() == ["NAME", "STATE", "ADDRESS"]


@pytest.mark.parametrize(
    ("form", "read"),
    [(Format.JSON, json.loads), (Format.YAML, yaml.safe_load)],
)
def test_documents_are_what_they_were(
    form: Format, read: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    show_listing(LISTING, form)
    assert read(capsys.readouterr().out) == {"nodes": ["edge-1", "e"]}


def test_names_are_one_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_listing(LISTING, Format.NAME)
    assert capsys.readouterr().out == "edge-1\ne\n"


def test_an_empty_table_is_said_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    show_listing(Listing(COLUMNS, (), (), {"nodes": []}, "none here"), Format.TABLE)
    assert capsys.readouterr() == ("", "none here\n")


@pytest.mark.parametrize("render", [as_json, as_yaml])
def test_documents_hold_no_raw_control_or_direction_characters(render: Callable[[object], str]) -> None:
    printed = render({"words": NASTY})
    assert all(letter.isprintable() or letter == "\n" for letter in printed)


def test_json_keeps_other_peoples_letters_and_reads_back_the_same() -> None:
    document = {"words": NASTY, "umlaut": "Übersee ✓"}
    assert "Übersee ✓" in as_json(document)
    assert json.loads(as_json(document)) == document


def test_escape_leaves_letters_alone_and_nothing_else() -> None:
    assert escape("Übersee ✓") == "Übersee ✓"
    assert escape(NASTY).isprintable()
    assert escape_lines("a\nb\x1b").split("\n") == ["a", "b\\x1b"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("when", "stream", "environment", "painted"),
    [
        (ColorWhen.AUTO, Terminal(), {}, True),
        (ColorWhen.AUTO, io.StringIO(), {}, False),
        (ColorWhen.AUTO, Terminal(), {"NO_COLOR": "1"}, False),
        (ColorWhen.AUTO, Terminal(), {"TERM": "dumb"}, False),
        (ColorWhen.ALWAYS, io.StringIO(), {"NO_COLOR": "1"}, True),
        (ColorWhen.NEVER, Terminal(), {}, False),
    ],
)
def test_colours_only_where_they_are_wanted(
    when: ColorWhen, stream: io.StringIO, environment: dict[str, str], painted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (Paint(when, stream)("red", "x") != "x") is painted


def test_progress_off_a_terminal_is_a_line_for_each_change(capsys: pytest.CaptureFixture[str]) -> None:
    line = LiveLine()
    for text in ("1/3", "1/3", "2/3"):
        line.show(text)
    line.clear()
    assert capsys.readouterr().err == "1/3\n2/3\n"


def test_progress_on_a_terminal_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    line = LiveLine()
    line.show("1/3")
    line.clear()
    assert "\n" not in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[2K")


def test_progress_never_wraps_because_a_wrapped_line_cannot_be_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "20")
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    LiveLine().show("x" * 50)
    assert terminal.getvalue().count("x") == 19


@pytest.mark.parametrize(
    ("written", "seconds"), [("30", 30), ("30s", 30), ("2m", 120), ("1m30s", 90), ("1.5h", 5400), ("0.5", 0.5)]
)
def test_durations(written: str, seconds: float) -> None:
    assert duration_s(written) == seconds


def test_findings_are_counted_in_words() -> None:
    error, warning = Finding("E1", "x"), Finding("W1", "y", severity="warning")
    assert tally([]) == "no errors"
    assert tally([error]) == "1 error"
    assert tally([error, error, warning]) == "2 errors, 1 warning"
    assert finding_documents([error])[0]["severity"] == "error"


def test_a_file_name_that_is_no_text_is_written_as_escapes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = bytes([0x66, 0xFF]).decode("utf-8", "surrogateescape")
    show_listing(Listing(COLUMNS, (), (name,), {}), Format.NAME)
    assert "f" in capsys.readouterr().out
