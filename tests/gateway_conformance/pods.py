"""Deployments as processes of this machine, and the EndpointSlices of Services, as a cluster would have them.

Each Pod has an address of its own in the store and, on this machine, ports of its own of 127.0.0.1: `reached` says
which of these stands for which of its. The suite's backend takes its ports from the environment. In place of CoreDNS
something answers that knows no names: the suite asks whether one does.
"""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path

from snapshots.store.etcd.ports import free_port
from tests.gateway_conformance.kinds import Object
from tests.gateway_conformance.store import Refused, Store, now
from tests.spine import listens

# Variables of the backend that name a port, and the port without one.
_STREAMS, _RAW, _PACKETS = (
    {"HTTP_PORT": 3000, "H2C_PORT": 3001, "HTTPS_PORT": 8443},
    {"TCP_PORT": 3000, "TLS_PORT": 8443},
    {"UDP_PORT": 8080},
)
_DNS_PORT = 53
_MANAGER = {"endpointslice.kubernetes.io/managed-by": "pods"}


@dataclass
class Pod:
    """One that runs. `ports`: (protocol, port in the Pod) -> the port of this machine."""

    namespace: str
    name: str
    address: str
    labels: dict[str, str]
    container: str
    ports: dict[tuple[str, int], int]
    process: subprocess.Popen[bytes] | None = None
    lines: list[tuple[float, bytes]] = field(default_factory=list)
    answering: socket.socket | None = None

    def is_ready(self) -> bool:
        streams = [port for (protocol, _), port in self.ports.items() if protocol == "TCP"]
        return all(map(listens, streams[:1])) if streams else True

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        if self.answering is not None:
            self.answering.close()


