"""`fairlead bootstrap envoy|grpc`: what a client needs to find the server."""

from __future__ import annotations

import platform
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.connect import ask
from api.cli.contexts import choose_target
from api.cli.groups import GroupOption, chosen_group
from api.cli.output import Format, show_document
from api.cli.shared import Invocation, invocation_of
from api.hosting.address import UNIX, SocketPath
from xds.bootstrap import Place, TlsFiles, UnixPlace, envoy_bootstrap, grpc_bootstrap, with_load_reports
from xds.protocol.variant import Variant

if TYPE_CHECKING:
    from api.management.client import ManagementClient

EXAMPLES = (
    "fairlead bootstrap envoy --node edge-1 > envoy.yaml",
    "fairlead bootstrap grpc --node cart-7 --group services > bootstrap.json",
    "fairlead bootstrap envoy --group edge --xds-address fairlead.example.net:18000 --ca /etc/fairlead/ca.pem",
    "fairlead bootstrap envoy --node edge-1 --variant sotw --per-type",
    "fairlead bootstrap grpc --group edge --xds-address unix:/run/fairlead-agent/xds.sock",
)
EVERYWHERE = ("0.0.0.0", "::")


class Kind(StrEnum):
    """Clients that there is a bootstrap for."""

    ENVOY = "envoy"
    GRPC = "grpc"


class VariantName(StrEnum):
    """Both variants of xDS, in few letters."""

    DELTA = "delta"
    SOTW = "sotw"


VARIANTS = {VariantName.DELTA: Variant.DELTA, VariantName.SOTW: Variant.STATE_OF_THE_WORLD}

Which = Annotated[Kind, typer.Argument(metavar="KIND", help="What the client is.")]
NodeId = Annotated[str, typer.Option("--node", metavar="ID", help="Its node id; else this machine's name.")]
XdsAddress = Annotated[
    str,
    typer.Option(
        "--xds-address",
        metavar="ADDRESS",
        help="Where it finds its server, HOST:PORT, or unix:PATH of an agent beside it; else the server is asked.",
    ),
]
Speaks = Annotated[
    VariantName | None, typer.Option("--variant", help="Incremental or state of the world; gRPC has only the latter.")
]
PerType = Annotated[
    bool, typer.Option("--per-type", help="Envoy only: no ADS; each type from its own service, on its own stream.")
]
LoadReports = Annotated[
    bool, typer.Option("--load-reports", help="Envoy only: it reports its traffic to the server; see `fairlead top`.")
]
Ca = Annotated[str, typer.Option(metavar="FILE", help="Speak TLS, and trust this CA.")]
Certificate = Annotated[str, typer.Option(metavar="FILE", help="Its certificate, for mutual TLS.")]
Key = Annotated[str, typer.Option(metavar="FILE", help="The certificate's key.")]


def command(
    context: typer.Context,
    kind: Which,
    node: NodeId = "",
    group: GroupOption = "",
    xds_address: XdsAddress = "",
    variant: Speaks = None,
    per_type: PerType = False,
    load_reports: LoadReports = False,
    ca: Ca = "",
    cert: Certificate = "",
    key: Key = "",
) -> None:
    """Print the configuration that a client starts with: who it is, and where the server is.

    Envoy's as YAML or JSON (`envoy -c FILE`), gRPC's as JSON (`GRPC_XDS_BOOTSTRAP=FILE`). Files are named as they are
    on the client's machine; nothing is read. With --group and --xds-address no server is asked. Documents for an Envoy
    with --per-type say where its types come from as its bootstrap does (docs/xds.md).
    """
    invocation = invocation_of(context)
    if kind is Kind.GRPC:
        _refuse_what_grpc_lacks(variant, invocation.output, per_type=per_type, load_reports=load_reports)
    tls = _tls(ca, cert, key)
    if not (group and xds_address):
        group, xds_address = _asked(invocation, group, xds_address)
    place = _place(xds_address, tls)
    node = node or platform.node()
    if kind is Kind.GRPC:
        show_document(grpc_bootstrap(node, group, place), Format.JSON)
        return
    spoken = VARIANTS[variant or VariantName.DELTA]
    document: dict[str, Any] = envoy_bootstrap(node, group, place, spoken, per_type=per_type)
    document = with_load_reports(document) if load_reports else document
    show_document(document, Format.JSON if invocation.output is Format.JSON else Format.YAML)


def _refuse_what_grpc_lacks(variant: VariantName | None, form: Format, *, per_type: bool, load_reports: bool) -> None:
    if variant is VariantName.DELTA:
        raise typer.BadParameter("gRPC clients speak the state of the world only", param_hint="--variant")
    if per_type:
        raise typer.BadParameter("gRPC clients speak ADS only", param_hint="--per-type")
    if form is Format.YAML:
        raise typer.BadParameter("gRPC clients read JSON only", param_hint="--output")
    if load_reports:
        raise typer.BadParameter(
            "gRPC clients report the load of clusters that have `lrs_server: {self: {}}`", param_hint="--load-reports"
        )


def _tls(ca: str, certificate: str, key: str) -> TlsFiles | None:
    if bool(certificate) != bool(key):
        raise typer.BadParameter("a client certificate needs both files: --cert and --key", param_hint="--cert")
    if certificate and not ca:
        raise typer.BadParameter("a client certificate needs TLS: name the server's CA with --ca", param_hint="--cert")
    return TlsFiles(ca, certificate, key) if ca else None


def _asked(invocation: Invocation, group: str, xds_address: str) -> tuple[str, str]:
    """What was not given, as the server has it."""

    async def look(client: ManagementClient) -> tuple[str, str]:
        named = await chosen_group(client, group)
        return named, xds_address or (await client.get_status()).xds_address

    named, address = ask(invocation, look)
    return named, _reachable(address, invocation)


def _reachable(address: str, invocation: Invocation) -> str:
    """A server that listens everywhere does not say where it is: it was just reached, though, and so is its xDS."""
    host, _, port = address.rpartition(":")
    if host.strip("[]") not in EVERYWHERE:
        return address
    return f"{choose_target(invocation.server, invocation.context).server.rpartition(':')[0]}:{port}"


def _place(address: str, tls: TlsFiles | None) -> Place | UnixPlace:
    if address.startswith(UNIX):
        if tls is not None:
            raise typer.BadParameter("a socket of this machine speaks no TLS: leave out --ca", param_hint="--ca")
        return UnixPlace(str(SocketPath.parse(address).path))
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise typer.BadParameter(
            f"{address!r} is no address; write HOST:PORT, as in 127.0.0.1:18000", param_hint="--xds-address"
        )
    return Place(host.removeprefix("[").removesuffix("]"), int(port), tls)
