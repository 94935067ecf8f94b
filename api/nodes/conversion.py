"""Shapes of reports and orders to the messages of `v1/nodes.proto` and back.

What comes from others is bounded and made printable here (`ShapeLimits`), so that whoever keeps a shape need not ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from itertools import islice
from typing import Any, Final

from api.nodes import report as shapes
from api.nodes.limits import SHAPE_LIMITS as LIMITS
from api.nodes.orders import Order, OrderEnd, OrderKind, OrderStatus
from api.nodes.printable import printable
from api.nodes.report import NodeReport
from api.nodes.v1 import nodes_pb2 as pb

Message = Any  # the generated classes have no common type that knows their fields

DIGEST_BYTES: Final = 16
_TEXT_LIMITS = {
    "last_exit": LIMITS.text_characters,
    "fell_back": LIMITS.text_characters,
    "problem": LIMITS.text_characters,
}
_KINDS: Final = {kind: pb.Order.Kind.Value(kind.name) for kind in OrderKind}
_STATUSES: Final = {status: pb.OrderEnd.Status.Value(status.name) for status in OrderStatus}
_KINDS_BACK: Final = {number: kind for kind, number in _KINDS.items()}
_STATUSES_BACK: Final = {number: status for status, number in _STATUSES.items()}


# Out


def report_message(report: NodeReport) -> pb.NodeReport:
    """Only the parts that there are."""
    made = {name: _OUT[name](part) for name in shapes.PARTS if (part := getattr(report, name)) is not None}
    return pb.NodeReport(node=report.node, group=report.group, via=report.via, **made)


def agent_message(agent: shapes.Agent) -> pb.Agent:
    return pb.Agent(
        version=agent.version,
        region=agent.region,
        zone=agent.zone,
        labels=dict(agent.labels),
        allows=agent.allows,
        mode=agent.mode,
        relay=agent.relay,
        passed_by=agent.passed_by,
    )


def order_message(number: int, order: Order, credit: int) -> pb.Order:
    return pb.Order(
        id=number,
        node=order.node,
        kind=_KINDS[order.kind],  # type: ignore[arg-type]  # the stubs want the enum's own type
        lines=order.lines,
        follow=order.follow,
        author=order.author,
        reason=order.reason,
        credit=credit,
    )


def end_message(end: OrderEnd) -> pb.OrderEnd:
    return pb.OrderEnd(status=_STATUSES[end.status], message=end.message)  # type: ignore[arg-type]  # as above


def _flat(kind: type, part: Any) -> Any:
    """A part whose fields are those of its message, and None is "not set"."""
    given = {field.name: getattr(part, field.name) for field in fields(part)}
    return kind(**{name: value for name, value in given.items() if value is not None})


def _running(part: shapes.Running) -> pb.Running:
    return pb.Running(types=[_flat(pb.RunningType, each) for each in part.types], looked_s=part.looked_s)


def _standing(part: shapes.Standing) -> pb.Standing:
    return pb.Standing(revision=part.revision, refusals=[_flat(pb.Refusal, each) for each in part.refusals])


_OUT: Final[dict[str, Callable[[Any], Any]]] = {
    "agent": agent_message,
    "envoy": lambda part: _flat(pb.Envoy, part),
    "running": _running,
    "generations": lambda part: _flat(pb.Generations, part),
    "statistics": lambda part: _flat(pb.Statistics, part),
    "standing": _standing,
}


# In


def report_from(message: Message) -> NodeReport:
    """A report of others, bounded. Parts that are not set are None."""
    given = {name: _IN[name](getattr(message, name)) for name in shapes.PARTS if message.HasField(name)}
    return NodeReport(identifier(message.node), identifier(message.group), identifier(message.via), **given)


def identifier(text: str) -> str:
    """The name of a node or group, as it is on discovery streams. One that is too long is cut, and matches none."""
    return text[: LIMITS.id_characters]


def agent_from(message: Message) -> shapes.Agent:
    labels = sorted(islice(message.labels.items(), LIMITS.labels))
    return shapes.Agent(
        version=_word(message.version),
        region=_word(message.region),
        zone=_word(message.zone),
        labels=tuple((_word(key), _word(value)) for key, value in labels),
        allows=_words(message.allows, LIMITS.allows),
        mode=_word(message.mode),
        relay=message.relay,
        passed_by=printable(message.passed_by, LIMITS.text_characters),
    )


def kind_from(number: int) -> OrderKind | None:
    """None for a kind that this version does not know."""
    return _KINDS_BACK.get(number)


def order_from(message: Message) -> Order | None:
    """None for an order of a kind that this version does not know."""
    kind = kind_from(message.kind)
    if kind is None:
        return None
    author, reason = (printable(text, LIMITS.text_characters) for text in (message.author, message.reason))
    return Order(message.node, kind, author, reason, message.lines, message.follow)


def end_from(message: Message) -> OrderEnd:
    status = _STATUSES_BACK.get(message.status, OrderStatus.FAILED)
    return OrderEnd(status, printable(message.message, LIMITS.text_characters))


def _flat_from(shape: type, message: Message) -> Any:
    """A part whose fields are those of its message. A text is cut, an optional number that is not set is None."""
    known = message.DESCRIPTOR.fields_by_name
    return shape(**{field.name: _scalar(message, known[field.name]) for field in fields(shape)})


def _scalar(message: Message, field: Any) -> Any:
    if field.has_presence and not message.HasField(field.name):
        return None
    value = getattr(message, field.name)
    return printable(value, _TEXT_LIMITS.get(field.name, LIMITS.word_characters)) if isinstance(value, str) else value


def _running_from(message: Message) -> shapes.Running:
    types = tuple(map(_running_type, islice(message.types, LIMITS.types)))
    return shapes.Running(types, message.looked_s if message.HasField("looked_s") else None)


def _running_type(message: Message) -> shapes.RunningType:
    return shapes.RunningType(
        type_url=_name(message.type_url),
        resources=_known(message, "resources"),
        digest=message.digest[:DIGEST_BYTES],
        held=_known(message, "held"),
        held_digest=message.held_digest[:DIGEST_BYTES],
        differing=message.differing,
        differs=_names(message.differs, LIMITS.differs),
        warming=_known(message, "warming"),
    )


def _standing_from(message: Message) -> shapes.Standing:
    return shapes.Standing(message.revision, tuple(map(_refusal, islice(message.refusals, LIMITS.refusals))))


def _refusal(message: Message) -> shapes.Refusal:
    return shapes.Refusal(
        type_url=_name(message.type_url),
        names=_names(message.names, LIMITS.refused_names),
        revision=message.revision,
        code=message.code,
        message=printable(message.message, LIMITS.text_characters),
    )


def _known(message: Message, name: str) -> Any:
    return getattr(message, name) if message.HasField(name) else None


def _word(text: str) -> str:
    return printable(text, LIMITS.word_characters)


def _words(texts: Iterable[str], limit: int) -> tuple[str, ...]:
    return tuple(map(_word, islice(texts, limit)))


def _name(text: str) -> str:
    return printable(text, LIMITS.id_characters)


def _names(texts: Iterable[str], limit: int) -> tuple[str, ...]:
    return tuple(map(_name, islice(texts, limit)))


_IN: Final[dict[str, Callable[[Message], Any]]] = {
    "agent": agent_from,
    "envoy": lambda message: _flat_from(shapes.Envoy, message),
    "running": _running_from,
    "generations": lambda message: _flat_from(shapes.Generations, message),
    "statistics": lambda message: _flat_from(shapes.Statistics, message),
    "standing": _standing_from,
}
