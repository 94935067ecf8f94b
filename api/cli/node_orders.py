"""Orders to one gateway through its agent: its log, what its Envoy runs, drain, undrain, restart."""

from __future__ import annotations

import codecs
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from api.cli.connect import ask
from api.cli.output import Column, Format, Listing, show_document, show_listing, write_lines
from api.cli.publishing import author
from api.cli.shared import Invocation
from api.cli.terminal import escape
from api.errors import FairleadError, InvalidConfig, OrderFailed
from api.nodes.orders import OrderKind

if TYPE_CHECKING:
    from api.management.client import ManagementClient
    from api.management.v1 import management_pb2 as pb

RUNS_COLUMNS = tuple(map(Column, ("section", "name", "version")))
# Where config_dump has the name and the version of what stands in a list of it.
_NAMED = ("cluster", "route_config", "ecds_filter", "listener", "endpoint_config", "scoped_route_config")


def show_logs(invocation: Invocation, node: str, *, lines: int, follow: bool, reason: str) -> None:
    """Print the last lines, and with `follow` those that come. What controls a terminal is escaped."""
    if invocation.output in (Format.JSON, Format.YAML):
        if follow:
            raise InvalidConfig("--follow prints lines as they come; leave out -o")
        text = _whole(invocation, node, OrderKind.LOGS, reason, lines=lines).decode("utf-8", "replace")
        show_document({"node": node, "lines": text.splitlines()}, invocation.output)
        return

    async def read(client: ManagementClient) -> None:
        answer = client.order_node(node, OrderKind.LOGS, lines=lines, follow=follow, author=author(), reason=reason)
        async for line in _lines(answer):
            write_lines([escape(line)])

    ask(invocation, read)


def show_running(invocation: Invocation, node: str, reason: str) -> None:
    """What Envoy says it runs. Its secrets are taken out by Envoy, and again here."""
    data = _whole(invocation, node, OrderKind.CONFIG, reason)
    dump = _redacted(_read(node, data))
    rows = tuple(_rows(dump))
    names = tuple(f"{section}/{name}" for section, name, _ in rows)
    show_listing(Listing(RUNS_COLUMNS, rows, names, dump, "this Envoy runs nothing"), invocation.output)


def carry_out(invocation: Invocation, node: str, kind: OrderKind, reason: str) -> None:
    """An order whose answer is that it is done."""

    async def give(client: ManagementClient) -> str:
        async for part in client.order_node(node, kind, author=author(), reason=reason):
            if part.HasField("done"):
                return part.done
        raise _cut_short(node, kind)

    done = ask(invocation, give)
    if invocation.output in (Format.JSON, Format.YAML):
        show_document({"node": node, "order": kind.value, "done": done}, invocation.output)
    else:
        write_lines([escape(f"{node}: {done or 'done'}")])


def _whole(invocation: Invocation, node: str, kind: OrderKind, reason: str, *, lines: int = 0) -> bytes:
    """The whole answer. One that ends without its last word is an error, not a shorter answer."""

    async def read(client: ManagementClient) -> bytes:
        chunks: list[bytes] = []
        async for part in client.order_node(node, kind, lines=lines, author=author(), reason=reason):
            if part.HasField("done"):
                return b"".join(chunks)
            chunks.append(part.chunk)
        raise _cut_short(node, kind)

    return ask(invocation, read)


def _cut_short(node: str, kind: OrderKind) -> FairleadError:
    return OrderFailed(f"{node}: the answer to {kind} ended before its end; try again")


async def _lines(answer: AsyncIterator[pb.OrderNodeAnswer]) -> AsyncIterator[str]:
    """Whole lines of an answer in pieces, which may end anywhere; the last one need not be whole."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    async for part in answer:
        *whole, rest = (rest + decoder.decode(part.chunk)).split("\n")
        for line in whole:
            yield line
    if rest:
        yield rest


def _read(node: str, data: bytes) -> list[dict[str, Any]]:
    """The parts of a config_dump. Raises OrderFailed for what is none."""
    try:
        dump = json.loads(data)
        return [each for each in dump["configs"] if isinstance(each, dict)]
    except (ValueError, TypeError, KeyError):
        raise OrderFailed(f"{node}: what its Envoy says of its configuration is no config_dump") from None


def _redacted(configs: list[dict[str, Any]]) -> dict[str, Any]:
    from api.cli.sensitive import Redactor
    from api.envoy.registry import load_default

    redactor = Redactor(load_default())
    return {"configs": [redactor.redacted(each) for each in configs]}


def _rows(dump: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(list of the dump, name, version) of all that has a name."""
    for config in dump["configs"]:
        for section, entries in config.items():
            for entry in entries if isinstance(entries, list) else ():
                if isinstance(entry, dict) and (name := _name(entry)):
                    yield section, name, _version(entry)


def _name(entry: dict[str, Any]) -> str:
    inner: Iterable[Any] = (entry.get(key) for key in _NAMED)
    for each in (entry, *inner):
        if isinstance(each, dict) and (name := each.get("name") or each.get("cluster_name")):
            return str(name)
    return ""


def _version(entry: dict[str, Any]) -> str:
    active = entry.get("active_state")
    return str(entry.get("version_info") or (active.get("version_info", "") if isinstance(active, dict) else ""))
