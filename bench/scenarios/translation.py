"""HTTPRoutes and Backends compiled: from nothing, and with one of them changed; by hostname, and all under one.

CPU of this process, in which nothing else runs: a file each, no server, no store. `validate` is the whole command in a
process of its own.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from api.envoy.registry import load_default
from bench.documents import write_documents
from bench.fairlead import FAIRLEAD, ROOT
from bench.report import Report, memory_mib, percentile
from snapshots.authoring.compile import compile_documents
from snapshots.authoring.kept_workspace import KeptWorkspace
from snapshots.model import Document

COUNTS = (1_000, 10_000)
ROUNDS = 10
COLD_LIMIT_S = {1_000: 1.0, 10_000: 10.0}
WARM_LIMIT_MS = {1_000: 10.0, 10_000: 40.0}
VALIDATED, VALIDATE_LIMIT_S = 1_000, 2.0

_GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec: {gatewayClassName: fairlead, listeners: [{name: http, port: 8080, protocol: HTTP}]}
"""
_ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: r{number}, namespace: shop}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [{host}]
  rules:
  - matches: [{{path: {{type: PathPrefix, value: /v{change}/r{number}}}}}]
    backendRefs: [{{group: fairlead.dev, kind: Backend, name: b{number}}}]
"""
_BACKEND = """\
apiVersion: fairlead.dev/v1
kind: Backend
metadata: {{name: b{number}, namespace: shop}}
spec: {{endpoints: [{{address: 10.0.{high}.{low}, port: {port}}}]}}
"""

Make = Callable[[int, int], Document]


def route(number: int, change: int = 0) -> Document:
    """With a hostname of its own."""
    return _route(number, change, f"r{number}.example.com")


def shared(number: int, change: int = 0) -> Document:
    """Under the hostname of all."""
    return _route(number, change, "www.example.com")


def backend(number: int, change: int = 0) -> Document:
    text = _BACKEND.format(number=number, high=number >> 8, low=number & 255, port=8080 + change)
    return Document(f"b{number:05}.yaml", text.encode())


def _route(number: int, change: int, host: str) -> Document:
    return Document(f"r{number:05}.yaml", _ROUTE.format(number=number, change=change, host=host).encode())


async def run(report: Report) -> None:
    for count in COUNTS:
        _compile(report, f"of_{count}", route, count)
    _compile(report, f"of_{COUNTS[-1]}.one_host", shared, COUNTS[-1], limited=False)
    await _validate(report)


def _compile(report: Report, name: str, make: Make, count: int, *, limited: bool = True) -> None:
    site = {each.path: each for number in range(count) for each in (make(number, 0), backend(number))}
    site["gateway.yaml"] = Document("gateway.yaml", _GATEWAY.encode())
    kept = KeptWorkspace(load_default())
    cold_s = _cpu_s(list(site.values()), kept)
    limit = {"limit": COLD_LIMIT_S[count]} if limited else {}
    report.figure(f"{name}.cold", cold_s, "s of CPU from nothing", **limit)
    report.figure(f"{name}.memory", memory_mib(os.getpid()), "MiB of this process, with what is kept")
    for what, change in (("route", make), ("backend", backend)):
        warm_ms = []
        for number in range(1, ROUNDS + 1):
            document = change(number * 31 % count, number)
            site[document.path] = document
            warm_ms.append(_cpu_s(list(site.values()), kept) * 1000)
        limit = {"limit": WARM_LIMIT_MS[count]} if limited else {}
        report.figure(f"{name}.{what}", percentile(warm_ms, 50), f"ms of CPU with one {what} changed (median)", **limit)


def _cpu_s(documents: Sequence[Document], kept: KeptWorkspace) -> float:
    began_s = time.process_time()
    compilation = compile_documents(load_default(), documents, kept=kept)
    taken_s = time.process_time() - began_s
    if not compilation.ok:
        raise RuntimeError(str(compilation.findings[0]))
    return taken_s


async def _validate(report: Report) -> None:
    with TemporaryDirectory(prefix="fairlead-bench-") as directory:
        every = [each for number in range(VALIDATED) for each in (route(number), backend(number))]
        write_documents(Path(directory), [Document("gateway.yaml", _GATEWAY.encode()), *every])
        began_s = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *FAIRLEAD,
            "validate",
            directory,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=ROOT,
        )
        if await process.wait() != 0:
            raise RuntimeError(f"validate ended with {process.returncode}")
        words = f"s for fairlead validate of {VALIDATED} HTTPRoutes and {VALIDATED} Backends"
        report.figure("validate", time.perf_counter() - began_s, words, limit=VALIDATE_LIMIT_S)
