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


def cluster_documents(prefix: str, count: int) -> list[Document]:
    """So many of them, named `<prefix>-00000` and on."""
    return [cluster_document(f"{prefix}-{number:05}") for number in range(count)]


def write_documents(directory: Path, documents: Iterable[Document]) -> None:
    """As the files that an author has."""
    for document in documents:
        Path(directory, document.path).write_bytes(document.content)
