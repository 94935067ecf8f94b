"""A node agent's directory of generations, for tests: what is kept is small, and secret by its type alone."""

from __future__ import annotations

from pathlib import Path

from agents.node.generations.file_form import Vault
from agents.node.generations.generation import Contents, Relations, Search, Summary
from agents.node.generations.reading import Owner
from agents.node.generations.store import Generations
from tests.builders import cluster
from xds.protocol.resource import Resource
from xds.protocol.types import SECRET, TypeUrl

OWNER = Owner("edge-1", "edges")
MADE_AT_S = 1_700_000_000


def unrelated(_type_url: TypeUrl, _body: bytes) -> Relations:
    return Relations()


def of_type_secret(resource: Resource) -> bool:
    return resource.type_url == SECRET


def a_store(directory: Path, *, owner: Owner = OWNER, keep: int = 3, vault: Vault | None = None) -> Generations:
    """Opened, as after a start of the agent."""
    store = Generations(directory, owner, keep=keep, vault=vault, is_secret=of_type_secret, relate=unrelated)
    store.open()
    return store


def contents(revision: int, *resources: Resource) -> Contents:
    """A cluster that says the revision, unless it is said what else."""
    return Contents(revision, resources or (cluster("web", str(revision)),))


def good(store: Generations, revision: int, *resources: Resource) -> Summary:
    """A generation of these contents that became good."""
    return store.promote(store.write(contents(revision, *resources), MADE_AT_S + revision).number)


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def revision_in(search: Search) -> int | None:
    """Of what was found."""
    return search.generation.contents.revision if search.generation else None
