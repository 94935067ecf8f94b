"""A real Envoy tastes what nothing else can judge; its words stand at the line that they are about."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from api.envoy.registry import load_default
from api.errors import Finding, InvalidConfig, TasteUnavailable, TimedOut
from api.hosting.envoy_program import Program
from snapshots.authoring.compile import compile_documents
from snapshots.authoring.files import read_documents
from snapshots.error_pages import error_page
from snapshots.model import Document
from snapshots.store.memory import MemoryStore
from tests.patches import GATEWAY, a_patch, a_site
from tests.spine import FAIRLEAD, ROOT, wait_for
from tests.unit.test_error_pages import EXAMPLE, mended
from tests.whole_servers import a_workspace, whole_server
from xds.server.assembly import assemble
from xds.server.settings import load_settings
from xds.server.taste.findings import tasted_findings
from xds.server.taste.program import find_envoy
from xds.server.taste.tasting import Tasted, taste

pytestmark = pytest.mark.envoy
LISTENER = """apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata: {name: web}
spec:
  "@type": type.googleapis.com/envoy.config.listener.v3.Listener
  name: web
  address: {socket_address: {address: 127.0.0.1, port_value: 80}}
  filter_chains:
"""
TCP = '{name: tcp, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy'
HTTP = f"""{LISTENER}  - filters:
    - name: http
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
        stat_prefix: web
        rds: {{route_config_name: web, config_source: {{ads: {{}}, resource_api_version: V3}}}}
        http_filters:
"""
ROUTER = """        - name: router
          typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
"""
ROUTES = """---
apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata: {name: routes}
spec:
  "@type": type.googleapis.com/envoy.config.route.v3.RouteConfiguration
  name: web
  virtual_hosts:
  - name: web
    domains: ["*"]
    routes:
    - match: %s
      redirect: {https_redirect: true}
"""


def a_cluster(name: str, rest: str) -> str:
    return f"""---
apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata: {{name: {name}}}
spec:
  "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: {name}
  connect_timeout: 1s
  {rest}
"""


def endpoints(name: str, address: str) -> str:
    place = f"{{socket_address: {{address: {address}, port_value: 80}}}}"
    return f"{{cluster_name: {name}, endpoints: [{{lb_endpoints: [{{endpoint: {{address: {place}}}}}]}}]}}"


def an_assignment(name: str, address: str) -> str:
    text = a_cluster(f"{name}-endpoints", "").replace("cluster.v3.Cluster", "endpoint.v3.ClusterLoadAssignment")
    fields = endpoints(name, address)[1:-1].replace(", endpoints", "\n  endpoints", 1)
    return text.replace(f"name: {name}-endpoints\n  connect_timeout: 1s\n  ", fields)


EDS = "type: EDS\n  eds_cluster_config: {eds_config: {ads: {}, resource_api_version: V3}}"
PAIR = """---
apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata: {name: pair}
spec:
  "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret
  name: pair
  tls_certificate: {certificate_chain: {inline_string: nonsense}, private_key: {inline_string: hush}}
"""
TLS = """  - transport_socket:
      name: tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
        common_tls_context:
          tls_certificate_sds_secret_configs: [{name: pair, sds_config: {ads: {}, resource_api_version: V3}}]
"""
RBAC = """        - name: rbac
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
            rules:
              policies:
                carts:
                  permissions: [{url_path: {path: {safe_regex: {regex: "/carts/(["}}}}]
                  principals: [{any: true}]
"""
LUA = """        - name: lua
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
            default_source_code: {inline_string: "function envoy_on_request("}
"""
CORS = """        - name: origins
          typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors}
"""
CHAIN = """  - filter_chain_match: {server_names: [a.example]}
    filters: [%s, stat_prefix: %s, cluster: w}}]
