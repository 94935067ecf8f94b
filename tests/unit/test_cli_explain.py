"""`fairlead explain` and `fairlead schema`: what is known of kinds, fields, messages and codes, without a server."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from api.cli.main import main
from snapshots.authoring.kinds.documents import KIND_NAMES
from tests.spine import FAIRLEAD, ROOT

TYPE_URL = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
Captured = pytest.CaptureFixture[str]


def test_a_field_is_explained_with_what_stands_below_it(capsys: Captured) -> None:
    assert main(["explain", "HTTPRoute.spec.rules.timeouts"]) == 0
    first, meaning, *fields = capsys.readouterr().out.splitlines()
    assert first == "HTTPRoute.spec.rules.timeouts: Timeouts"
    assert meaning == "  How long a request may take."
    assert "  request  text" in fields
    assert main(["explain", "Gateway.spec.listeners.port"]) == 0
    assert "  limits: 1 to 65535\n" in capsys.readouterr().out


def test_a_field_is_data_too(capsys: Captured) -> None:
    assert main(["explain", "Backend.spec.endpoints", "-o", "json"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert described["type"] == "list of BackendEndpoint or text"
    assert described["allowed"] == ["dynamic"]
    paths = [field["path"] for field in described["fields"]]
    assert paths[:2] == ["Backend.spec.endpoints.address", "Backend.spec.endpoints.port"]
    assert described["fields"][4]["default"] == "1"
    assert main(["explain", "Backend.spec.endpoints", "-o", "name"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "Backend.spec.endpoints.address"


@pytest.mark.parametrize("form", ["table", "json", "yaml", "name"])
@pytest.mark.parametrize(
    "subject", ["EnvoyResource", "envoy.config.cluster.v3.Cluster.lb_policy", "e0203", "W0504", TYPE_URL]
)
def test_everything_is_explained_in_every_form(subject: str, form: str, capsys: Captured) -> None:
    assert main(["explain", subject, "-o", form]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out or form == "name"


def test_without_anything_the_kinds_are_listed(capsys: Captured) -> None:
    assert main(["explain"]) == 0
    assert re.search(r"^HTTPRoute +gateway\.networking\.k8s\.io/v1 +Requests by host, ", capsys.readouterr().out, re.M)
    assert main(["explain", "-o", "json"]) == 0
    kinds = json.loads(capsys.readouterr().out)["kinds"]
    assert [kind["kind"] for kind in kinds] == list(KIND_NAMES)


def test_a_code_is_explained_by_its_page(capsys: Captured) -> None:
    assert main(["explain", "E0203"]) == 0
    assert capsys.readouterr().out == (ROOT / "docs" / "errors" / "E0203.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("HTTPRout", 'did you mean "HTTPRoute"?'),
        ("HTTPRoute.spec.timeouts", "HTTPRoute.spec has no field"),
        ("E9999", "there is no code E9999"),
        ("EnvoyResource.spec.connect_timeout", "by its own name: envoy.config.cluster.v3.Cluster.connect_timeout"),
        ("xds.core.v3.TypedExtensionConfi", "did you mean"),
        ("envoy.config.cluster.v3.Clster", 'did you mean "envoy.config.cluster.v3.Cluster"?'),
        ("\x1b[2J", "there is no kind"),
        ("x" * 5000, "there is no kind"),
    ],
    ids=lambda value: value[:20],
)
def test_what_is_not_known_ends_with_3(subject: str, words: str, capsys: Captured) -> None:
    assert main(["explain", subject]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert "\x1b" not in err
    assert main(["schema", subject]) == 3


def test_the_schema_is_json_also_for_people(capsys: Captured) -> None:
    assert main(["schema", "Backend"]) == 0
    assert json.loads(capsys.readouterr().out)["$ref"] == "#/$defs/Backend"
    assert main(["schema", "-o", "name"]) == 0
    assert capsys.readouterr().out.split() == list(KIND_NAMES)
    assert main(["schema", "httproute"]) == 0


def test_a_reader_that_leaves_early_is_no_error() -> None:
    command = subprocess.Popen((*FAIRLEAD, "schema"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    assert command.stdout is not None
    assert command.stderr is not None
    command.stdout.read(10)
    command.stdout.close()
    assert command.wait(60) == 0
    assert command.stderr.read() == b""
    command.stderr.close()
