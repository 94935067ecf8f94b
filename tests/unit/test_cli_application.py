"""The application: every command loads, help is light, and each error ends with its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.cli import main as entry
from api.cli.application import COMPLETE_VARIABLE, build, load
from api.cli.commands import version as version_command
from api.cli.reference import with_commands
from api.cli.table import BY_NAME, ROWS, SECTIONS
from api.errors import (
    Conflict,
    Denied,
    FairleadError,
    Finding,
    InvalidConfig,
    LimitExceeded,
    NotFound,
    Rejected,
    ServerUnreachable,
    StoreUnavailable,
    TimedOut,
)

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("grpc", "google.protobuf", "yaml", "rich", "opentelemetry", "asyncio", "api.management", "api.envoy")


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No contexts, no server and no state of the person who runs the tests."""
    monkeypatch.setenv("FAIRLEAD_CONFIG", str(tmp_path / "contexts.toml"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("FAIRLEAD_SERVER", raising=False)
    monkeypatch.delenv("FAIRLEAD_DEBUG", raising=False)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_command_has_help_with_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main([name, "--help"]) == 0
    printed = capsys.readouterr()
    assert f"Usage: fairlead {name}" in printed.out
    assert "Examples:" in printed.out
    assert printed.err == ""


def test_help_lists_every_command_in_its_section(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"\n  {row.name} " in printed for row in ROWS)
    assert all(f"\n{section}:\n" in printed for section in SECTIONS)


def test_every_example_is_a_command_line_that_parses() -> None:
    import importlib
    import shlex

    for row in ROWS:
        for example in importlib.import_module(row.module).EXAMPLES:
            words = shlex.split(example.partition("<")[0].partition(">")[0].replace('eval "$(', "").replace(')"', ""))
            assert words[0] == "fairlead", example
            command = load(BY_NAME[words[1]])
            arguments = words[2:]
            if hasattr(command, "commands"):
                command = command.commands[arguments.pop(0)]
            with build().make_context("fairlead", [], resilient_parsing=True) as above:
                command.make_context(words[1], arguments, parent=above).close()


def test_help_and_version_import_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from api.cli.main import main\n"
        "commands = ('init', 'fmt', 'schema', 'explain')\n"
        "for arguments in (['--help'], ['--version'], *([command, '--help'] for command in commands)):\n"
        "    assert main(arguments) == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stderr.strip() == "[]"


def test_unknown_command_is_a_usage_error_with_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["aply"]) == 2
    assert "did you mean 'apply'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate", "--bogus"],
        ["history", "--limit", "0"],
        ["show", "one"],
        ["status", "-o", "xml"],
        ["status", "--timeout", "soon"],
        ["status", "--timeout", "0"],
        ["diff", "1", "2", "3"],
        ["render", ".", "--node", "edge-1"],
        ["context", "set", "new"],
        ["completion", "tcsh"],
        ["init", "--port", "0"],
        ["rollout"],
    ],
    ids=" ".join,
)
def test_wrong_command_lines_end_with_2_and_print_no_data(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Error:" in printed.err


@pytest.mark.parametrize(
    ("branch", "code"),
    [
        (InvalidConfig, 3),
        (NotFound, 3),
        (LimitExceeded, 3),
        (ServerUnreachable, 4),
        (StoreUnavailable, 4),
        (Conflict, 5),
        (Rejected, 6),
        (Denied, 7),
        (TimedOut, 124),
    ],
)
def test_each_error_ends_with_its_exit_code_and_its_words_on_standard_error(
    branch: type[FairleadError], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fails_with(branch("the words"), monkeypatch)
    assert entry.main(["version"]) == code
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "error: the words\n")


def test_findings_of_an_error_are_printed_with_their_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finding = Finding("E0203", "backend not found", "a.yaml", 14, 9, suggestion='did you mean "b"?', excerpt="- x")
    fails_with(InvalidConfig("wrong", findings=(finding,)), monkeypatch)
    entry.main(["version"])
    lines = capsys.readouterr().err.splitlines()
    assert lines == ['a.yaml:14:9 error E0203 backend not found; did you mean "b"?', "  14 | - x", "error: wrong"]


def test_errors_are_coloured_as_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    fails_with(Conflict("the words"), monkeypatch)
    entry.main(["version", "--color", "always"])
    entry.main(["--color", "always", "version"])
    assert capsys.readouterr().err == 2 * "\x1b[31merror:\x1b[0m the words\n"


def test_an_error_cannot_steer_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fails_with(Conflict("by \x1b[2J\u202eroot", findings=(Finding("E1", "\x1b]0;t\x07", "a\x1b.yaml"),)), monkeypatch)
    entry.main(["version"])
    printed = capsys.readouterr().err
    assert all(letter.isprintable() or letter == "\n" for letter in printed)


def test_a_bug_ends_with_70_without_a_traceback_and_keeps_the_details(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fails_with(ZeroDivisionError("a slip"), monkeypatch)
    assert entry.main(["version"]) == 70
    printed = capsys.readouterr().err
    assert "this is a bug in fairlead (ZeroDivisionError: a slip)" in printed
    assert "Traceback" not in printed
    [kept] = (tmp_path / "state" / "fairlead").iterdir()
    assert str(kept) in printed
    assert "ZeroDivisionError: a slip" in kept.read_text()


def test_a_bug_shows_its_traceback_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAIRLEAD_DEBUG", "1")
    fails_with(ZeroDivisionError("a slip"), monkeypatch)
    assert entry.main(["version"]) == 70
    assert "Traceback" in capsys.readouterr().err
    assert not (tmp_path / "state").exists()


def test_ctrl_c_ends_with_130_and_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fails_with(KeyboardInterrupt(), monkeypatch)
    assert entry.main(["version"]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("arguments", [["--help"], ["plan", "--help"], ["completion", "bash"], ["--version"]])
def test_a_reader_that_is_gone_is_no_failure(arguments: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "api.cli.main", *arguments]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("shell", "environment"),
    [
        ("bash", {"COMP_WORDS": "fairlead stat", "COMP_CWORD": "1"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "fairlead stat"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "fairlead stat", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_each_shell_completes_commands(
    shell: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert entry.main(["completion", shell]) == 0
    assert COMPLETE_VARIABLE in capsys.readouterr().out
    for name, value in {**environment, COMPLETE_VARIABLE: f"complete_{shell}"}.items():
        monkeypatch.setenv(name, value)
    assert entry.main([]) == 0
    assert "status" in capsys.readouterr().out


def test_the_reference_is_what_the_application_says() -> None:
    page = (ROOT / "docs" / "cli.md").read_text()
    assert with_commands(page) == page, "write it anew: python -m api.cli.reference docs/cli.md"


def fails_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `fairlead version` fail."""

    def failing() -> str:
        raise error

    monkeypatch.setattr(version_command, "version", failing)
    monkeypatch.setattr(version_command, "write_lines", lambda lines: list(lines) and failing())
