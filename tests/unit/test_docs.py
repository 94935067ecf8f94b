"""Documentation that cannot rot: links lead somewhere, settings load, commands exist, tables are the code's own."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from agents.node.measures import INSTRUMENTS as OF_AN_AGENT
from api.cli import main as entry
from api.cli.application import load
from api.cli.repository_layout import ENVIRONMENTS, WORKFLOW_FILE, repository_files
from api.cli.starting import Start
from api.cli.table import BY_NAME
from api.telemetry.metrics import INSTRUMENTS, Instrument
from tests.spine import ROOT
from xds.server.settings import SETTINGS

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").glob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    prose = re.sub(r"`[^`\n]*`", "", page.read_text())  # an expression in a table can look like a link
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", prose)
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_settings_shown_as_toml_are_settings(page: Path) -> None:
    known = {row.toml for row in SETTINGS}
    for block in re.findall(r"```toml\n(.*?)```", page.read_text(), re.S):
        if "contexts" in block or "[[source]]" in block:
            continue  # the files of `fairlead context` and `fairlead gitops`, tested with them
        tree = tomllib.loads(block)
        assert {f"{table}.{key}" for table, rows in tree.items() for key in rows} <= known


def shown_commands() -> list[str]:
    """Every `$ fairlead …` of the pages, up to what belongs to the shell."""
    found = []
    for page in PAGES:
        for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.S):
            found += re.findall(r"^\$ fairlead ([^|;&#\n]+)", block, re.M)
    return sorted({command.strip() for command in found})


@pytest.mark.parametrize("command", shown_commands())
def test_commands_that_are_shown_have_such_options(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    name, *rest = shlex.split(command)
    below = rest[:1] if rest and rest[0] in getattr(load(BY_NAME[name]), "commands", {}) else []
    assert entry.main([name, *below, "--help"]) == 0
    help_text = capsys.readouterr().out
    options = [word.split("=")[0] for word in rest if word.startswith("-")]
    assert [option for option in options if option not in help_text] == []


def metrics_table(instruments: Iterable[Instrument]) -> str:
    rows = [
        f"| `{row.name}` | {row.kind} | {row.unit} | {', '.join(row.attributes) or '-'} | {row.help} |"
        for row in sorted(instruments, key=lambda row: row.name)
    ]
    return "\n".join(["| name | kind | unit | attributes | what |", "| --- | --- | --- | --- | --- |", *rows])


@pytest.mark.parametrize(("page", "instruments"), [("operations", INSTRUMENTS), ("agent", OF_AN_AGENT)])
def test_the_table_of_metrics_is_the_one_in_the_code(page: str, instruments: Iterable[Instrument]) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text()
    shown = text.partition("<!-- metrics: begin -->")[2].partition("<!-- metrics: end -->")[0].strip()
    assert shown == metrics_table(instruments)


@pytest.mark.parametrize("number", range(1, 38))
def test_every_rule_of_the_protocol_is_in_the_page_and_leads_to_its_transcript(number: int) -> None:
    rows = re.findall(rf"^\| \[{number}\]\((\S+)\) \| \S.* \| \S.* \|", (ROOT / "docs" / "xds.md").read_text(), re.M)
    (transcript,) = rows
    assert Path(transcript).name.startswith(f"test_rule_{number:02}_")
    assert "\ndef test_" in (found := (ROOT / "docs" / transcript).read_text()) or "\nasync def test_" in found


def test_the_workflow_for_pull_requests_runs_commands_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    example = (ROOT / "examples" / "gitops" / "workflow.yaml").read_bytes()
    assert example == repository_files(Start("shop"))[WORKFLOW_FILE]
    lines = [line for step in yaml.safe_load(example)["jobs"]["check"]["steps"] for line in _lines(step)]
    commands = [shlex.split(line.partition("|")[0])[1:] for line in lines if line.startswith("fairlead ")]
    assert [command[:2] for command in commands] == [
        [name, environment] for name in ("validate", "plan") for environment in ENVIRONMENTS
    ]
    assert entry.main(["validate", str(ROOT / "examples" / "first"), *commands[0][2:]]) == 0
    assert {tuple(command[2:]) for command in commands if command[0] == "plan"} == {("--against", "$TARGET")}
    assert entry.main(["plan", "--help"]) == 0
    assert "--against" in capsys.readouterr().out


def _lines(step: dict[str, str]) -> list[str]:
    return step.get("run", "").splitlines()
