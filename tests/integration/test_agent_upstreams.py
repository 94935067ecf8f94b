"""An agent and its upstreams: what is asked for, what is taken from them, and which of them is left for the next."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from agents.node.assembly import Parts
from snapshots.store.etcd.ports import free_port
from tests.agents import an_agent_here
from tests.certificates import write_certificates
from tests.clients import DeltaClient, StateClient, names
from tests.edges import a_cluster
from tests.upstreams import Behaviour, ScriptedUpstream, always, refusing, response, saying, silent
from tests.whole_servers import a_cluster_document, a_workspace, until, whole_server
from xds.client.mirror import Mirror
from xds.protocol.features import REVISION
from xds.protocol.resource import Resource, content_version
from xds.protocol.types import CLUSTER, ENDPOINT

WEB, CARTS = a_cluster("web"), a_cluster("carts")


@dataclass(frozen=True)
class Chain:
    """Upstreams in the order in which they are asked, the agent, and a client of it that is no Envoy."""

    upstreams: tuple[ScriptedUpstream, ...]
    agent: Parts
    client: DeltaClient


@asynccontextmanager
async def a_chain(*behaviours: Behaviour, **settings: object) -> AsyncIterator[Chain]:
    async with AsyncExitStack() as stack:
        upstreams = [await stack.enter_async_context(ScriptedUpstream(behave)) for behave in behaviours]
        addresses = [upstream.address for upstream in upstreams]
        agent = await stack.enter_async_context(an_agent_here(*addresses, **settings))
        client = await stack.enter_async_context(DeltaClient(agent.server.address, "tool-1", "another-group"))
        yield Chain(tuple(upstreams), agent, client)


async def test_only_what_a_local_client_subscribes_to_is_asked_for() -> None:
    async with a_chain(always(CLUSTER, WEB)) as chain:
        await chain.client.subscribe(CLUSTER, ["web"])
        assert names(await chain.client.next()) == ["web"]
        await chain.client.ack(CLUSTER)
        await chain.client.subscribe(ENDPOINT, ["web"])
        requests = chain.upstreams[0].requests
        await until(lambda: any(one.type_url == ENDPOINT for one in requests), "the second type")
        asked = {(one.type_url, *one.resource_names_subscribe) for one in requests if not one.response_nonce}
        assert asked == {(CLUSTER, "web"), (ENDPOINT, "web")}


async def test_the_upstream_is_told_who_the_agent_is_whatever_its_clients_say() -> None:
    async with a_chain(always(CLUSTER, WEB), region="eu", zone="eu-1", labels="tier=edge") as chain:
        await chain.client.subscribe(CLUSTER)
        await chain.client.next()
        first, *others = chain.upstreams[0].requests
        node = first.node
        assert (node.id, node.cluster, node.locality.region, node.locality.zone) == ("edge-1", "edge", "eu", "eu-1")
        assert REVISION in node.client_features
        assert not any(request.HasField("node") for request in others)


async def test_bodies_pass_through_as_they_are_whatever_is_in_them() -> None:
    odd = WEB.body + b"\xfa\xff\x7f\x03odd"  # a field that nobody knows, and not where it would be written
    async with a_chain(always(CLUSTER, Resource(CLUSTER, "web", content_version(odd), odd))) as chain:
        await chain.client.subscribe(CLUSTER)
        (told,) = (await chain.client.next()).resources
        assert (told.resource.value, told.version) == (odd, content_version(odd))


async def test_a_client_of_the_state_of_the_world_is_served_too() -> None:
    async with a_chain(always(CLUSTER, WEB)) as chain, StateClient(chain.agent.server.address, "grpc-1") as client:
        await client.subscribe(CLUSTER)
        (told,) = (await client.next()).resources
        assert told.value == WEB.body


async def test_what_upstream_does_not_have_is_told_as_missing_and_what_it_has_not_answered_is_not() -> None:
    async def behave(request: Any) -> Iterable[bytes]:
        if "gone" in request.resource_names_subscribe:
            return (response(ENDPOINT, removed=["gone"]).SerializeToString(),)
        return ()

    async with a_chain(behave) as chain:
        await chain.client.subscribe(ENDPOINT, ["gone", "awaited"])
        assert list((await chain.client.next()).removed_resources) == ["gone"]
        assert await chain.client.hears_nothing()


def spoilt(message: Any, **fields: Any) -> bytes:
    """A response whose first resource says something else."""
    for name, value in fields.items():
        setattr(message.resources[0], name, value)
    data: bytes = message.SerializeToString()
    return data


WRONG_DIGEST = spoilt(response(CLUSTER, a_cluster("web", "another")), version="0123456789abcdef")
BAD: dict[str, Behaviour] = {
    "rubbish": saying(b"\xff\xff\xff this is no message"),
    "another message": saying(b""),
    "a wrong digest": saying(WRONG_DIGEST),
    "a method it has not": refusing(grpc.StatusCode.UNIMPLEMENTED),
    "a refusal": refusing(grpc.StatusCode.PERMISSION_DENIED),
    "an end without a word": refusing(grpc.StatusCode.UNAVAILABLE),
}


@pytest.mark.parametrize("behave", BAD.values(), ids=BAD)
async def test_an_upstream_that_answers_badly_is_left_for_the_next(behave: Behaviour) -> None:
    async with a_chain(behave, always(CLUSTER, WEB)) as chain:
        await chain.client.subscribe(CLUSTER)
        (told,) = (await chain.client.next()).resources
        assert told.resource.value == WEB.body
        assert chain.upstreams[0].streams == 1


async def test_a_defect_of_the_agents_own_ends_one_stream_and_not_the_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = iter([True])
    receive = Mirror.receive

    def fails_once(mirror: Mirror, *arguments: Any) -> Any:
        if next(failing, False):
            raise RuntimeError("a defect")
        return receive(mirror, *arguments)

    monkeypatch.setattr(Mirror, "receive", fails_once)
    async with a_chain(always(CLUSTER, WEB)) as chain:
        await chain.client.subscribe(CLUSTER)
        assert names(await chain.client.next()) == ["web"]
        assert chain.upstreams[0].streams == 2


async def test_a_wrong_digest_is_refused_in_words() -> None:
    async with a_chain(saying(WRONG_DIGEST)) as chain:
        await chain.client.subscribe(CLUSTER)
        (bad,) = chain.upstreams
        await until(lambda: bool(bad.nacks), "the refusal")
        assert "'web' has version '0123456789abcdef', but its content is" in bad.nacks[0]


async def test_an_upstream_that_is_not_there_is_passed_by() -> None:
    async with AsyncExitStack() as stack:
        good = await stack.enter_async_context(ScriptedUpstream(always(CLUSTER, WEB)))
        agent = await stack.enter_async_context(an_agent_here(f"127.0.0.1:{free_port()}", good.address))
        client = await stack.enter_async_context(DeltaClient(agent.server.address, "tool"))
        await client.subscribe(CLUSTER)
        assert names(await client.next()) == ["web"]


async def test_an_upstream_that_says_nothing_is_left_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.node.upstream.candidates.FIRST_ANSWER_S", 0.3)
    async with a_chain(silent, always(CLUSTER, WEB)) as chain:
        await chain.client.subscribe(CLUSTER)
        assert names(await chain.client.next()) == ["web"]
        assert chain.upstreams[0].requests


async def test_an_older_revision_is_not_taken_until_a_newer_one_comes() -> None:
    newer, older = a_cluster("web", "newer"), a_cluster("web", "older")
    async with a_chain(always(CLUSTER, newer, revision=7), always(CLUSTER, older, revision=6)) as chain:
        first, second = chain.upstreams
        await chain.client.subscribe(CLUSTER)
        assert (await chain.client.next()).resources[0].version == newer.version
        await chain.client.ack(CLUSTER)
        first.behave = refusing(grpc.StatusCode.PERMISSION_DENIED)
        await first.end_streams()
        await until(lambda: second.streams >= 2, "the second to be asked more than once")
        assert await chain.client.hears_nothing()
        second.behave = always(CLUSTER, older, revision=8)
        assert (await chain.client.next()).resources[0].version == older.version


async def test_another_server_goes_on_where_one_that_died_stopped() -> None:
    async with a_chain(always(CLUSTER, WEB, revision=2), always(CLUSTER, WEB, CARTS, revision=3)) as chain:
        first, second = chain.upstreams
        await chain.client.subscribe(CLUSTER)
        assert names(await chain.client.next()) == ["web"]
        await chain.client.ack(CLUSTER)
        await until(lambda: "nonce-2" in first.acks, "the ACK upstream")
        await first.stop()
        assert names(await chain.client.next()) == ["carts"]
        assert dict(second.requests[0].initial_resource_versions) == {"web": WEB.version}


async def test_what_was_verified_is_acknowledged_where_no_envoy_is() -> None:
    async with a_chain(always(CLUSTER, WEB)) as chain:
        (upstream,) = chain.upstreams
        await chain.client.subscribe(CLUSTER)
        await chain.client.next()
        await chain.client.nack(CLUSTER, "a tool does not decide")
        await until(lambda: upstream.acks == ["nonce-1"], "the ACK upstream")
        assert not upstream.nacks


async def test_upstreams_that_all_refuse_are_tried_again() -> None:
    async with a_chain(refusing(grpc.StatusCode.PERMISSION_DENIED)) as chain:
        (upstream,) = chain.upstreams
        await chain.client.subscribe(CLUSTER)
        await until(lambda: upstream.streams >= 3, "more tries")
        upstream.behave = always(CLUSTER, WEB)
        assert names(await chain.client.next()) == ["web"]


def tls_files(directory: Path) -> dict[str, str]:
    """Settings of a server that lets in none but the agent; the agent's are `upstream_…` of the same directory."""
    flags, _ = write_certificates(directory)
    return {flag.partition("=")[0].removeprefix("--").replace("-", "_"): flag.partition("=")[2] for flag in flags}