"""
ANYTHING = ROUTES % "{prefix: /}"
BROKEN = "/carts/(["
# The documents, what stands on the line that Envoy's words are about, and some of the words.
WRONG = {
    "an expression that RE2 does not take": (
        HTTP + ROUTER + ROUTES % f'{{safe_regex: {{regex: "{BROKEN}"}}}}',
        f'- match: {{safe_regex: {{regex: "{BROKEN}"',
        "missing ]",
    ),
    "an expression in a policy of RBAC": (HTTP + RBAC + ROUTER + ANYTHING, "permissions:", "missing ]"),
    "a script that cannot be read": (HTTP + LUA + ROUTER + ANYTHING, "inline_string:", "script load error"),
    "filters without a router at their end": (HTTP + CORS + ANYTHING, "name: origins", "non-terminal filter"),
    "two filter chains for the same": (
        LISTENER + CHAIN % (TCP, "one") + CHAIN % (TCP, "two") + a_cluster("w", "type: STATIC"),
        "filter_chain_match:",
        "same matching rules",
    ),
    "a kind of cluster that there is not": (
        a_cluster("w", "cluster_type: {name: dice.clusters}"),
        "cluster_type:",
        "dice.clusters",
    ),
    "an address that is none": (
        a_cluster("w", f"type: STATIC\n  load_assignment: {endpoints('w', 'carts.internal')}"),
        "load_assignment:",
        "malformed IP address",
    ),
    "an address that is none, among other endpoints": (
        "".join(
            a_cluster(name, EDS) + an_assignment(name, at) for name, at in (("w", "10.0.0.7"), ("v", "v.internal"))
        ),
        "address: v.internal",
        "malformed IP address",
    ),
    "a certificate that is none": (
        LISTENER + TLS + f"    filters: [{TCP}, stat_prefix: one, cluster: w}}}}]\n" + a_cluster("w", EDS) + PAIR,
        "metadata:",
        "certificate chain",
    ),
}


@pytest.fixture(scope="session")
def program() -> Program:
    return find_envoy()


def tasted(program: Program, documents: Sequence[Document], timeout_s: float = 60) -> Tasted:
    found = compile_documents(load_default(), documents)
    assert found.ok, found.findings
    return asyncio.run(taste(load_default(), found.resources, program, group=found.group, timeout_s=timeout_s))


def said(program: Program, text: str, name: str = "web.yaml") -> tuple[Finding, ...]:
    documents = [Document(name, text.encode())]
    return tasted_findings(load_default(), tasted(program, documents), documents)


@pytest.mark.parametrize("what", WRONG)
def test_what_only_envoy_notices_is_told_at_its_line(program: Program, what: str) -> None:
    text, line, words = WRONG[what]
    (finding,) = said(program, text)
    assert (finding.code, finding.severity) == ("E1301", "error")
    assert line in finding.excerpt, finding
    assert words in finding.message
    assert "hush" not in finding.excerpt + finding.message


def test_what_a_patch_brings_in_is_told_at_the_line_of_the_patch(program: Program) -> None:
    lua = {"@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua"}
    script = lua | {"default_source_code": {"inline_string": "function envoy_on_request("}}
    before_router = "/http_filters/name=envoy.filters.http.router"
    patch = a_patch(
        GATEWAY,
        "HttpConnectionManager",
        json=[{"op": "add", "path": before_router, "value": {"name": "lua", "typed_config": script}}],
    )
    documents = [Document(f"{each['kind']}.yaml", json.dumps(each, indent=1).encode()) for each in a_site(patch)]

    (finding,) = tasted_findings(load_default(), tasted(program, documents), documents)

    assert (finding.path, finding.resource) == ("EnvoyPatch.yaml", "EnvoyPatch shop/patch")
    assert "inline_string" in finding.excerpt
    assert finding.field.startswith("spec.json[0].value.typed_config")


def test_everything_that_is_wrong_is_told_at_once_and_nothing_else(program: Program) -> None:
    wrong = f"type: STATIC\n  load_assignment: {endpoints('x', 'carts.internal')}"
    text = a_cluster("one", wrong) + a_cluster("two", "type: STATIC") + a_cluster("one-more", wrong)
    assert [(each.resource, each.line) for each in said(program, text)] == [
        ("EnvoyResource one", 10),
        ("EnvoyResource one-more", 29),
    ]


def test_the_example_of_the_page_is_what_envoy_says(program: Program) -> None:
    name, text, shown, diff = EXAMPLE.search(error_page("E1301").text).groups()  # type: ignore[union-attr]
    assert "".join(f"{finding}\n" for finding in said(program, text, name)) == shown
    assert said(program, mended(text, diff), name) == ()


@pytest.mark.parametrize("example", ["shop", "udp", "passthrough"])
def test_what_envoy_takes_it_takes_without_a_word(program: Program, example: str) -> None:
    answer = tasted(program, read_documents([ROOT / "examples" / example]))
    assert (answer.concerns, answer.unplaced) == ((), ())
    assert answer.resources > 2


def test_what_is_not_there_is_not_waited_for(program: Program) -> None:
    assert said(program, HTTP + ROUTER) == ()


def a_program(directory: Path, *lines: str) -> Program:
    """Something else in an Envoy's place."""
    path = directory / "envoy"
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o755)
    return Program(path, "0.0.0")


def test_an_envoy_that_ends_before_it_asks_is_no_verdict(program: Program, tmp_path: Path) -> None:
    broken = a_program(tmp_path, "#!/bin/sh", "echo no room left >&2", "exit 3")
    with pytest.raises(TasteUnavailable, match=r"exit code 3\)?\n  no room left"):
        tasted(broken, [Document("a.yaml", a_cluster("w", "type: STATIC").encode())])


