"""Build hook: generates what is made from protos, so that none of it is kept in the repository.

- Python stubs of our own protos (the management API, etcd's wire-compatible subset), by grpcio-tools.
- `api/envoy/descriptors.binpb`: Envoy's API as one FileDescriptorSet, from the descriptors inside xds-protos,
  which is needed here and nowhere at run time.

Run by `pip install`, by `python -m build`, and by `make proto`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PROTOS = ("api/management/v1/management.proto", "api/nodes/v1/nodes.proto", "snapshots/store/etcd/rpc.proto")
DESCRIPTORS = "api/envoy/descriptors.binpb"


class ProtoBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Writes the generated files into the source tree before it is packed."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "sdist":
            return
        root = Path(__file__).parent  # also where a distribution of its own below it is built (deploy/agent)
        generate_stubs(root)
        sys.path.insert(0, str(root))
        from api.envoy.build import write_descriptor_set

        write_descriptor_set(root / DESCRIPTORS)


def generate_stubs(root: Path) -> None:
    """Write `*_pb2.py`, `*_pb2.pyi` and `*_pb2_grpc.py` beside each proto. Raises RuntimeError when protoc refuses."""
    import grpc_tools
    from grpc_tools import protoc

    well_known = Path(grpc_tools.__file__).parent / "_proto"
    arguments = ["protoc", f"-I{root}", f"-I{well_known}"]
    arguments += [f"--{kind}_out={root}" for kind in ("python", "pyi", "grpc_python")]
    status = protoc.main([*arguments, *PROTOS])
    if status != 0:
        raise RuntimeError(f"protoc ended with {status} on {', '.join(PROTOS)}")
