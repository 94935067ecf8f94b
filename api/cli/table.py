"""Every command: where it lives, what it is for, which options it shares. The one list there is.

Only names here, so that `fairlead --help` imports no command.
"""

from __future__ import annotations

from dataclasses import dataclass

from api.cli.shared import Share

WRITE = "Write and check"
CHANGE = "Change what is served"
LOOK = "See what happens"
RUN = "Run and set up"
SECTIONS = (WRITE, CHANGE, LOOK, RUN)

SERVER = (Share.CONNECTION, Share.COLOR)
SERVER_DATA = (Share.OUTPUT, *SERVER)
SERVER_WATCH = (Share.WATCH, *SERVER_DATA)


@dataclass(frozen=True, slots=True)
class Row:
    """One command. `module` is below `api.cli.commands`; `shares` are its families of shared options, in help order."""

    name: str
    section: str
    help: str
    shares: tuple[Share, ...] = (Share.COLOR,)

    @property
    def module(self) -> str:
        return f"api.cli.commands.{self.name}"


ROWS: tuple[Row, ...] = (
    Row("init", WRITE, "Write a working example to begin with.", (Share.OUTPUT, Share.COLOR)),
    Row("fmt", WRITE, "Lay documents out in one way.", (Share.OUTPUT, Share.COLOR)),
    Row("validate", WRITE, "Check documents, offline.", (Share.FINDINGS, Share.COLOR)),
    Row("schema", WRITE, "Print the JSON Schema of documents, for editors.", (Share.OUTPUT, Share.COLOR)),
    Row("explain", WRITE, "Say what a kind, a field or an error code means.", (Share.OUTPUT, Share.COLOR)),
    Row("render", WRITE, "Print what would be served, or what a node is served.", SERVER_DATA),
    Row("plan", CHANGE, "Show what applying would change, and whom it would reach.", (Share.FINDINGS, *SERVER)),
    Row("apply", CHANGE, "Publish documents as the next revision.", SERVER_DATA),
    Row("rollback", CHANGE, "Serve an earlier revision again, byte for byte.", SERVER_DATA),
    Row("sync", CHANGE, "See what follows a repository, and stop it or go on.", SERVER_DATA),
    Row("endpoints", CHANGE, "Change the endpoints of clusters, without a revision.", SERVER_DATA),
    Row("diff", CHANGE, "Show what changed between two revisions.", SERVER_DATA),
    Row("history", LOOK, "List revisions, newest first.", SERVER_DATA),
    Row("show", LOOK, "Print one revision: its record and its documents.", SERVER_DATA),
    Row("export", LOOK, "Write the documents of a revision.", SERVER_DATA),
    Row("status", LOOK, "Show the server, its store, groups and objects.", SERVER_WATCH),
    Row("nodes", LOOK, "List connected gateways and what they have acknowledged.", SERVER_WATCH),
    Row("node", LOOK, "Show one gateway, what it runs and lacks, or ask something of its agent.", SERVER_DATA),
    Row("top", LOOK, "Show the traffic of clusters, as gateways and clients report it.", SERVER_WATCH),
    Row("why", LOOK, "Say why a resource is served, or is not.", SERVER_DATA),
    Row("events", LOOK, "Print what happens, as it happens.", SERVER_DATA),
    Row("doctor", LOOK, "Check server, store, clock and installation, and say what to do.", SERVER_DATA),
    Row("dev", RUN, "Run everything on this machine, following a directory."),
    Row("serve", RUN, "Run the server for production."),
    Row("agent", RUN, "Run beside a gateway: its xDS, its last known good, its Envoy."),
    Row("gitops", RUN, "Follow git repositories, and publish what is merged.", SERVER_DATA),
    Row("bootstrap", RUN, "Print what an Envoy or a gRPC client starts with.", SERVER_DATA),
    Row("context", RUN, "Name servers, and choose one.", (Share.OUTPUT, Share.COLOR)),
    Row("completion", RUN, "Print completion for a shell."),
    Row("version", RUN, "Print the version.", (Share.OUTPUT, Share.COLOR)),
)
BY_NAME: dict[str, Row] = {row.name: row for row in ROWS}
