"""Fields of documents described for people: type, whether required, default, limits, meaning, and what is below.

One source for `fairlead explain`, for the descriptions in `fairlead schema` and for the reference: the models, and the
sentences of `meanings`. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import msgspec
from msgspec import Struct, inspect

from api.envoy.problem import did_you_mean
from api.errors import NotFound
from snapshots.authoring.kinds.documents import KIND_NAMES, DocumentKind, document_kind
from snapshots.authoring.kinds.meanings import FIELDS, KINDS

ENVELOPE = "Document"
_Below = inspect.StructType | None


@dataclass(frozen=True, slots=True)
class Described:
    """One field, or a whole kind. `path`: `HTTPRoute.spec.rules`. `type`: `list of HTTPRouteRule`, for people.

    `default` is JSON, empty without one; `limits` are short phrases (`1 to 16 items`); `allowed` the values there are;
    `fields` what may stand below, in the order of the model.
    """

    path: str
    type: str
    meaning: str
    required: bool = False
    default: str = ""
    limits: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    fields: tuple[Described, ...] = ()

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]


def describe(path: str) -> Described:
    """What `HTTPRoute`, or `HTTPRoute.spec.rules.matches`, is. Indexes (`rules[0]`) may stay. Raises NotFound."""
    kind, *steps = (step.partition("[")[0] for step in path.split("."))
    whole = document_kind(kind_name(kind))
    here = _whole(whole)
    struct: _Below = _struct(whole.model)
    for step in steps:
        here, struct = _below(here, struct, step)
    return here


def kind_name(word: str) -> str:
    """The kind that `word` names, in whatever case. Raises NotFound with the one that may be meant."""
    known = {name.lower(): name for name in KIND_NAMES}
    if word.lower() not in known:
        near = get_close_matches(word.lower(), known, 1)
        hint = f'did you mean "{known[near[0]]}"?' if near else f"kinds: {', '.join(KIND_NAMES)}"
        raise NotFound(f'there is no kind "{word}"; {hint}')
    return known[word.lower()]


def every_field(kind: str) -> Sequence[Described]:
    """A kind's fields at all levels, parents before what is below them."""
    whole = document_kind(kind_name(kind))
    return tuple(_all_below(_struct(whole.model), whole.name))


def _all_below(struct: _Below, path: str) -> Iterator[Described]:
    if struct is None:
        return
    for each in struct.fields:
        here = _field(each, struct, path, deep=True)
        yield here
        yield from _all_below(_struct_within(each.type), here.path)


def meaning_of(model: type[Struct], field: str) -> str:
    """The sentence of a model's field, where the model or one that it inherits from has one."""
    for each in model.__mro__:
        sentence = FIELDS.get(each.__name__, {}).get(field)
        if sentence:
            return sentence
    return FIELDS[ENVELOPE].get(field, "")


def _whole(kind: DocumentKind) -> Described:
    versions = f"apiVersion: {' or '.join(kind.api_versions)}"
    return Described(
        kind.name,
        "document",
        KINDS.get(kind.name, ""),
        limits=(versions,),
        fields=_fields(_struct(kind.model), kind.name),
    )


def _struct(model: type[Struct]) -> inspect.StructType:
    found = inspect.type_info(model)
    assert isinstance(found, inspect.StructType)
    return found


def _below(here: Described, struct: _Below, step: str) -> tuple[Described, _Below]:
    names = [each.encode_name for each in struct.fields] if struct is not None else []
    if step not in names:
        near = next((name for name in names if name.lower() == step.lower()), "")
        hint = f'did you mean "{near}"?' if near else did_you_mean(step, names) or f"fields: {', '.join(names)}"
        if here.path == "EnvoyResource.spec":
            hint = "fields of a message are explained by its own name: envoy.config.cluster.v3.Cluster.connect_timeout"
        lacks = f'has no field "{step}"; {hint}' if names else f"is {here.type}: it has no fields"
        raise NotFound(f"{here.path} {lacks}")
    assert struct is not None
    found = next(each for each in struct.fields if each.encode_name == step)
    return _field(found, struct, here.path, deep=True), _struct_within(found.type)


