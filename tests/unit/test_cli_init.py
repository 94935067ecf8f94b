"""`fairlead init`: what it writes is right, and nothing is overwritten."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from agents.gitops.settings import read_sources
from api.cli import new_files
from api.cli.main import main
from api.cli.repository_layout import ENVIRONMENTS, repository_files
from api.cli.starting import SCHEMA_FILE, Start, workspace_name
from api.errors import InvalidConfig
from snapshots.authoring.yaml_nodes import to_data
from snapshots.authoring.yaml_tree import read_yaml

CHOICES = {
    "nothing": [],
    "all": [
        "--name=web",
        "--group=eu",
        "--address=::1",
        "--port=8080",
        "--backend=carts.internal:81",
        "--hostname=a.b",
    ],
    "an address": ["--backend=[::1]:81"],
    "names that YAML takes for something else": ["--name=010", "--group=no"],
    "more of them": ["--name=1e3", "--group=true", "--backend=0x1f.internal:1"],
}


@pytest.mark.parametrize("choice", CHOICES)
def test_what_is_written_is_valid_formatted_and_fits_its_schema(choice: str, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    assert main(["init", str(shop), "--yes", *CHOICES[choice]]) == 0
    assert main(["validate", str(shop)]) == 0
    assert main(["fmt", "--check", str(shop)]) == 0
    schema = Draft202012Validator(json.loads((shop / SCHEMA_FILE).read_text()))
    for path in shop.glob("*.yaml"):
        text = path.read_text()
        assert text.startswith(f"# yaml-language-server: $schema={SCHEMA_FILE}\n")
        (document,) = map(to_data, read_yaml(text).documents)
        schema.validate(document)


def test_the_files_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "shop"), "-y", "-o", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)["files"]
    assert sorted(listed) == sorted(str(path) for path in (tmp_path / "shop").iterdir())


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "routes.yaml").write_text("mine")
    assert main(["init", str(tmp_path), "--yes"]) == 3
    assert "routes.yaml is there already; nothing was written" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["routes.yaml"]
    assert (tmp_path / "routes.yaml").read_text() == "mine"


def test_a_link_that_leads_nowhere_is_there_too(tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").symlink_to(tmp_path / "elsewhere")
    assert main(["init", str(tmp_path), "--yes"]) == 3
    assert not (tmp_path / "elsewhere").exists()


def test_what_is_no_directory_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    for place in ("file", "file/below"):
        assert main(["init", str(tmp_path / place), "--yes"]) == 3
        assert "nothing was written" in capsys.readouterr().err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_takes_nothing_leaves_nothing_behind(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened, real = [], os.open

    def full(path: Path, *more: int) -> int:
        opened.append(path)
        if len(opened) == 3:
            raise OSError(number, os.strerror(number), str(path))
        return real(path, *more)

    monkeypatch.setattr(new_files.os, "open", full)
    assert main(["init", str(tmp_path / "new" / "shop"), "--yes"]) == 3
    assert os.strerror(number) in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "choice",
    [
        "--name=Shop",
        "--group=a b",
        "--port=0",
        "--address=host",
        "--backend=x",
        "--backend=x:0",
        "--backend=x:99999",
        "--backend=10.0.0:1",
        "--hostname=https://x",
        "--hostname=A.b",
    ],
)
def test_what_cannot_be_chosen_is_a_wrong_usage(choice: str, tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "shop"), "--yes", choice]) == 2
    assert not (tmp_path / "shop").exists()


def test_a_directory_that_is_a_link_does_not_lead_out(tmp_path: Path) -> None:
    (tmp_path / "top").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "top" / "sub").symlink_to(tmp_path / "outside")
    with pytest.raises(InvalidConfig, match="outside of"):
        new_files.write_new_files(tmp_path / "top", {"a.yaml": b"", "sub/b.yaml": b""})
    assert list((tmp_path / "outside").iterdir()) == []
    assert not (tmp_path / "top" / "a.yaml").exists()


def test_the_name_of_a_directory_becomes_that_of_the_workspace() -> None:
    assert [workspace_name(name) for name in ("Shop_2", "__", "a" * 80, "été")] == ["shop-2", "shop", "a" * 63, "t"]


def test_a_repository_has_an_environment_in_each_directory(tmp_path: Path) -> None:
    top = tmp_path / "shop"
    assert main(["init", str(top), "--gitops", "--yes", "--group=eu"]) == 0
    for environment in ENVIRONMENTS:
        assert main(["validate", str(top / environment)]) == 0
        assert main(["fmt", "--check", str(top / environment)]) == 0
        workspace = (top / environment / "fairlead.yaml").read_text()
        assert f"group: eu-{environment}\n" in workspace
        schema = workspace.splitlines()[0].partition("$schema=")[2]
        assert json.loads((top / environment / schema).read_text())
    sources = read_sources(top / "gitops.toml")
    assert [(each.path, each.workspace, each.group) for each in sources] == [
        (environment, "shop", f"eu-{environment}") for environment in ENVIRONMENTS
    ]


def test_promoting_is_copying_all_but_the_workspace() -> None:
    files = repository_files(Start("shop"))
    staging = {path.partition("/")[2]: text for path, text in files.items() if path.startswith("staging/")}
    differing = [name for name, text in staging.items() if files[f"production/{name}"] != text]
    assert differing == ["fairlead.yaml"]
