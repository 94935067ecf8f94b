"""The pages of docs/authoring and the documents that they show: as they are, and so that an Envoy can take them all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from snapshots.model import Document
from snapshots.store.etcd.ports import free_port
from tests.spine import ROOT

PAGES = tuple(sorted((ROOT / "docs" / "authoring").glob("*.md")))
_EXAMPLE = re.compile(r"^```yaml\n(.*?)^```$", re.S | re.M)
_LISTENING = ("Gateway", "ListenerSet")


def example_of(page: Path) -> str:
    """All documents that a page shows, one after the other; empty if it shows none."""
    return "---\n".join(_EXAMPLE.findall(page.read_text()))


SHOWING = tuple(page for page in PAGES if example_of(page))


def servable(page: Path) -> list[Document]:
    """What a page shows, in namespaces of its own and on free ports of 127.0.0.1; without a Workspace."""
    objects = [each for each in yaml.safe_load_all(example_of(page)) if each["kind"] != "Workspace"]
    own = [_in_namespaces(each, f"-{page.stem.lower()}") for each in objects]
    return [Document(f"{number}.yaml", json.dumps(_listening_here(each)).encode()) for number, each in enumerate(own)]


def _in_namespaces(value: Any, suffix: str) -> Any:
    """The same with a suffix to every namespace that is named."""
    if isinstance(value, dict):
        return {
            key: f"{each}{suffix}" if key == "namespace" else _in_namespaces(each, suffix)
            for key, each in value.items()
        }
    return [_in_namespaces(each, suffix) for each in value] if isinstance(value, list) else value


def _listening_here(document: dict[str, Any]) -> dict[str, Any]:
    """Listeners that share a port go on sharing one."""
    if document["kind"] not in _LISTENING:
        return document
    listeners = document["spec"]["listeners"]
    ports = {each["port"]: free_port() for each in listeners}
    spec = document["spec"] | {"listeners": [each | {"port": ports[each["port"]]} for each in listeners]}
    if document["kind"] == "Gateway":
        spec["addresses"] = [{"value": "127.0.0.1"}]
    return document | {"spec": spec}
