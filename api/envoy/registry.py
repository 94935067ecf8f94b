"""Envoy's API at run time: the one file that owns the descriptor pool.

The pool is private. Protobuf's default pool belongs to whoever else lives in the process, and two copies of a file
in it are an error. Nothing is read before `EnvoyApi.load`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from threading import Lock
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message

from api.envoy.descriptor_sets import built_in_files, with_extra_files
from api.envoy.files_on_demand import FilesOnDemand
from api.envoy.problem import did_you_mean
from api.envoy.type_names import TypeNames
from api.errors import InvalidConfig

DESCRIPTORS = "descriptors.binpb"
TYPE_URL_PREFIX = "type.googleapis.com/"


class EnvoyApi:
    """Every message type of Envoy's API, by full name and by type URL."""

    def __init__(self, pool: DescriptorPool, file_names: Sequence[str]) -> None:
        self.pool = pool
        self._names = TypeNames(pool, file_names)
        self._classes: dict[str, type[Message]] = {}
        self._lock = Lock()  # a pool that takes in files as they are needed takes each in once

    @classmethod
    def load(cls, extra_descriptor_sets: Sequence[Path] = (), *, on_demand: bool = False) -> EnvoyApi:
        """The built-in API, with serialised `FileDescriptorSet`s laid over it (a newer Envoy, extensions of your own).

        `on_demand`: for a process that must stay small; what is built in goes into memory as it is used, as long as
        nothing is laid over it. Raises InvalidConfig when a set cannot be read, conflicts with another, or lacks what
        it imports.
        """
        files = built_in_files((resources.files("api.envoy") / DESCRIPTORS).read_bytes())
        if on_demand and not extra_descriptor_sets:
            return cls(DescriptorPool(FilesOnDemand(files)), tuple(files))
        if extra_descriptor_sets:
            files = with_extra_files(files, extra_descriptor_sets)
        pool = DescriptorPool()
        for name, serialized in files.items():
            try:
                pool.AddSerializedFile(serialized)
            except TypeError as error:
                raise InvalidConfig(f"descriptor file {name} does not fit the others: {error}") from error
        return cls(pool, tuple(files))

    def knows(self, type_url: str) -> bool:
        """Whether `type_url` (`type.googleapis.com/` and a message's full name) is a type of this API."""
        return "/" in type_url and self._class(_full_name(type_url)) is not None

    def similar_types(self, type_url: str) -> tuple[str, ...]:
        """Type URLs that may have been meant, the likeliest first; at most three."""
        return tuple(TYPE_URL_PREFIX + name for name in self._names.similar(_full_name(type_url)))

    def message_class(self, full_name: str) -> type[Message]:
        """The class of a message such as `envoy.service.discovery.v3.DiscoveryRequest`. Raises InvalidConfig."""
        found = self._class(full_name)
        if found is None:
            hint = did_you_mean(full_name, self._names.similar(full_name))
            raise InvalidConfig(f"unknown message type {full_name}" + (f"; {hint}" if hint else ""))
        return found

    def new(self, full_name: str) -> Message:
        """An empty message. Raises InvalidConfig when there is no such type."""
        return self.message_class(full_name)()

    def parse(self, type_url: str, body: bytes) -> Message:
        """The message in `body`. Raises InvalidConfig when the type is unknown or the bytes are not a message of it."""
        message = self.message_class(_full_name(type_url))()
        try:
            message.ParseFromString(body)
        except DecodeError as error:
            raise InvalidConfig(f"these {len(body)} bytes are not a {message.DESCRIPTOR.full_name}: {error}") from error
        return message

    def unpacked(self, packed: Any) -> Message | None:
        """What a google.protobuf.Any holds; None when its type is unknown or its bytes are broken."""
        if not self.knows(packed.type_url):
            return None
        message = self.new(_full_name(packed.type_url))
        try:
            message.ParseFromString(packed.value)
        except DecodeError:
            return None
        return message

    def _class(self, full_name: str) -> type[Message] | None:
        found = self._classes.get(full_name)
        if found is None:
            try:
                with self._lock:
                    descriptor: Descriptor = self.pool.FindMessageTypeByName(full_name)
            except KeyError:
                return None  # Not remembered: clients ask for whatever they like, without end.
            found = self._classes[full_name] = message_factory.GetMessageClass(descriptor)
        return found


@cache
def load_default() -> EnvoyApi:
    """The built-in API, loaded once for the whole process."""
    return EnvoyApi.load()


def type_url_of(message: Message) -> str:
    """`type.googleapis.com/` and the message's full name."""
    return TYPE_URL_PREFIX + message.DESCRIPTOR.full_name


def _full_name(type_url: str) -> str:
    return type_url.rpartition("/")[2]
