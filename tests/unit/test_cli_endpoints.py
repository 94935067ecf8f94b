"""Endpoints on the command line and in files, and the lines in which they are shown. No server and no process."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import typer

from api.cli import main as entry
from api.cli.commands.endpoints import _state_lines, _wishes
from api.cli.endpoint_arguments import endpoints_from, endpoints_in_file, places_from, shown
from api.cli.endpoint_lines import change_lines, clusters_listing
from api.cli.output import Format
from api.cli.shared import Invocation
from api.cli.terminal import ColorWhen, Paint
from api.errors import InvalidConfig
from api.management.v1 import management_pb2 as pb

PLAIN = Paint(ColorWhen.NEVER, io.StringIO())


def test_an_endpoint_is_an_address_a_port_and_what_else_is_said() -> None:
    first, second, third = endpoints_from(
        ["10.0.0.7:80", "[2001:db8::1]:80,weight=2,zone=fra-1", "a:1,sub-zone=x,health=Draining,priority=0,region=eu"]
    )
    assert first == pb.Endpoint(address="10.0.0.7", port=80)
    assert second == pb.Endpoint(address="2001:db8::1", port=80, weight=2, zone="fra-1")
    assert third == pb.Endpoint(address="a", port=1, sub_zone="x", health=pb.Endpoint.DRAINING, priority=0, region="eu")
    assert [shown(each) for each in (first, second)] == ["10.0.0.7:80", "[2001:db8::1]:80"]
    assert shown(pb.Endpoint(address="pipe:/run/x")) == "pipe:/run/x"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("10.0.0.1", "is no ADDRESS:PORT"),
        (":80", "is no ADDRESS:PORT"),
        ("10.0.0.1:", "is no ADDRESS:PORT"),
        ("10.0.0.1:http", "is no ADDRESS:PORT"),
        ("10.0.0.1:99999999999", "is no ADDRESS:PORT"),
        ("10.0.0.1:٣", "is no ADDRESS:PORT"),
        ("2001:db8::1:80", "in brackets"),
        ("10.0.0.1:80,colour=blue", "is none of weight=…"),
        ("10.0.0.1:80,weight", "is none of weight=…"),
        ("10.0.0.1:80,weight=-1", "weight of .* is no number"),
        ("10.0.0.1:80,priority=99999999999", "is no number"),
        ("10.0.0.1:80,health=well", "is none of healthy"),
    ],
)
def test_what_is_no_endpoint_is_refused_before_anything_is_asked(text: str, words: str) -> None:
    with pytest.raises(typer.BadParameter, match=words):
        endpoints_from([text])


def test_a_place_takes_nothing_else() -> None:
    assert places_from(["10.0.0.1:80"]) == [pb.EndpointPlace(address="10.0.0.1", port=80)]
    with pytest.raises(typer.BadParameter):
        places_from(["10.0.0.1:80,weight=2"])


BOTH = [
    pb.Endpoint(address="10.0.0.7", port=80, zone="fra-1", weight=2),
    pb.Endpoint(address="10.0.0.8", port=80, health=pb.Endpoint.DRAINING),
]
ITEMS = [
    {"address": "10.0.0.7", "port": 80, "zone": "fra-1", "weight": 2},
    {"address": "10.0.0.8", "port": 80, "health": "draining"},
]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ITEMS),
        json.dumps({"endpoints": ITEMS}),
        "- {address: 10.0.0.7, port: 80, zone: fra-1, weight: 2}\n- {address: 10.0.0.8, port: 80, health: DRAINING}\n",
        "\ufeffendpoints:\n- address: 10.0.0.7\n  port: 80\n  zone: fra-1\n  weight: 2\n"
        "- address: 10.0.0.8\n  port: 80\n  health: draining\n",
    ],
)
def test_a_file_has_a_list_of_endpoints(tmp_path: Path, text: str) -> None:
    (tmp_path / "list").write_text(text)
    assert endpoints_in_file(str(tmp_path / "list")) == BOTH


def test_standard_input_is_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(ITEMS)))
    assert endpoints_in_file("-") == BOTH


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"- {address: 10.0.0.7}\n", ":1: port is missing"),
        (b"- {port: 80}\n", ":1: address is missing"),
        (b"- {address: 10.0.0.7, port: 80}\n- {adress: 10.0.0.8, port: 80}\n", ":2: unknown field 'adress'"),
        (b"- {address: 10.0.0.7, port: '80'}\n", "port must be a whole number"),
        (b"- {address: 10.0.0.7, port: true}\n", "port must be a whole number"),
        (b"- {address: 10.0.0.7, port: 80, weight: -1}\n", "weight must be a whole number"),
        (b"- {address: 10.0.0.7, port: 80, zone: 1}\n", "zone must be text"),
        (b"- {address: 10.0.0.7, port: 80, health: well}\n", "health is none of"),
        (b"- 10.0.0.7:80\n", "is a mapping with address and port"),
        (b"address: 10.0.0.7\n", "is no list of endpoints"),
        (b"- {address: 10.0.0.7\n", "is no list of endpoints"),
        (b"[]\n---\n[]\n", "is no list of endpoints"),
        (b"", "is no list of endpoints"),
        (b"\xff\n", "is not UTF-8"),
    ],
)
def test_a_file_that_has_none_says_where(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "list.yaml").write_bytes(content)
    with pytest.raises(InvalidConfig, match=words):
        endpoints_in_file(str(tmp_path / "list.yaml"))
    with pytest.raises(InvalidConfig, match="cannot be read"):
        endpoints_in_file(str(tmp_path / "missing.yaml"))


def test_a_mistake_in_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text("- {address: 10.0.0.7, port: 80}\n- {address: &x 10.0.0.8, port: 80}\n")
    with pytest.raises(InvalidConfig) as refused:
        endpoints_in_file(str(tmp_path / "list.yaml"))
    [finding] = refused.value.findings
    assert (finding.code, finding.line, finding.path) == ("E0104", 2, str(tmp_path / "list.yaml"))


def wishes(*endpoints: str, add: tuple[str, ...] = (), remove: tuple[str, ...] = (), empty: bool = False) -> list[str]:
    """The kinds of changes that the arguments of `set` come to."""
    changes = _wishes(list(endpoints), list(add), list(remove), "", empty=empty)
    return [str(change.WhichOneof("change")) for change in changes]


def test_set_is_a_whole_set_unless_something_is_added_or_removed() -> None:
    assert wishes("10.0.0.1:80") == wishes(empty=True) == ["replace"]
    assert wishes("10.0.0.1:80", add=("10.0.0.2:80",)) == ["upsert"]
    assert wishes(remove=("10.0.0.2:80",)) == ["remove"]
    assert wishes("10.0.0.1:80", remove=("10.0.0.2:80",)) == ["upsert", "remove"]


def test_set_wants_to_know_what() -> None:
    with pytest.raises(typer.BadParameter, match="--empty"):
        wishes()
    with pytest.raises(typer.BadParameter, match="takes no endpoints beside it"):
        wishes("10.0.0.1:80", empty=True)


def test_usage_errors_end_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["endpoints", "set", "carts"]) == 2
    assert entry.main(["endpoints", "drain", "carts"]) == 2
    assert entry.main(["endpoints", "set", "carts", "10.0.0.1"]) == 2
    assert "10.0.0.1" in capsys.readouterr().err


def whole(address: str, **given: object) -> pb.Endpoint:
    """As a server answers: all fields are set."""
    said = {"weight": 1, "priority": 0, "region": "", "zone": "", "sub_zone": "", "health": pb.Endpoint.HEALTHY}
    return pb.Endpoint(address=address, port=80, **{**said, **given})  # type: ignore[arg-type]


def test_a_change_is_a_line_for_each_that_is_different() -> None:
    answer = pb.ChangeEndpointsResponse(
        cluster="ca\x1brts", source=pb.ClusterEndpoints.SET, version=7, changed=True, endpoints=2, healthy=1
    )
    answer.differences.add(before=whole("10.0.0.1"), after=whole("10.0.0.1", health=pb.Endpoint.DRAINING, zone="a"))
    answer.differences.add(after=whole("10.0.0.2", weight=3, zone="fra-1"))
    answer.differences.add(before=whole("10.0.0.3"))
    assert list(change_lines(answer, PLAIN)) == [
        "~ 10.0.0.1:80  zone: none -> a, health: healthy -> draining",
        "+ 10.0.0.2:80  weight 3, zone fra-1, healthy",
        "- 10.0.0.3:80  healthy",
        "ca\\x1brts version 7 stored: 2 endpoints, 1 healthy.",
    ]


def test_clusters_without_endpoints_and_sets_out_of_use_are_rows_too() -> None:
    empty = pb.ClusterEndpoints(cluster="a", source=pb.ClusterEndpoints.CONFIGURATION, in_use=True)
    left = pb.ClusterEndpoints(cluster="b", source=pb.ClusterEndpoints.SET, version=3, endpoints=[whole("10.0.0.1")])
    listing = clusters_listing([empty, left], one=False)

    assert [row[:8] for row in listing.rows] == [
        ("a", "none", "", "", "", "", "configuration", ""),
        ("b", "10.0.0.1:80", "", "1", "0", "healthy", "set, not in use", "3"),
    ]
    assert {len(row) for row in listing.rows} == {len(listing.columns)}
    assert (listing.names, clusters_listing([empty, left], one=True).names) == (("a", "b"), ("10.0.0.1:80",))


def test_what_is_watched_is_whole_at_first_and_then_what_is_different() -> None:
    before = pb.ClusterEndpoints(cluster="a", source=pb.ClusterEndpoints.CONFIGURATION, endpoints=[whole("10.0.0.1")])
    after = pb.ClusterEndpoints(
        cluster="a", source=pb.ClusterEndpoints.SET, version=1, author="ann", message="m", endpoints=[whole("10.0.0.2")]
    )
    never = Invocation(color=ColorWhen.NEVER)
    assert len(_state_lines(None, before, never)) == 2
    assert _state_lines(before, after, never) == [
        "a version 1 (set) by ann: m",
        "- 10.0.0.1:80  healthy",
        "+ 10.0.0.2:80  healthy",
    ]
    [line] = _state_lines(before, after, Invocation(output=Format.JSON))
    assert json.loads(line)["version"] == 1
    assert _state_lines(before, after, Invocation(output=Format.NAME)) == ["a 1"]