CRASHES = """
import json, os, signal, sys
import grpc
from api.envoy.registry import load_default
bootstrap = json.loads(sys.argv[sys.argv.index("--config-yaml") + 1])
(cluster,) = bootstrap["static_resources"]["clusters"]
(place,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
request = load_default().new("envoy.service.discovery.v3.DeltaDiscoveryRequest")
request.node.id, request.type_url = "crashes", "type.googleapis.com/envoy.config.cluster.v3.Cluster"
method = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
channel = grpc.insecure_channel("unix:" + place["endpoint"]["address"]["pipe"]["path"])
next(channel.stream_stream(method)(iter([request.SerializeToString()])))
os.kill(os.getpid(), signal.SIGSEGV)
"""


def test_an_envoy_that_does_not_survive_the_candidate_refuses_it(tmp_path: Path) -> None:
    crashing = a_program(tmp_path, f"#!{sys.executable}", f"import sys; sys.path.insert(0, {str(ROOT)!r})", CRASHES)
    with pytest.raises(InvalidConfig, match="SIGSEGV") as raised:
        tasted(crashing, [Document("a.yaml", a_cluster("w", "type: STATIC").encode())])
    assert [each.code for each in raised.value.findings] == ["E1302"]


def test_an_envoy_that_says_nothing_in_time_is_ended(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    silent = a_program(tmp_path, "#!/bin/sh", f"echo $$ > {pid}.new && mv {pid}.new {pid}", "exec sleep 300")
    with pytest.raises(TimedOut, match="had not loaded the candidate after"):
        tasted(silent, [Document("a.yaml", a_cluster("w", "type: STATIC").encode())], timeout_s=1)
    assert not pid.exists() or not is_alive(int(pid.read_text()))


def test_no_envoy_is_left_behind_by_a_command_that_is_killed(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    lines = ("#!/bin/sh", 'test "$1" = --version && echo "version: 0a/1.40.0/Clean" && exit')
    silent = a_program(tmp_path, *lines, f"echo $$ > {pid}.new && mv {pid}.new {pid}", "exec sleep 300")
    arguments = ("validate", str(ROOT / "examples" / "shop"), "--taste", "--envoy", str(silent.path))
    command = subprocess.Popen((*FAIRLEAD, *arguments), cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)})
    wait_for(pid.exists, "something in an Envoy's place to start")
    command.send_signal(signal.SIGKILL)
    command.wait()
    wait_for(lambda: not is_alive(int(pid.read_text())), "it to end with its parent")


async def test_a_server_that_tastes_stores_nothing_that_envoy_does_not_take() -> None:
    wrong = a_cluster("one", f"type: STATIC\n  load_assignment: {endpoints('one', 'carts.internal')}")
    async with whole_server(taste=True) as server:
        good = [a_workspace("shop"), Document("good.yaml", a_cluster("two", "type: STATIC").encode())]
        assert (await server.client.publish(good)).created
        with pytest.raises(InvalidConfig, match="a real Envoy does not take this") as refused:
            await server.client.publish([a_workspace("other"), Document("bad.yaml", wrong.encode())])
        assert [(each.code, each.path, each.line) for each in refused.value.findings] == [("E1301", "bad.yaml", 10)]
        assert [each.number for each in await server.client.list_revisions("edge")] == [1]


def test_a_server_that_is_to_taste_and_has_no_envoy_does_not_start(tmp_path: Path) -> None:
    settings = load_settings(flags={"memory": True, "taste": True, "envoy": tmp_path / "nothing"})
    with pytest.raises(TasteUnavailable, match="no Envoy to taste with"):
        assemble(settings, MemoryStore(time.time), load_default())


@pytest.mark.parametrize("command", ["validate", "apply"])
def test_each_command_ends_with_3_for_what_envoy_does_not_take_and_asks_no_server(command: str, tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(WRONG["an address that is none"][0])
    done = subprocess.run((*FAIRLEAD, command, str(tmp_path), "--taste"), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 3, done
    assert "web.yaml:10:" in (done.stdout if command == "validate" else done.stderr)
    assert "Envoy 1.40.0 was given 1 resource and does not take all of them" in done.stderr


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and is waited for by nobody does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return re.search(r"\) (\w)", state)[1] != "Z"  # type: ignore[index]


def test_a_program_that_is_no_envoy_is_named(tmp_path: Path) -> None:
    with pytest.raises(TasteUnavailable, match="does not run as Envoy; install Envoy"):
        find_envoy(tmp_path / "nothing")
