"""Which resources hold secrets: those of type Secret, and whatever has a value in a field that Envoy's API marks."""

from __future__ import annotations

from agents.node.generations.generation import IsSecret
from api.envoy.registry import EnvoyApi
from api.envoy.sensitive import holds_secret
from api.errors import InvalidConfig
from xds.protocol.resource import Resource
from xds.protocol.types import SECRET


def secrets_of(api: EnvoyApi) -> IsSecret:
    """Tells resources that hold secrets; what cannot be read might, and counts as one."""

    def is_secret(resource: Resource) -> bool:
        if resource.type_url == SECRET:
            return True
        try:
            return holds_secret(api, api.parse(resource.type_url, resource.body))
        except InvalidConfig:
            return True

    return is_secret
