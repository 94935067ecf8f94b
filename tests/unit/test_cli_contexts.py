"""Which server a command speaks to, and the file that names servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.cli.contexts import (
    Contexts,
    Target,
    as_toml,
    choose_target,
    contexts_path,
    read_contexts,
    write_contexts,
)
from api.cli.main import main
from api.errors import InvalidConfig, NotFound

STAGING = Target("staging:18001")
PRODUCTION = Target("production:18001", ca="/ca.pem", cert="/me.pem", key="/me.key")


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config" / "contexts.toml"
    monkeypatch.setenv("FAIRLEAD_CONFIG", str(path))
    monkeypatch.delenv("FAIRLEAD_SERVER", raising=False)
    return path


@pytest.fixture
def kept(file: Path) -> Path:
    write_contexts(Contexts().with_target("staging", STAGING).with_target("production", PRODUCTION))
    return file


def test_without_anything_it_is_this_machine() -> None:
    assert choose_target("", "") == Target("127.0.0.1:18001")


def test_the_order_is_flag_context_environment_current(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_target("", "") == STAGING
    monkeypatch.setenv("FAIRLEAD_SERVER", "named:1")
    assert choose_target("", "") == Target("named:1")
    assert choose_target("", "production") == PRODUCTION
    assert choose_target("other:1", "") == Target("other:1")


def test_a_server_given_with_a_context_keeps_its_tls(kept: Path) -> None:
    assert choose_target("10.0.0.1:1", "production") == Target("10.0.0.1:1", "/ca.pem", "/me.pem", "/me.key")


def test_what_is_written_reads_back_and_is_the_owners_alone(kept: Path) -> None:
    assert read_contexts() == Contexts("staging", {"production": PRODUCTION, "staging": STAGING})
    assert kept.stat().st_mode & 0o777 == 0o600


def test_odd_texts_survive_the_file(file: Path) -> None:
    odd = Contexts("a.b", {"a.b": Target("h:1", ca='/ä "q"\\n\t.pem')})
    write_contexts(odd)
    assert read_contexts() == odd
    assert as_toml(Contexts()) == ""


def test_where_the_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAIRLEAD_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/xdg")
    assert contexts_path() == Path("/xdg/fairlead/contexts.toml")
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert contexts_path() == Path("/home/me/.config/fairlead/contexts.toml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("current = ", "cannot read"),
        ("contexts = 1", "table of tables"),
        ("[contexts.a]\nserver = 1", "table of texts"),
        ("[contexts.a]\nca = 'x'", "has no server"),
        ("[contexts.a]\nserver = 'h:1'\nsrever = 'h'", "does not have 'srever'"),
        ("[contexts.a]\nserver = 'h'", "write HOST:PORT"),
        ("[contexts.a]\nserver = 'h:1'\ncert = 'x'", "both files"),
    ],
)
def test_a_file_that_is_wrong_is_told_with_its_place(file: Path, text: str, words: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(InvalidConfig, match=words):
        read_contexts()


def test_a_current_context_that_is_gone_is_told(file: Path) -> None:
    file.parent.mkdir()
    file.write_text('current = "gone"')
    with pytest.raises(NotFound, match="no context 'gone'"):
        choose_target("", "")


@pytest.mark.parametrize(
    "address", ["", "host", "host:", ":1", "host:0", "host:65536", "ho st:1", "http://h:1", "::1:1"]
)
def test_addresses_that_are_none_are_refused(address: str) -> None:
    with pytest.raises(InvalidConfig, match="HOST:PORT"):
        Contexts().with_target("a", Target(address))


@pytest.mark.parametrize("address", ["host:1", "10.0.0.1:65535", "[::1]:18001"])
def test_addresses_that_are_some_are_taken(address: str) -> None:
    assert Contexts().with_target("a", Target(address)).current == "a"


def test_the_commands_set_list_use_show_and_remove(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["context", "set", "a", "--server", "a:1"]) == 0
    assert main(["context", "set", "b", "--server", "b:1", "--ca", "/ca.pem"]) == 0
    assert main(["context", "use", "b"]) == 0
    capsys.readouterr()
    assert main(["context", "list"]) == 0
    assert capsys.readouterr().out == "CURRENT  NAME  SERVER\n-        a     a:1\n*        b     b:1\n"
    assert main(["context", "show"]) == 0
    assert capsys.readouterr().out == "server: b:1\nca: /ca.pem\n"
    assert main(["context", "remove", "b"]) == 0
    assert main(["context", "use", "b"]) == 3
    assert read_contexts() == Contexts("", {"a": Target("a:1")})


def test_a_file_that_cannot_be_written_is_no_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FAIRLEAD_CONFIG", str(tmp_path / "file" / "contexts.toml"))
    assert main(["context", "set", "a", "--server", "a:1"]) == 3
    assert "cannot" in capsys.readouterr().err
