"""gRPC reflection beside the services of a server: what they are called, and their messages.

It reads the private pool of Envoy's API first and protobuf's own (health, reflection itself) second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from grpc import aio
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection

_Found = TypeVar("_Found")


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