class Pods:
    """Follows the store. `backend`: the program that the suite's images stand for."""

    def __init__(self, store: Store, backend: Path, directory: Path) -> None:
        self._store, self._backend, self._directory = store, backend, directory
        self._running: dict[tuple[str, str], list[Pod]] = {}
        self._addresses = (f"10.244.{number // 250}.{number % 250 + 1}" for number in count())

    def reached(self, address: str, protocol: str, port: int) -> int | None:
        """The port of this machine that stands for a Pod's, if there is such a Pod."""
        found = (pod for pods in list(self._running.values()) for pod in pods if pod.address == address)
        return next((pod.ports.get((protocol, port)) for pod in found), None)

    def logs(self, namespace: str, name: str, since: str) -> bytes:
        """What a Pod has written since a time."""
        from_s = datetime.fromisoformat(since).timestamp() if since else 0.0
        pods = (pod for found in list(self._running.values()) for pod in found)
        pod = next((each for each in pods if (each.namespace, each.name) == (namespace, name)), None)
        return b"".join(line for at_s, line in list(pod.lines) if at_s >= from_s) if pod else b""

    def settle(self) -> None:
        """Start what is wanted, end what is not, and say where everything is."""
        deployments = {_key(each): each for each in self._store.all(self._store.kind("Deployment"))}
        for key in self._running.keys() - deployments.keys():
            self._end(self._running.pop(key))
        for key, each in deployments.items():
            if key not in self._running:
                started = self._started(each)
                if started is not None:
                    self._running[key] = started
        self._tell_pods()
        self._tell_slices()

    def stop(self) -> None:
        for pods in self._running.values():
            for each in pods:
                each.end()

    def _end(self, pods: list[Pod]) -> None:
        for each in pods:
            each.end()
            self._gone("Pod", each.namespace, each.name)

    def _gone(self, kind: str, namespace: str, name: str) -> None:
        try:
            self._store.delete(self._store.kind(kind), namespace, name)
        except Refused:
            """Gone with its namespace."""

    def _started(self, deployment: Object) -> list[Pod] | None:
        """Its Pods; None while a Secret is not there."""
        namespace, name = _key(deployment)
        template = deployment["spec"]["template"]
        (container,) = template["spec"]["containers"]
        mounted = self._mounted(namespace, name, template["spec"], container)
        if mounted is None:
            return None
        numbers = range(deployment["spec"].get("replicas", 1))
        labels = template["metadata"].get("labels", {})
        pods = [
            Pod(namespace, f"{name}-pods-{number}", next(self._addresses), labels, container["name"], {})
            for number in numbers
        ]
        for each in pods:
            self._start(each, container, mounted)
        return pods

    def _mounted(self, namespace: str, name: str, spec: Object, container: Object) -> dict[str, str] | None:
        """Where what is mounted is on this machine."""
        volumes = {each["name"]: each for each in spec.get("volumes", ())}
        found = {}
        for mount in container.get("volumeMounts", ()):
            files = self._files(namespace, volumes[mount["name"]])
            if files is None:
                return None
            directory = self._directory / namespace / name / mount["name"]
            directory.mkdir(parents=True, exist_ok=True)
            for path, content in files.items():
                (directory / path).write_bytes(content)
            found[mount["mountPath"]] = str(directory)
        return found

    def _files(self, namespace: str, volume: Object) -> dict[str, bytes] | None:
        """What a Secret or a ConfigMap holds; None if it is not there."""
        kind, source = ("Secret", volume["secret"]) if "secret" in volume else ("ConfigMap", volume["configMap"])
        try:
            held = self._store.get(self._store.kind(kind), namespace, source.get("secretName") or source["name"])
        except Refused:
            return None
        read = base64.b64decode if kind == "Secret" else str.encode
        data = {key: read(value) for key, value in held.get("data", {}).items()}
        items = source.get("items") or [{"key": key, "path": key} for key in data]
        return {item["path"]: data[item["key"]] for item in items}

    def _start(self, pod: Pod, container: Object, mounted: dict[str, str]) -> None:
        if "coredns" in container["image"]:
            pod.answering = _answering()
            pod.ports["UDP", _DNS_PORT] = pod.answering.getsockname()[1]
            return
        environment = dict(_environment(pod, container, mounted))
        kind = _PACKETS if "UDP_ECHO_SERVER" in environment else _RAW if "TCP_ECHO_SERVER" in environment else _STREAMS
        for variable, port in kind.items():
            actual = free_port()
            pod.ports["UDP" if kind is _PACKETS else "TCP", int(environment.get(variable, port))] = actual
            environment[variable] = str(actual)
        pod.process = subprocess.Popen(
            [str(self._backend)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        threading.Thread(target=_read, args=(pod,), daemon=True).start()

    def _tell_pods(self) -> None:
        """A Pod is there once it is ready."""
        kind = self._store.kind("Pod")
        there = {_key(each) for each in self._store.all(kind)}
        for pods in self._running.values():
            for each in pods:
                if (each.namespace, each.name) not in there and each.is_ready():
                    self._store.create(kind, each.namespace, _pod(each))

    def _tell_slices(self) -> None:
        kind = self._store.kind("EndpointSlice")
        there = {
            _key(each): each for each in self._store.all(kind) if _MANAGER.items() <= each["metadata"]["labels"].items()
        }
        wanted = {_key(each): each for each in self._slices()}
        for namespace, name in there.keys() - wanted.keys():
            self._gone("EndpointSlice", namespace, name)
        for key in wanted.keys() - there.keys():
            self._store.create(kind, key[0], wanted[key])

    def _slices(self) -> Iterator[Object]:
        ready = {_key(each) for each in self._store.all(self._store.kind("Pod"))}
        pods = [each for found in self._running.values() for each in found if (each.namespace, each.name) in ready]
        for service in self._store.all(self._store.kind("Service")):
            selector = service["spec"].get("selector")
            for pod in pods if selector else ():
                if pod.namespace == service["metadata"]["namespace"] and selector.items() <= pod.labels.items():
                    yield _slice(service, pod)


def _key(each: Object) -> tuple[str, str]:
    return each["metadata"].get("namespace", ""), each["metadata"]["name"]


def _environment(pod: Pod, container: Object, mounted: dict[str, str]) -> Iterator[tuple[str, str]]:
    fields = {"metadata.name": pod.name, "metadata.namespace": pod.namespace, "status.podIP": pod.address}
    yield "PATH", os.environ["PATH"]
    for each in container.get("env", ()):
        value = each.get("value", "") or fields.get(each.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath"), "")
        for path, directory in mounted.items():
            value = value.replace(path, directory, 1) if value.startswith(path) else value
        yield each["name"], value


def _pod(pod: Pod) -> Object:
    conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": now()}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod.name, "labels": pod.labels},
        "spec": {"containers": [{"name": pod.container, "image": "-"}]},
        "status": {
            "phase": "Running",
            "podIP": pod.address,
            "podIPs": [{"ip": pod.address}],
            "conditions": conditions,
        },
    }


def _slice(service: Object, pod: Pod) -> Object:
    ports = []
    for each in service["spec"]["ports"]:
        protocol, target = each.get("protocol", "TCP"), each.get("targetPort", each["port"])
        if (protocol, target) in pod.ports:
            said = {key: each[key] for key in ("name", "appProtocol") if key in each}
            ports.append(said | {"protocol": protocol, "port": target})
    name = service["metadata"]["name"]
    labels = {"kubernetes.io/service-name": name} | _MANAGER
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{name}-{pod.name}", "namespace": pod.namespace, "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [pod.address], "conditions": {"ready": True}}],
        "ports": ports,
    }


def _read(pod: Pod) -> None:
    assert pod.process is not None
    assert pod.process.stdout is not None
    for line in pod.process.stdout:
        pod.lines.append((time.time(), line))


def _answering() -> socket.socket:
    """A name server that gives every question back, with no answer to it."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                question, client = server.recvfrom(512)
            except OSError:
                return
            server.sendto(question[:2] + b"\x84\x00" + question[4:6] + b"\x00" * 6 + _first(question), client)

    threading.Thread(target=answer, daemon=True).start()
    return server


def _first(question: bytes) -> bytes:
    """The question itself: a name, which ends with an octet of 0, its type and its class."""
    end = question.index(b"\x00", 12) + 5
    return question[12:end]
