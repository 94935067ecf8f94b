"""Filters of HTTP and gRPC routes: what is done to a request or response on its way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from snapshots.authoring.kinds.model import (
    HeaderName,
    HeaderValue,
    Model,
    PortNumber,
    PreciseHostname,
    Wrong,
    Wrongs,
)
from snapshots.authoring.kinds.references import BackendObjectReference, LocalObjectReference, check_backend
from snapshots.authoring.yaml_nodes import Path

Method = Literal["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
_ReplacedPath = Annotated[str, Meta(max_length=1024)]
_ORIGIN = r"(^\*$)|(^(http(s)?):\/\/(((\*\.)?([a-zA-Z0-9\-]+\.)*[a-zA-Z0-9-]+|\*)(:([0-9]{1,5}))?)$)"
_AUTH_PATH = r"^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$"
_Origin = Annotated[str, Meta(min_length=1, max_length=253, pattern=_ORIGIN)]


class Header(Model, frozen=True, kw_only=True):
    name: HeaderName
    value: HeaderValue


class HeaderModifier(Model, frozen=True, kw_only=True):
    """`set` replaces, `add` appends, `remove` takes away."""

    set: Annotated[tuple[Header, ...], Meta(max_length=16)] = ()
    add: Annotated[tuple[Header, ...], Meta(max_length=16)] = ()
    remove: Annotated[tuple[str, ...], Meta(max_length=16)] = ()


class Fraction(Model, frozen=True, kw_only=True):
    numerator: Annotated[int, Meta(ge=0)]
    denominator: Annotated[int, Meta(ge=1)] = 100


class RequestMirror(Model, frozen=True, kw_only=True):
    backend_ref: BackendObjectReference
    percent: Annotated[int, Meta(ge=0, le=100)] | None = None
    fraction: Fraction | None = None


class PathModifier(Model, frozen=True, kw_only=True):
    type: Literal["ReplaceFullPath", "ReplacePrefixMatch"]
    replace_full_path: _ReplacedPath | None = None
    replace_prefix_match: _ReplacedPath | None = None


class RequestRedirect(Model, frozen=True, kw_only=True):
    scheme: Literal["http", "https"] | None = None
    hostname: PreciseHostname | None = None
    path: PathModifier | None = None
    port: PortNumber | None = None
    status_code: Literal[301, 302, 303, 307, 308] = 302


class URLRewrite(Model, frozen=True, kw_only=True):
    hostname: PreciseHostname | None = None
    path: PathModifier | None = None


class CORS(Model, frozen=True, kw_only=True):
    allow_origins: Annotated[tuple[_Origin, ...], Meta(max_length=64)] = ()
    allow_credentials: bool = False
    allow_methods: Annotated[tuple[Method | Literal["*"], ...], Meta(max_length=9)] = ()
    allow_headers: Annotated[tuple[HeaderName, ...], Meta(max_length=64)] = ()
    expose_headers: Annotated[tuple[HeaderName, ...], Meta(max_length=64)] = ()
    max_age: Annotated[int, Meta(ge=1)] = 5


class GRPCAuth(Model, frozen=True, kw_only=True):
    allowed_headers: Annotated[tuple[HeaderName, ...], Meta(max_length=64)] = ()


class HTTPAuth(Model, frozen=True, kw_only=True):
    path: Annotated[str, Meta(max_length=1024, pattern=_AUTH_PATH)] | None = None
    allowed_headers: Annotated[tuple[HeaderName, ...], Meta(max_length=64)] = ()
    allowed_response_headers: Annotated[tuple[HeaderName, ...], Meta(max_length=64)] = ()


class ForwardBody(Model, frozen=True, kw_only=True):
    max_size: Annotated[int, Meta(ge=0, le=65535)] = 0


class ExternalAuth(Model, frozen=True, kw_only=True):
    """A service that is asked whether a request may pass. `protocol` says which of `grpc` and `http` is set."""

    protocol: Literal["HTTP", "GRPC"]
    backend_ref: BackendObjectReference
    grpc: GRPCAuth | None = None
    http: HTTPAuth | None = None
    forward_body: ForwardBody | None = None


class Filter(Model, frozen=True, kw_only=True):
    """`type` says which one field is set."""

    type: Literal[
        "RequestHeaderModifier",
        "ResponseHeaderModifier",
        "RequestMirror",
        "RequestRedirect",
        "URLRewrite",
        "CORS",
        "ExternalAuth",
        "ExtensionRef",
    ]
    request_header_modifier: HeaderModifier | None = None
    response_header_modifier: HeaderModifier | None = None
    request_mirror: RequestMirror | None = None
    request_redirect: RequestRedirect | None = None
    url_rewrite: URLRewrite | None = None
    cors: CORS | None = None
    external_auth: ExternalAuth | None = None
    extension_ref: LocalObjectReference | None = None


# Filter type -> (field as authored, attribute of the model, may stand more than once).
FILTER_FIELDS: dict[str, tuple[str, str, bool]] = {
    "RequestHeaderModifier": ("requestHeaderModifier", "request_header_modifier", False),
    "ResponseHeaderModifier": ("responseHeaderModifier", "response_header_modifier", False),
    "RequestMirror": ("requestMirror", "request_mirror", True),
    "RequestRedirect": ("requestRedirect", "request_redirect", False),
    "URLRewrite": ("urlRewrite", "url_rewrite", False),
    "CORS": ("cors", "cors", False),
    "ExternalAuth": ("externalAuth", "external_auth", True),
    "ExtensionRef": ("extensionRef", "extension_ref", True),
}


def check_filters(filters: Sequence[Filter], at: Path) -> Wrongs:
    """Each filter has what its type says and nothing else; one of a kind; a redirect is not rewritten."""
    seen: dict[str, int] = {}
    for index, each in enumerate(filters):
        yield from _fields(each, (*at, index))
        repeatable = FILTER_FIELDS[each.type][2]
        if each.type in seen and not repeatable:
            yield Wrong((*at, index), f"a second filter of type {each.type}", "merge the two")
        seen[each.type] = index
    if "RequestRedirect" in seen and "URLRewrite" in seen:
        yield Wrong((*at, seen["URLRewrite"]), "a request that is redirected cannot be rewritten", "keep one of them")


def _fields(each: Filter, at: Path) -> Wrongs:
    for kind, (field, attribute, _) in FILTER_FIELDS.items():
        present = getattr(each, attribute) is not None
        if kind == each.type and not present:
            yield Wrong((*at, "type"), f"a filter of type {kind} needs {field}", f"add {field}")
        elif kind != each.type and present:
            yield Wrong((*at, field), f"{field} does not go with type {each.type}", f"write type: {kind}, or remove it")
    if each.request_mirror is not None:
        yield from _mirror(each.request_mirror, (*at, "requestMirror"))
    if each.cors is not None:
        yield from _cors(each.cors, (*at, "cors"))
    if each.external_auth is not None:
        yield from _external_auth(each.external_auth, (*at, "externalAuth"))
    for field, modifier in (("requestRedirect", each.request_redirect), ("urlRewrite", each.url_rewrite)):
        if modifier is not None and modifier.path is not None:
            yield from _path(modifier.path, (*at, field, "path"))


def _mirror(mirror: RequestMirror, at: Path) -> Wrongs:
    yield from check_backend(mirror.backend_ref, (*at, "backendRef"))
    if mirror.percent is not None and mirror.fraction is not None:
        yield Wrong((*at, "fraction"), "percent and fraction say the same", "keep one of them")
    if mirror.fraction is not None and mirror.fraction.numerator > mirror.fraction.denominator:
        yield Wrong((*at, "fraction", "numerator"), "the numerator is greater than the denominator")


def _cors(cors: CORS, at: Path) -> Wrongs:
    lists: dict[str, Sequence[str]] = {
        "allowOrigins": cors.allow_origins,
        "allowMethods": cors.allow_methods,
        "allowHeaders": cors.allow_headers,
    }
    for field, values in lists.items():
        if "*" in values and len(values) > 1:
            yield Wrong((*at, field), f'{field} has "*", which is everything, and more', 'keep "*" alone')


def _external_auth(auth: ExternalAuth, at: Path) -> Wrongs:
    yield from check_backend(auth.backend_ref, (*at, "backendRef"))
    present = [field for field, value in (("grpc", auth.grpc), ("http", auth.http)) if value is not None]
    own = auth.protocol.lower()
    for field in present:
        if field != own:
            text = f"{field} does not go with protocol {auth.protocol}"
            yield Wrong((*at, field), text, f"write protocol: {field.upper()}, or remove it")
    if not present:
        yield Wrong((*at, "protocol"), f"protocol {auth.protocol} needs {own}", f"add {own}: {{}}")


def _path(path: PathModifier, at: Path) -> Wrongs:
    fields = {"ReplaceFullPath": "replaceFullPath", "ReplacePrefixMatch": "replacePrefixMatch"}
    values = {"ReplaceFullPath": path.replace_full_path, "ReplacePrefixMatch": path.replace_prefix_match}
    for kind, field in fields.items():
        if kind == path.type and values[kind] is None:
            yield Wrong((*at, "type"), f"type {kind} needs {field}", f"add {field}")
        elif kind != path.type and values[kind] is not None:
            yield Wrong((*at, field), f"{field} does not go with type {path.type}", f"write type: {kind}, or remove it")
