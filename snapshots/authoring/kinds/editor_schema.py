"""JSON Schema (2020-12) of documents, for editors: made from the models, with the sentences of `meanings`.

One schema for all kinds, which picks by `kind`, or one for each; the spec of an EnvoyResource by its `@type`. A schema
says what one field may hold; what several fields must agree on, and whether what they name is there, `validate` knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct, inspect

from api.envoy.registry import EnvoyApi
from snapshots.authoring.kinds.describe import meaning_of, without_nothing
from snapshots.authoring.kinds.documents import KIND_NAMES, document_kind
from snapshots.authoring.kinds.envoy_schema import DIALECT, REFERENCE, Schema, message_definitions
from snapshots.authoring.kinds.meanings import KINDS
from xds.protocol.types import RESOURCE_TYPES

_ENVOY_RESOURCE_SPEC = "EnvoyResourceSpec"


def kind_schema(api: EnvoyApi, name: str) -> Schema:
    """The schema of one kind, a name of KIND_NAMES."""
    return {"$schema": DIALECT, "$ref": REFERENCE.format(name=name), "$defs": _definitions(api, [name])}


def documents_schema(api: EnvoyApi, names: Sequence[str] = KIND_NAMES) -> Schema:
    """One schema for documents of all kinds in `names`."""
    versions = sorted({version for name in names for version in document_kind(name).api_versions})
    return {
        "$schema": DIALECT,
        "title": "Fairlead documents",
        "type": "object",
        "properties": {"apiVersion": {"enum": versions}, "kind": {"enum": list(names)}},
        "required": ["apiVersion", "kind"],
        "allOf": [_when(name) for name in names],
        "$defs": _definitions(api, names),
    }


def _when(name: str) -> Schema:
    is_it = {"properties": {"kind": {"const": name}}, "required": ["kind"]}
    return {"if": is_it, "then": {"$ref": REFERENCE.format(name=name)}}


def _definitions(api: EnvoyApi, names: Sequence[str]) -> Schema:
    models = [document_kind(name).model for name in names]
    _, definitions = msgspec.json.schema_components(models, ref_template=REFERENCE)
    classes = {each.__name__: each for model in models for each in _models(inspect.type_info(model))}
    explained = {name: _explained(definition, classes[name]) for name, definition in sorted(definitions.items())}
    if _ENVOY_RESOURCE_SPEC in explained:
        explained |= _resource_types(api, explained[_ENVOY_RESOURCE_SPEC])
    return explained


def _resource_types(api: EnvoyApi, spec: Schema) -> Schema:
    """The definitions of all resource types; `spec` is made to pick one of them by its `@type`."""
    found: Schema = {}
    spec["allOf"] = []
    for row in RESOURCE_TYPES:
        name = row.url.partition("/")[2]
        found |= message_definitions(api, name)
        is_it = {"properties": {"@type": {"const": row.url}}, "required": ["@type"]}
        spec["allOf"].append({"if": is_it, "then": {"$ref": REFERENCE.format(name=name)}})
    for row in RESOURCE_TYPES:  # last: one may hold another
        found[row.url.partition("/")[2]]["properties"]["@type"] = {"const": row.url}
    return found


def _explained(definition: Schema, model: type[Struct]) -> Schema:
    """The definition with a sentence at each field; the docstrings of models are for who reads the code."""
    about = {key: value for key, value in definition.items() if key not in ("description", "required")}
    if meaning := KINDS.get(model.__name__):
        about["description"] = meaning
    about["properties"] = {
        name: _property(each, meaning_of(model, name)) for name, each in definition.get("properties", {}).items()
    }
    return about | ({"required": definition["required"]} if definition.get("required") else {})


def _property(schema: Schema, meaning: str) -> Schema:
    kept = _nullable({key: value for key, value in schema.items() if key != "default"})
    default = without_nothing(schema.get("default"))
    return kept | ({"default": default} if default not in (None, [], {}, "") else {}) | {"description": meaning}


def _nullable(schema: Schema) -> Schema:
    """An optional scalar in one piece: editors show what is wrong with it, not that no alternative fits."""
    alternatives: list[Schema] = schema.get("anyOf", [])
    if len(alternatives) != 2 or alternatives[1] != {"type": "null"}:
        return schema
    first = alternatives[0]
    if "enum" in first:
        return {"enum": [*first["enum"], None]}
    return {**first, "type": [first["type"], "null"]} if "type" in first else schema


def _models(kind: inspect.Type) -> Iterator[type[Struct]]:
    """Every model in a type."""
    if isinstance(kind, inspect.StructType):
        yield kind.cls
        for field in kind.fields:
            yield from _models(field.type)
    elif isinstance(kind, inspect.VarTupleType):
        yield from _models(kind.item_type)
    elif isinstance(kind, inspect.UnionType):
        for each in kind.types:
            yield from _models(each)
