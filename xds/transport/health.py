"""gRPC health and reflection beside the services of a server.

Health is told for the server as a whole ("") and for each service: SERVING only while the server is ready. Reflection
reads the private pool of Envoy's API first and protobuf's own (health, reflection itself) second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

# The servicer tells its watchers one after another; one that does not read must not hold up the others.
TELL_WATCHERS_S = 1.0

_Found = TypeVar("_Found")


class Health:
    """The health service of one server, NOT_SERVING at first."""

    def __init__(self, server: aio.Server, services: Iterable[str]) -> None:
        self._servicer: Any = health.aio.HealthServicer()  # type: ignore[attr-defined]  # the stubs leave it out
        self._services = ("", *services)
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    async def serving(self, is_serving: bool) -> None:
        """Tell whoever asks or watches."""
        statuses = health_pb2.HealthCheckResponse
        status = statuses.SERVING if is_serving else statuses.NOT_SERVING
        for service in self._services:
            with suppress(TimeoutError):
                async with asyncio.timeout(TELL_WATCHERS_S):
                    await self._servicer.set(service, status)


class _BothPools:
    """The lookups that reflection makes, answered by the first pool that knows."""

    def __init__(self, *pools: DescriptorPool) -> None:
        self._pools = pools

    def FindFileByName(self, name: str) -> FileDescriptor:
        return self._first(lambda pool: pool.FindFileByName(name))

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:
        return self._first(lambda pool: pool.FindFileContainingSymbol(symbol))

    def FindMessageTypeByName(self, full_name: str) -> Descriptor:
        return self._first(lambda pool: pool.FindMessageTypeByName(full_name))

    def FindExtensionByNumber(self, message: Descriptor, number: int) -> FieldDescriptor:
        return self._first(lambda pool: pool.FindExtensionByNumber(message, number))

    def FindAllExtensions(self, message: Descriptor) -> list[FieldDescriptor]:
        return self._first(lambda pool: pool.FindAllExtensions(message))

    def _first(self, look_up: Callable[[DescriptorPool], _Found]) -> _Found:
        for pool in self._pools:
            with suppress(KeyError):
                return look_up(pool)
        raise KeyError


def add_reflection(server: aio.Server, services: Iterable[str], pool: DescriptorPool | None = None) -> None:
    """List `services`, and describe whatever is in `pool` or in protobuf's own."""
    default = descriptor_pool.Default()
    health_name = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
    names = (*services, health_name, reflection.SERVICE_NAME)
    both: Any = _BothPools(*([pool] if pool else []), default)
    reflection.enable_server_reflection(names, server, pool=both)
