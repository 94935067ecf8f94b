"""Documents as authors write them: one Cluster each, about 460 bytes, no two alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from snapshots.model import Document

_TEXT = """\
apiVersion: fairlead.dev/v1
kind: EnvoyResource
metadata:
  name: {name}
spec:
  "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: {name}
  type: STRICT_DNS
  connect_timeout: 1.{change:06}s
  load_assignment:
    cluster_name: {name}
    endpoints:
    - lb_endpoints:
      - endpoint:
          address:
            socket_address:
              address: {host}.internal
              port_value: {port}
"""


def cluster_document(name: str, change: int = 0) -> Document:
    """One Cluster in a file of its own; `change` makes it another one of the same size."""
    # Hosts that do not compress, as real ones do not.
    host = hashlib.sha256(name.encode()).hexdigest()[:16]
    port = 1024 + int(host[:4], 16) % 60_000
    return Document(f"{name}.yaml", _TEXT.format(name=name, change=change, host=host, port=port).encode())


def endpoints_document(name: str, count: int) -> Document:
    """A Cluster of type EDS and so many endpoints of it."""
    envelope = "apiVersion: fairlead.dev/v1\nkind: EnvoyResource\nmetadata: {{name: {name}}}\nspec:\n"
    cluster = (
        f'  "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster\n  name: {name}\n  type: EDS\n'
        "  eds_cluster_config: {eds_config: {resource_api_version: V3, ads: {}}}\n"
    )
    addresses = "".join(
        f"    - endpoint: {{address: {{socket_address: {{address: {endpoint_address(number)}, port_value: 8080}}}}}}\n"
        for number in range(count)
    )
    assignment = (
        f'  "@type": type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment\n  cluster_name: {name}\n'
        f"  endpoints:\n  - lb_endpoints:\n{addresses}"
    )
    pieces = (envelope.format(name=name) + cluster, envelope.format(name=f"{name}-endpoints") + assignment)
    return Document(f"{name}.yaml", "---\n".join(pieces).encode())


def endpoint_address(number: int) -> str:
    """The address of an endpoint of `endpoints_document`; its port is 8080."""
    return f"10.0.{number // 250}.{number % 250}"


def cluster_documents(prefix: str, count: int) -> list[Document]:
    """So many of them, named `<prefix>-00000` and on."""
    return [cluster_document(f"{prefix}-{number:05}") for number in range(count)]


def write_documents(directory: Path, documents: Iterable[Document]) -> None:
    """As the files that an author has."""
    for document in documents:
        Path(directory, document.path).write_bytes(document.content)
