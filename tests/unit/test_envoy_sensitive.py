"""Which messages hold a secret: by the fields that Envoy's API marks, wherever they are."""

from __future__ import annotations

from typing import Any

import pytest

from api.envoy.json_form import from_json
from api.envoy.registry import load_default
from api.envoy.sensitive import holds_secret

ENVOY = "type.googleapis.com/envoy."
TLS = ENVOY + "extensions.transport_sockets.tls.v3."
ROUTE = ENVOY + "config.route.v3.RouteConfiguration"
BASIC_AUTH = ENVOY + "extensions.filters.http.basic_auth.v3.BasicAuthPerRoute"
CREDENTIALS = ENVOY + "extensions.common.aws.v3.InlineCredentialProvider"


def holds(data: dict[str, Any]) -> bool:
    parsed = from_json(load_default(), data)
    assert parsed.message is not None
    return holds_secret(load_default(), parsed.message)


def a_cluster(**tls: object) -> dict[str, Any]:
    config = {"@type": TLS + "UpstreamTlsContext", "common_tls_context": tls}
    socket = {"name": "tls", "typed_config": config}
    return {"@type": ENVOY + "config.cluster.v3.Cluster", "name": "web", "transport_socket": socket}


def with_key(**source: str) -> dict[str, Any]:
    return a_cluster(tls_certificates=[{"private_key": source}])


def a_route(config: dict[str, Any]) -> dict[str, Any]:
    return {"@type": ROUTE, "name": "shop", "typed_per_filter_config": {"auth": config}}


def a_typed_struct(type_url: str, **value: object) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/xds.type.v3.TypedStruct", "type_url": type_url, "value": value}


def nested_in_itself(levels: int) -> Any:
    api = load_default()
    inner: Any = api.new("envoy.config.route.v3.RouteConfiguration")
    for _ in range(levels):
        outer: Any = api.new("envoy.config.route.v3.RouteConfiguration")
        outer.typed_per_filter_config["auth"].type_url = ROUTE
        outer.typed_per_filter_config["auth"].value = inner.SerializeToString()
        inner = outer
    return inner


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(with_key(inline_string="k"), id="a key in a list in an Any"),
        pytest.param(a_route({"@type": BASIC_AUTH, "users": {"inline_bytes": "dTpw"}}), id="in a map of Anys"),
        pytest.param({"@type": CREDENTIALS, "secret_access_key": "k"}, id="a field that is text"),
        pytest.param(
            {"@type": TLS + "Secret", "generic_secret": {"secrets": {"a": {"inline_string": "s"}}}}, id="in a map"
        ),
        pytest.param(
            {"@type": TLS + "Secret", "session_ticket_keys": {"keys": [{"inline_string": "s"}]}}, id="in a list"
        ),
        pytest.param(
            a_route(a_typed_struct(BASIC_AUTH, users={"inline_string": "u:p"})), id="in a TypedStruct of a known type"
        ),
    ],
)
def test_a_value_in_a_sensitive_field_is_found(message: dict[str, Any]) -> None:
    assert holds(message)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(a_cluster(), id="nothing"),
        pytest.param(with_key(filename="/etc/tls/key.pem"), id="the name of a file is no secret"),
        pytest.param(with_key(environment_variable="KEY"), id="nor is the name of a variable"),
        pytest.param(a_cluster(validation_context={"trusted_ca": {"inline_string": "CA"}}), id="a CA is public"),
        pytest.param({"@type": CREDENTIALS, "access_key_id": "public"}, id="an empty sensitive field"),
        pytest.param(a_route(a_typed_struct(BASIC_AUTH)), id="an empty TypedStruct"),
        pytest.param(
            a_route(a_typed_struct("type.googleapis.com/x.Y", users="u")), id="a TypedStruct of an unknown type"
        ),
    ],
)
def test_what_holds_no_secret_is_told_apart(message: dict[str, Any]) -> None:
    assert not holds(message)


def test_what_is_nested_too_deeply_to_be_looked_at_counts_as_a_secret() -> None:
    assert not holds_secret(load_default(), nested_in_itself(5))
    assert holds_secret(load_default(), nested_in_itself(200))