async def test_upstream_is_mutual_tls_and_certificates_are_read_for_each_connection(tmp_path: Path) -> None:
    files = {"ca": "ca.pem", "cert": "me.pem", "key": "me.key"}
    ours = {f"upstream_{name}": str(tmp_path / file) for name, file in files.items()}
    async with whole_server(**tls_files(tmp_path)) as server:
        await server.client.publish([a_workspace(), a_cluster_document("web")], author="a test")
        certificate = (tmp_path / "me.pem").read_bytes()
        (tmp_path / "me.pem").write_bytes((tmp_path / "ca.pem").read_bytes())  # not for this key
        async with AsyncExitStack() as stack:
            agent = await stack.enter_async_context(an_agent_here(server.parts.addresses.xds, **ours))
            client = await stack.enter_async_context(DeltaClient(agent.server.address, "tool"))
            await client.subscribe(CLUSTER)
            assert await client.hears_nothing()
            (tmp_path / "me.pem").write_bytes(certificate)
            assert names(await client.next()) == ["web"]


async def test_a_certificate_file_that_is_missing_is_told_and_tried_again(tmp_path: Path) -> None:
    flags = tls_files(tmp_path)
    ca = (tmp_path / "ca.pem").read_bytes()
    async with whole_server(**{name: flags[name] for name in ("xds_cert", "xds_key")}) as server:
        await server.client.publish([a_workspace(), a_cluster_document("web")], author="a test")
        missing = tmp_path / "later.pem"
        async with AsyncExitStack() as stack:
            agent = await stack.enter_async_context(an_agent_here(server.parts.addresses.xds, upstream_ca=str(missing)))
            client = await stack.enter_async_context(DeltaClient(agent.server.address, "tool"))
            await client.subscribe(CLUSTER)
            assert await client.hears_nothing()
            missing.write_bytes(ca)
            assert names(await client.next()) == ["web"]
