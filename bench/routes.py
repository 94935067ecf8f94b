"""HTTPRoutes as authors write them: a Gateway, and so many routes with a Backend each, laid out in one of three ways.

All Backends are the same place on loopback. A route that was changed puts a header into its answers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

HEADER = "x-change"

_GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: edge, namespace: shop}}
spec:
  gatewayClassName: fairlead
  addresses: [{{value: 127.0.0.1}}]
  listeners: [{{name: http, port: {port}, protocol: HTTP}}]
"""
_BACKEND = """\
apiVersion: fairlead.dev/v1
kind: Backend
metadata: {{name: b-{number:05}, namespace: shop}}
spec: {{endpoints: [{{address: 127.0.0.1, port: {port}}}]}}
"""
_ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: r-{number:05}, namespace: shop}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [{host}]
  rules:
  - backendRefs: [{{group: fairlead.dev, kind: Backend, name: b-{number:05}}}]
"""
_MATCH = '    matches: [{{path: {{type: PathPrefix, value: "{path}"}}}}]\n'
_HEADER = """\
    filters:
    - type: ResponseHeaderModifier
      responseHeaderModifier: {{set: [{{name: {name}, value: "{change}"}}]}}
"""


class Layout(Enum):
    """How the routes lie in the directory, and what tells them apart."""

    FILES = "files"  # a file and a hostname each
    ONE_FILE = "one_file"  # a hostname each, all in one file
    ONE_HOST = "one_host"  # a file each; one hostname, and a path each


@dataclass(frozen=True, slots=True)
class Routes:
    """What to write and what to ask. `port`: the Gateway's; `upstream`: that of the Backends."""

    layout: Layout
    count: int
    port: int
    upstream: int

    def host(self, number: int) -> str:
        return "shop.example.com" if self.layout is Layout.ONE_HOST else f"h-{number:05}.example.com"

    def path(self, number: int) -> str:
        return f"/p-{number:05}" if self.layout is Layout.ONE_HOST else "/"

    def write(self, directory: Path) -> None:
        """All of them, into an empty directory that is then moved to `directory`, as one save."""
        building = directory.with_name(f".{directory.name}")
        for name, text in self._files():
            path = building / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        os.rename(building, directory)

    def change(self, directory: Path, number: int, change: str) -> None:
        """Save one route anew, so that its answers have `change` in their header."""
        if self.layout is Layout.ONE_FILE:
            texts = (self._route(each, change if each == number else "") for each in range(self.count))
            (directory / "routes.yaml").write_text("---\n".join(texts))
        else:
            (directory / f"routes/{number:05}.yaml").write_text(self._file(number, change))

    def _files(self) -> Iterator[tuple[str, str]]:
        yield "gateway.yaml", _GATEWAY.format(port=self.port)
        if self.layout is Layout.ONE_FILE:
            yield "backends.yaml", "---\n".join(map(self._backend, range(self.count)))
            yield "routes.yaml", "---\n".join(map(self._route, range(self.count)))
            return
        for number in range(self.count):
            yield f"routes/{number:05}.yaml", self._file(number)

    def _file(self, number: int, change: str = "") -> str:
        return f"{self._route(number, change)}---\n{self._backend(number)}"

    def _route(self, number: int, change: str = "") -> str:
        text = _ROUTE.format(number=number, host=self.host(number))
        if self.layout is Layout.ONE_HOST:
            text += _MATCH.format(path=self.path(number))
        return text + (_HEADER.format(name=HEADER, change=change) if change else "")

    def _backend(self, number: int) -> str:
        return _BACKEND.format(number=number, port=self.upstream)