def _fields(struct: _Below, path: str) -> tuple[Described, ...]:
    return tuple(_field(each, struct, path) for each in struct.fields) if struct is not None else ()


def _field(each: inspect.Field, owner: inspect.StructType, path: str, *, deep: bool = False) -> Described:
    at = f"{path}.{each.encode_name}"
    words = _Words(each.type)
    return Described(
        at,
        words.type,
        meaning_of(owner.cls, each.encode_name),
        each.required,
        _default(each),
        words.limits,
        words.allowed,
        _fields(_struct_within(each.type), at) if deep else (),
    )


def _default(each: inspect.Field) -> str:
    value: Any = each.default
    if each.default_factory is not msgspec.NODEFAULT:
        value = each.default_factory()
    if value is msgspec.UNSET or value in (msgspec.NODEFAULT, None, (), {}, ""):
        return ""
    return msgspec.json.encode(without_nothing(msgspec.to_builtins(value))).decode()


def without_nothing(value: Any) -> Any:
    """JSON data without the fields that are as good as absent."""
    if isinstance(value, dict):
        return {key: without_nothing(each) for key, each in value.items() if each not in (None, [], (), {})}
    return [without_nothing(each) for each in value] if isinstance(value, (list, tuple)) else value


def _choices(kind: inspect.Type) -> list[inspect.Type]:
    """The alternatives of a type; null, which is as good as absent, is none."""
    if not isinstance(kind, inspect.UnionType):
        return [kind]
    return [each for each in kind.types if not isinstance(each, inspect.NoneType)]


def _struct_within(kind: inspect.Type) -> _Below:
    """The model below a field: its own, or that of its list's items."""
    for each in _choices(kind):
        if isinstance(each, inspect.StructType):
            return each
        if isinstance(each, inspect.VarTupleType):
            return _struct_within(each.item_type)
    return None


class _Words:
    """A type in words."""

    def __init__(self, kind: inspect.Type) -> None:
        found = [self._one(each) for each in _choices(kind)]
        self.type = " or ".join(dict.fromkeys(type_ for type_, _, _ in found))
        self.limits = tuple(dict.fromkeys(limit for _, limits, _ in found for limit in limits))
        self.allowed = tuple(value for _, _, allowed in found for value in allowed)

    def _one(self, kind: Any) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        if isinstance(kind, inspect.StructType):
            return kind.cls.__name__, (), ()
        if isinstance(kind, inspect.VarTupleType):
            item = _Words(kind.item_type)
            return f"list of {item.type}", (*_items(kind), *item.limits), item.allowed
        if isinstance(kind, inspect.DictType):
            return f"mapping of {_Words(kind.value_type).type}", (), ()
        if isinstance(kind, inspect.LiteralType):
            is_text = isinstance(kind.values[0], str)
            return "text" if is_text else "whole number", (), tuple(str(value) for value in kind.values)
        if isinstance(kind, inspect.IntType):
            return "whole number", _bounds(kind), ()
        if isinstance(kind, inspect.StrType):
            return "text", _text_limits(kind), ()
        return {inspect.BoolType: "true or false"}.get(type(kind), "anything"), (), ()


def _items(kind: inspect.VarTupleType) -> tuple[str, ...]:
    low, high = kind.min_length or 0, kind.max_length
    if high is None:
        return (f"at least {low} items",) if low else ()
    return (f"{low} to {high} items" if low != high else f"exactly {low} item{'s' * (low != 1)}",)


def _bounds(kind: inspect.IntType) -> tuple[str, ...]:
    if kind.ge is None and kind.le is None:
        return ()
    return (f"{kind.ge} to {kind.le}" if kind.le is not None else f"{kind.ge} or more",)


def _text_limits(kind: inspect.StrType) -> tuple[str, ...]:
    low, high = kind.min_length or 0, kind.max_length
    length = (f"{low} to {high} characters",) if high is not None else ("not empty",) if low else ()
    return (*length, *((f"matches {kind.pattern}",) if kind.pattern else ()))
