"""Settings from flags, environment and file: precedence, and mistakes told with their place."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.errors import Finding, InvalidConfig
from api.hosting.address import Address
from xds.server.settings import SETTINGS, ServerSettings, load_settings
from xds.server.settings_document import configuration_document

ROOT = Path(__file__).resolve().parents[2]


def findings_of(tmp_path: Path, toml: str = "", **sources: object) -> tuple[Finding, ...]:
    file = tmp_path / "server.toml"
    file.write_text(toml)
    with pytest.raises(InvalidConfig) as refused:
        load_settings(config=file, **sources)  # type: ignore[arg-type]
    return refused.value.findings


def test_without_sources_the_defaults_are_those_of_the_contract() -> None:
    settings = load_settings()

    assert settings == ServerSettings()
    assert [str(settings.xds_address), str(settings.management_address), str(settings.http_address)] == [
        "127.0.0.1:18000",
        "127.0.0.1:18001",
        "127.0.0.1:18002",
    ]
    assert settings.data_dir == Path(".fairlead")


def test_flags_beat_environment_beats_file_beats_default(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text('[log]\nlevel = "error"\nformat = "text"\n[gc]\ngrace_s = 7\n[server]\ndrain_s = 1')
    environment = {"FAIRLEAD_LOG_LEVEL": "warning", "FAIRLEAD_GC_GRACE_S": "8"}

    settings = load_settings(flags={"log_level": "debug", "drain_s": None}, environment=environment, config=file)

    assert (settings.log_level, settings.gc_grace_s, settings.log_format, settings.drain_s) == ("debug", 8, "text", 1)
    assert settings.gc_keep_revisions == ServerSettings().gc_keep_revisions


@pytest.mark.parametrize(
    ("name", "written", "read"),
    [
        ("xds_address", "[::1]:0", Address("::1", 0)),
        ("etcd", "http://a:2379, https://b:2379", ("http://a:2379", "https://b:2379")),
        ("memory", "yes", True),
        ("gc_interval_s", "0", 0.0),
        ("descriptor_sets", "a.binpb,b.binpb", (Path("a.binpb"), Path("b.binpb"))),
        ("ready_file", "/run/ready.json", Path("/run/ready.json")),
    ],
)
def test_text_is_read_by_kind(name: str, written: str, read: object) -> None:
    assert getattr(load_settings(flags={name: written}), name) == read


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("xds_address", "18000"),
        ("xds_address", "::1:18000"),
        ("xds_address", "host:99999"),
        ("memory", "maybe"),
        ("etcd", "ftp://a"),
        ("gc_interval_s", "-1"),
        ("gc_interval_s", "nan"),
        ("gc_keep_revisions", "1.5"),
        ("log_level", "loud"),
        ("data_dir", ""),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_with_its_flag(tmp_path: Path, name: str, written: str) -> None:
    (finding,) = findings_of(tmp_path, flags={name: written})

    assert finding.field == "--" + name.replace("_", "-")
    assert repr(written) in finding.message


def test_every_mistake_of_every_source_is_told_at_once(tmp_path: Path) -> None:
    toml = '# the server\n[xds]\nadress = "127.0.0.1:1"\n\n[gc]\ninterval_s = "often"\n'

    found = findings_of(tmp_path, toml, environment={"FAIRLEAD_LOG_LEVL": "info"}, flags={"memory": "perhaps"})

    assert [(finding.code, finding.line, finding.field) for finding in found] == [
        ("E0802", 3, "xds.adress"),
        ("E0803", 6, "gc.interval_s"),
        ("E0802", 0, "FAIRLEAD_LOG_LEVL"),
        ("E0803", 0, "--memory"),
    ]
    assert found[0].path.endswith("server.toml")
    assert found[0].suggestion == "did you mean xds.address?"
    assert found[2].suggestion == "did you mean FAIRLEAD_LOG_LEVEL?"


def test_a_key_in_the_wrong_section_is_suggested_where_it_belongs(tmp_path: Path) -> None:
    (finding,) = findings_of(tmp_path, "[server]\nlevel = 'info'")

    assert finding.suggestion == "did you mean log.level?"


def test_broken_toml_is_told_with_line_and_column(tmp_path: Path) -> None:
    (finding,) = findings_of(tmp_path, "[xds]\naddress = \n")

    assert (finding.code, finding.line) == ("E0801", 2)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match=r"no-such\.toml"):
        load_settings(config=tmp_path / "no-such.toml")


def test_variables_of_commands_are_no_mistake() -> None:
    assert load_settings(environment={"FAIRLEAD_SERVER": "h:1", "FAIRLEAD_XYZZY": "", "PATH": "/bin"})


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"memory": True, "etcd": "http://a:1"}, "exclude each other"),
        ({"xds_cert": "a"}, "xds_cert and xds_key"),
        ({"etcd_key": "a"}, "etcd_cert and etcd_key"),
        ({"etcd_username": "a"}, "etcd_password_file"),
        ({"management_client_ca": "a"}, "needs management_cert"),
        ({"gc_keep_revisions": 0}, "at least 1"),
        ({"xds_address": "0.0.0.0:1"}, "plaintext"),
        ({"rest_polling": True, "http_address": "0.0.0.0:1"}, "is not loopback"),
        ({"rest_polling": True, "xds_cert": "a", "xds_key": "b", "xds_client_ca": "c"}, "without a certificate"),
        ({"management_address": "10.0.0.1:1", "insecure_plaintext": True}, "plaintext"),
        ({"management_address": "10.0.0.1:1", "insecure_off_loopback": True}, "plaintext"),
        ({"management_address": "h:1", "management_cert": "a", "management_key": "b"}, "clients could be anyone"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(tmp_path: Path, flags: dict[str, object], words: str) -> None:
    (finding,) = findings_of(tmp_path, flags=flags)

    assert words in finding.message


@pytest.mark.parametrize(
    "flags",
    [
        {"xds_address": "0.0.0.0:1", "insecure_plaintext": True, "insecure_off_loopback": True},
        {"xds_address": "0.0.0.0:1", "xds_cert": "a", "xds_key": "b", "xds_client_ca": "c"},
        {"xds_address": "localhost:1", "management_address": "[::1]:2"},
        {"http_address": "0.0.0.0:1"},
        {"http_address": "[::1]:1", "rest_polling": True},
        {
            "rest_polling": True,
            "http_address": "0.0.0.0:1",
            "xds_cert": "a",
            "xds_key": "b",
            "xds_client_ca": "c",
            "insecure_plaintext": True,
            "insecure_off_loopback": True,
        },
    ],
)
def test_listeners_that_are_safe_or_asked_for_twice_are_taken(flags: dict[str, object]) -> None:
    load_settings(flags=flags)


def test_every_setting_has_a_form_of_its_own_in_each_source() -> None:
    for form in ("flag", "environment", "toml"):
        forms = [getattr(row, form) for row in SETTINGS]
        assert len(set(forms)) == len(forms)
    assert all(row.help and not row.help.endswith(".") for row in SETTINGS)


def test_every_setting_can_be_written_in_the_file(tmp_path: Path) -> None:
    """Each row alone, at its default's TOML form, is read from the file as the default."""
    for row in SETTINGS:
        if row.default in (None, "", ()):
            continue
        value = row.default
        shown = (
            str(value).lower() if isinstance(value, bool) else value if isinstance(value, int | float) else f'"{value}"'
        )
        file = tmp_path / "server.toml"
        file.write_text(f"{row.toml} = {shown}\n")
        assert load_settings(config=file) == ServerSettings(), row.name


def test_the_page_about_configuration_is_what_the_table_says() -> None:
    written = (ROOT / "docs" / "configuration.md").read_text("utf-8")

    assert written == configuration_document(), "run python -m xds.server.settings_document > docs/configuration.md"
