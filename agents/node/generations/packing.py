"""From what is held to the bytes of a file. No I/O here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from agents.node.generations.file_form import FORMAT, MAGIC, Entry, Label, Vault, json_line
from agents.node.generations.generation import Contents, IsSecret, ResourceName
from xds.protocol.resource import Resource


@dataclass(frozen=True, slots=True)
class Packed:
    """Contents on their way to a file. `content` is their digest: equal for what the same file would say.

    `secret` is sealed by the `vault`; without one these resources are left out.
    """

    revision: int
    plain: tuple[Resource, ...]
    secret: tuple[Resource, ...]
    left_out: tuple[ResourceName, ...]
    index: bytes
    content: str
    vault: Vault | None


def pack(contents: Contents, is_secret: IsSecret, vault: Vault | None) -> Packed:
    """Sort out what holds secrets, and say what the file is about to hold."""
    ordered = sorted(contents.resources, key=_name)
    secret = tuple(resource for resource in ordered if is_secret(resource))
    hidden = {_name(resource) for resource in secret}
    plain = tuple(resource for resource in ordered if _name(resource) not in hidden)
    left_out = tuple(sorted({*contents.left_out, *(() if vault else hidden)}))
    told = {
        "resources": [Entry.of(resource) for resource in plain],
        "whole": sorted(contents.whole),
        "left_out": left_out,
        "sealed": sorted(hidden) if vault else [],
    }
    keyed = vault.fingerprint(_entries(secret)) if vault and secret else ""
    return Packed(
        revision=contents.revision,
        plain=plain,
        secret=secret if vault else (),
        left_out=left_out,
        # Which names are absent is worth keeping and no content: it changes with whatever traffic asks for.
        index=json_line({**told, "absent": sorted(contents.absent)}),
        content=hashlib.sha256(json_line([told, keyed])).hexdigest(),
        vault=vault,
    )


def file_parts(packed: Packed, label: Label) -> Sequence[bytes]:
    """The file, in pieces. Bodies are those of the resources and not copied."""
    bodies = [resource.body for resource in packed.plain]
    secrets = b"".join((_entries(packed.secret), *(resource.body for resource in packed.secret)))
    vault = packed.vault if packed.secret else None
    sealed_bytes = len(secrets) + vault.overhead_bytes if vault else 0
    header = _header(packed, label, sealed_bytes, sum(map(len, bodies)))
    rest = [header, packed.index, vault.seal(secrets, header) if vault else b"", *bodies]
    digest = hashlib.sha256()
    for part in rest:
        digest.update(part)
    return [b"%s%d %s\n" % (MAGIC, FORMAT, digest.hexdigest().encode()), *rest]


def _header(packed: Packed, label: Label, sealed_bytes: int, bodies_bytes: int) -> bytes:
    return json_line(
        {
            **label._asdict(),
            "revision": packed.revision,
            "content": packed.content,
            "resource_count": len(packed.plain) + len(packed.secret),
            "left_out_count": len(packed.left_out),
            "sealed_count": len(packed.secret),
            "index_bytes": len(packed.index),
            "sealed_bytes": sealed_bytes,
            "bodies_bytes": bodies_bytes,
        }
    )


def _entries(resources: Sequence[Resource]) -> bytes:
    return json_line([Entry.of(resource) for resource in resources])


def _name(resource: Resource) -> ResourceName:
    return ResourceName(resource.type_url, resource.name)
