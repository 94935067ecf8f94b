"""Run the suite: `python -m tests.gateway_conformance`, or one test of it with `--test HTTPRouteWeight`."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import yaml

from api.management.client import ManagementClient
from examples.demo.envoy import Envoy
from snapshots.authoring.gateway.features import SUPPORTED_FEATURES
from snapshots.authoring.gateway.world import CONTROLLER_NAME
from tests.gateway_conformance.api import Api, kubeconfig
from tests.gateway_conformance.bridge import GROUP, Bridge
from tests.gateway_conformance.kinds import CORE, Object, defined, definitions
from tests.gateway_conformance.pods import Pods
from tests.gateway_conformance.store import Store
from tests.spine import ROOT, ServerProcess

CLASS = "fairlead"
MODULE = "sigs.k8s.io/gateway-api"
SUITE = ROOT / "tests" / "gateway_conformance" / "suite"
# Go tells of results when all is done, and of what it begins with at once.
_BEGUN = re.compile(r"^=== RUN   TestConformance/([^/\s]+)$")
_RESULT = re.compile(r"^    --- (PASS|FAIL|SKIP): TestConformance/(\S+) ")
_PERIOD_S = 0.1


def main() -> int:
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        directory = Path(name)
        crds = definitions(_module())
        store = Store((*CORE, *map(defined, crds)))
        _prepare(store, crds)
        pods = Pods(store, arguments.binaries / "echo-basic", directory / "pods")
        stack.callback(pods.stop)
        api = stack.enter_context(Api(store, pods.logs))
        (directory / "kubeconfig").write_text(yaml.safe_dump(kubeconfig(api.url)))
        server = ServerProcess(directory / "server", "--memory").start()
        stack.callback(server.stop)
        envoy = Envoy.start(directory / "envoy", server.xds, group=GROUP)
        stack.callback(envoy.stop)
        return asyncio.run(_run(arguments, directory, store, pods, server))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binaries", type=Path, default=ROOT / ".cache" / "gateway-conformance")
    parser.add_argument("--test", default="", help="the name of one; all without")
    parser.add_argument("--report", default="", help="where to write the official report")
    return parser.parse_args()


def _module() -> Path:
    command = ("go", "list", "-m", "-f", "{{.Dir}}", MODULE)
    return Path(subprocess.run(command, cwd=SUITE, capture_output=True, text=True, check=True).stdout.strip())


def _prepare(store: Store, crds: list[Object]) -> None:
    """What is there before the suite comes."""
    for each in crds:
        store.create(store.kind("CustomResourceDefinition"), "", each)
    spec = {"controllerName": CONTROLLER_NAME}
    own = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "GatewayClass", "metadata": {"name": CLASS}}
    store.create(store.kind("GatewayClass"), "", own | {"spec": spec})


async def _run(arguments: argparse.Namespace, directory: Path, store: Store, pods: Pods, server: ServerProcess) -> int:
    """The suite beside what it needs; ends with it."""
    async with ManagementClient(server.management) as client, asyncio.TaskGroup() as group:
        following = group.create_task(_follow(Bridge(store, client, pods), pods))
        code = await _suite(arguments, directory)
        following.cancel()
    return code


async def _follow(bridge: Bridge, pods: Pods) -> None:
    while True:
        await asyncio.to_thread(pods.settle)
        await bridge.settle()
        await asyncio.sleep(_PERIOD_S)


async def _suite(arguments: argparse.Namespace, directory: Path) -> int:
    command = [
        str(arguments.binaries / "suite.test"), "-test.v", "-test.timeout=2h", "-test.run=^TestConformance$",
        f"-gateway-class={CLASS}", f"-supported-features={','.join(SUPPORTED_FEATURES)}", "-disable-parallel-tests",
        "-usable-address=127.67.0.1", "-usable-address=127.67.0.2", "-unusable-address=198.51.100.7",
        *([f"-run-test={arguments.test}"] if arguments.test else []),
        *([f"-report-output={arguments.report}"] if arguments.report else []),
    ]  # fmt: skip
    environment = os.environ | {"KUBECONFIG": str(directory / "kubeconfig")}
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    results: list[tuple[str, str]] = []
    with (arguments.binaries / "suite.log").open("wb") as log:
        async for line in process.stdout:
            log.write(line)
            text = line.decode(errors="replace").rstrip("\n")
            if found := _BEGUN.match(text):
                print(found[1], flush=True)
            if found := _RESULT.match(text):
                results.append((found[1], found[2]))
    code = await process.wait()
    _tell(results)
    print(f"all of it is in {arguments.binaries / 'suite.log'}")
    return code


def _tell(results: list[tuple[str, str]]) -> None:
    """What failed, and how many did not."""
    for result, name in results:
        if result == "FAIL":
            print(f"failed: {name}")
    counts = Counter(result for result, _ in results)
    print(f"{counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped")


if __name__ == "__main__":
    sys.exit(main())
