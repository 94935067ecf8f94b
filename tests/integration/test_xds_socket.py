"""The server on a socket in the file system: who may take its place, and whose place it takes."""

from __future__ import annotations

import socket
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from api.envoy.registry import load_default
from api.errors import InvalidConfig
from api.hosting.address import SOCKET_PATH_BYTES
from tests.clients import DeltaClient, names
from tests.edges import GROUP, a_cluster
from xds.fleet import Fleet
from xds.protocol.types import CLUSTER
from xds.transport.server import XdsOptions, XdsServer


def a_server(path: Path) -> XdsServer:
    return XdsServer(load_default(), Fleet(), XdsOptions(f"unix:{path}", reflection=False, load_reports=False))


async def served_names(server: XdsServer) -> list[str]:
    server.groups.load(GROUP, 1, [a_cluster("web")])
    async with DeltaClient(server.address) as client:
        await client.subscribe(CLUSTER)
        return names(await client.next())


async def test_clients_are_served_on_a_socket_that_is_gone_afterwards() -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "xds.sock"
        server = a_server(path)
        await server.start()
        assert server.address == f"unix:{path}"
        assert await served_names(server) == ["web"]
        await server.drain(0)
        assert not path.exists()


async def test_the_socket_of_a_server_that_was_killed_is_replaced() -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "xds.sock"
        with socket.socket(socket.AF_UNIX) as left_behind:
            left_behind.bind(str(path))
        server = a_server(path)
        await server.start()
        assert await served_names(server) == ["web"]
        await server.drain(0)


async def test_a_socket_that_somebody_listens_on_is_left_to_them() -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "xds.sock"
        first = a_server(path)
        await first.start()
        with pytest.raises(InvalidConfig, match=f"cannot listen on unix:{path}: somebody listens on it"):
            await a_server(path).start()
        assert await served_names(first) == ["web"]
        await first.drain(0)


async def test_what_is_no_socket_is_not_replaced() -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "notes.txt"
        path.write_text("mine")
        with pytest.raises(InvalidConfig, match="a file is there that is no socket"):
            await a_server(path).start()
        assert path.read_text() == "mine"


def test_a_path_too_long_for_a_socket_is_refused() -> None:
    with pytest.raises(InvalidConfig, match=f"longer than the {SOCKET_PATH_BYTES} bytes"):
        a_server(Path("/tmp") / ("x" * SOCKET_PATH_BYTES))


def test_a_socket_without_a_path_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="give unix:PATH"):
        XdsServer(load_default(), Fleet(), XdsOptions("unix:"))
