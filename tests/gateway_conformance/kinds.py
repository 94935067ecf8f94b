"""The kinds of objects that there are: a few of Kubernetes' own, and the Gateway API's from its definitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]
DEFINITIONS = "apiextensions.k8s.io"


@dataclass(frozen=True)
class Kind:
    """`versions`: those that clients may ask for, each with the schema that its defaults are in."""

    group: str
    name: str
    plural: str
    versions: dict[str, Object] = field(default_factory=dict, hash=False)
    namespaced: bool = True

    @property
    def key(self) -> str:
        return f"{self.plural}.{self.group}"


def _core(name: str, plural: str, group: str = "", namespaced: bool = True) -> Kind:
    return Kind(group, name, plural, {"v1": {}}, namespaced)


CORE = (
    _core("Namespace", "namespaces", namespaced=False),
    _core("Service", "services"),
    _core("Secret", "secrets"),
    _core("ConfigMap", "configmaps"),
    _core("Pod", "pods"),
    _core("ServiceAccount", "serviceaccounts"),
    _core("Deployment", "deployments", "apps"),
    _core("EndpointSlice", "endpointslices", "discovery.k8s.io"),
    _core("CustomResourceDefinition", "customresourcedefinitions", DEFINITIONS, namespaced=False),
)


def definitions(module: Path) -> list[Object]:
    """The CustomResourceDefinitions of the experimental channel, which has everything."""
    files = sorted((module / "config" / "crd" / "experimental").glob("*.yaml"))
    documents = (each for file in files for each in yaml.load_all(file.read_text(), yaml.CSafeLoader))
    return [each for each in documents if each and each.get("kind") == "CustomResourceDefinition"]


def defined(definition: Object) -> Kind:
    """The kind that a CustomResourceDefinition defines."""
    spec = definition["spec"]
    served = {each["name"]: each["schema"]["openAPIV3Schema"] for each in spec["versions"] if each["served"]}
    names = spec["names"]
    return Kind(spec["group"], names["kind"], names["plural"], served, spec["scope"] == "Namespaced")


def with_defaults(schema: Object, value: Any) -> Any:
    """The value with what its schema fills in, and without what is null: that is as good as absent."""
    if isinstance(value, dict):
        said = {key: each for key, each in value.items() if each is not None}
        return said | dict(_filled(schema.get("properties", {}), said))
    if isinstance(value, list):
        return [with_defaults(schema.get("items", {}), each) for each in value]
    return value


def _filled(properties: Object, value: Object) -> Iterator[tuple[str, Any]]:
    for name, schema in properties.items():
        if name in value or "default" in schema:
            yield name, with_defaults(schema, value.get(name, schema.get("default")))
