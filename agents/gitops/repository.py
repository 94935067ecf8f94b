"""A bare store on disk, and fetches into it by dulwich. Runs in the worker; what it raises is GitTrouble.

Shallow: the newest commit with its tree is enough. Nothing of the machine's git is used: no hooks, filters, settings,
credential helpers. The store holds nothing that matters: when it is broken, or grows, it is made anew.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import urlsplit

from dulwich.client import (
    GitClient,
    HTTPUnauthorized,
    Urllib3HttpGitClient,
    default_urllib3_manager,
    get_transport_and_path,
)
from dulwich.config import ConfigFile
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository, ObjectMissing
from dulwich.objects import Blob, Commit, ObjectID, Tag, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

from agents.gitops.signatures import Signed
from agents.gitops.sources import Remote
from agents.gitops.trees import TreeEntry
from snapshots.authoring.printable import printable

PACKS_KEPT = 64
# How far back is looked for the commit that was followed until now: most pushes bring a few.
DEPTHS = (1, 8, 64)
_READ_TIMEOUT_S = 30.0


class GitTrouble(Exception):
    """Why git could not be asked, in words for people. `again`: whether the same may work later by itself. `broken`:
    objects are missing or damaged, in what was sent, or in the store that it went to."""

    def __init__(self, message: str, *, again: bool = True, broken: bool = False) -> None:
        super().__init__(message)
        self.message, self.again, self.broken = message, again, broken


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """What a commit says of itself. `parents` may be commits that the store does not have."""

    tree: str
    author: str
    message: str
    committed_at_s: int
    parents: tuple[str, ...]
    signed: Signed


class Repository:
    """The store of one remote, in `directory`."""

    def __init__(self, directory: Path, remote: Remote, pack_limit_bytes: int) -> None:
        self._directory = directory
        self._pack_limit_bytes = pack_limit_bytes
        self._remote = remote
        self._repo: Repo | None = None

    def resolve(self, reference: str, token: str) -> str:
        """The commit that a reference names on the server now. Raises GitTrouble."""
        if not reference.startswith("refs/"):
            return reference
        with _troubles():
            client, path = self._client(token)
            told = client.get_refs(path.encode(), ref_prefix=[reference.encode()]).refs
        # An annotated tag is told with the commit it stands for behind it.
        found = told.get(Ref(reference.encode() + b"^{}")) or told.get(Ref(reference.encode()))
        if found is None:
            raise GitTrouble(f"the repository has no {reference}; what is served stays as it is")
        return str(found, "ascii")

    def fetch(self, reference: str, commit: str, token: str, *, depth: int) -> None:
        """Bring `commit` and what it needs, `depth` commits deep. Raises GitTrouble."""
        repo = self._opened()
        received_bytes = 0
        wanted = ObjectID(commit.encode())

        with _troubles():
            client, path = self._client(token)
            spool = _Spool(self._directory)

            def take(data: bytes) -> int:
                nonlocal received_bytes
                received_bytes += len(data)
                if received_bytes > self._pack_limit_bytes:
                    words = f"a fetch of more than {self._pack_limit_bytes >> 20} MiB is not taken"
                    raise GitTrouble(words, again=False)
                return spool.write(data)

            with spool:
                result = client.fetch_pack(
                    path.encode(),
                    lambda refs, depth=None: [wanted],
                    repo.get_graph_walker(),
                    take,
                    progress=lambda told: None,
                    depth=depth,
                    ref_prefix=[reference.encode()] if reference.startswith("refs/") else None,
                )
                spool.add_to(repo)
            repo.update_shallow(result.new_shallow, result.new_unshallow)
            repo.refs[Ref(b"refs/fairlead/followed")] = wanted
        if not self.has(commit):
            raise GitTrouble(f"the repository did not send commit {commit[:12]}")

    def has(self, commit: str) -> bool:
        return ObjectID(commit.encode()) in self._opened().object_store

    def commit(self, commit: str) -> CommitRecord:
        """Raises GitTrouble for what is no commit, or broken."""
        with _troubles():
            found: Any = self._opened()[ObjectID(commit.encode())]
            if isinstance(found, Tag):
                found = self._opened()[found.object[1]]
            if not isinstance(found, Commit):
                raise GitTrouble(f"{commit[:12]} is no commit", again=False)
            return CommitRecord(
                tree=found.tree.decode("ascii"),
                author=found.author.decode("utf-8", "replace"),
                message=found.message.decode("utf-8", "replace"),
                committed_at_s=int(found.commit_time),
                parents=tuple(parent.decode("ascii") for parent in found.parents),
                signed=Signed(found.raw_without_sig(), found.gpgsig or b""),
            )

    def descends(self, commit: str, before: str) -> bool | None:
        """Whether `before` is an ancestor, as far as the store reaches; None when it does not reach far enough."""
        waiting, seen, cut = [commit], set[str](), False
        while waiting:
            each = waiting.pop()
            if each == before:
                return True
            if each in seen:
                continue
            seen.add(each)
            if self.has(each):
                waiting.extend(self.commit(each).parents)
            else:
                cut = True
        return None if cut else False

    def tree(self, object_id: str) -> Iterable[TreeEntry]:
        """The entries of a tree. Raises GitTrouble."""
        with _troubles():
            found = self._opened()[ObjectID(object_id.encode())]
            if not isinstance(found, Tree):
                raise GitTrouble(f"{object_id[:12]} is no directory", again=False)
            return tree_entries(found)

    def size_bytes(self, object_id: str) -> int:
        """Of a blob. Raises GitTrouble."""
        return len(self.blob(object_id))

    def blob(self, object_id: str) -> bytes:
        """Raises GitTrouble."""
        with _troubles():
            found = self._opened()[ObjectID(object_id.encode())]
            if not isinstance(found, Blob):
                raise GitTrouble(f"{object_id[:12]} is no file", again=False)
            return found.as_raw_string()

    def forget(self) -> None:
        """Throw the store away; the next fetch begins anew."""
        if self._repo is not None:
            self._repo.close()
            self._repo = None
        shutil.rmtree(self._directory, ignore_errors=True)

    def _opened(self) -> Repo:
        if self._repo is None or len(self._repo.object_store.packs) > PACKS_KEPT:
            self._repo = self._usable() or self._anew()
        return self._repo

    def _usable(self) -> Repo | None:
        """What an earlier process left, unless it is broken or has grown."""
        try:
            repo = Repo(str(self._directory))
            if len(repo.object_store.packs) <= PACKS_KEPT:
                return repo
            repo.close()
        except Exception:  # noqa: BLE001 -- a broken store raises whatever comes to hand; it is made anew
            return None
        return None

    def _anew(self) -> Repo:
        self.forget()
        self._directory.mkdir(parents=True)
        return Repo.init_bare(str(self._directory))

    def _client(self, token: str) -> tuple[GitClient, str]:
        remote, settings = self._remote, ConfigFile()
        if remote.ca_file:
            settings.set((b"http",), b"sslCAInfo", remote.ca_file.encode())
        if urlsplit(remote.url).scheme in ("https", "http"):
            pool = default_urllib3_manager(settings, base_url=remote.url, timeout=_READ_TIMEOUT_S)
            parts = urlsplit(remote.url)
            client = Urllib3HttpGitClient(
                f"{parts.scheme}://{parts.netloc}",
                pool_manager=pool,
                config=settings,
                username=remote.username if token else None,
                password=token or None,
                timeout=_READ_TIMEOUT_S,
                quiet=True,
            )
            return client, parts.path
        return get_transport_and_path(remote.url, config=settings, quiet=True, ssh_command=_ssh(remote))


def tree_entries(tree: Tree) -> list[TreeEntry]:
    """The lines of a tree object."""
    return [TreeEntry(each.path, each.mode, each.sha.decode("ascii")) for each in tree.iteritems()]


class _Spool:
    """A pack on its way in, in a file beside where it will be; gone if it does not arrive whole."""

    def __init__(self, directory: Path) -> None:
        self._file = TemporaryFile(prefix="incoming-", dir=directory)  # noqa: SIM115 -- closed by __exit__

    def __enter__(self) -> _Spool:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def write(self, data: bytes) -> int:
        return self._file.write(data)

    def add_to(self, repo: Repo) -> None:
        if self._file.tell():
            self._file.seek(0)
            repo.object_store.add_thin_pack(self._file.read, None)


def _ssh(remote: Remote) -> str:
    """No questions, no agent, no settings of the user's: what the source names, or nothing."""
    words = ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]
    if remote.ssh_key_file:
        words += ["-o", "IdentitiesOnly=yes", "-i", remote.ssh_key_file]
    if remote.ssh_known_hosts_file:
        words += ["-o", f"UserKnownHostsFile={remote.ssh_known_hosts_file}", "-o", "StrictHostKeyChecking=yes"]
    return shlex.join(words)


@contextmanager
def _troubles() -> Iterator[None]:
    """dulwich's errors, and those of what it stands on, in words for people. No URL or header is repeated: they may
    hold what nobody should read."""
    try:
        yield
    except GitTrouble:
        raise
    except HTTPUnauthorized:
        raise GitTrouble("the repository refuses the credentials (401); check username and token_file") from None
    except NotGitRepository:
        raise GitTrouble("there is no repository at this URL, or not for these credentials (404)") from None
    except HangupException as error:
        raise GitTrouble(f"the repository ended the connection: {_last_line(error)}") from None
    except (GitProtocolError, OSError) as error:
        raise GitTrouble(f"the repository cannot be asked: {_last_line(error)}") from None
    except (ObjectMissing, KeyError):
        raise GitTrouble("the repository sent a commit without all of its objects", broken=True) from None
    except MemoryError:
        raise GitTrouble("the repository sent more than is taken into memory", again=False) from None
    except Exception as error:  # noqa: BLE001 -- broken packs and objects raise whatever comes to hand
        raise GitTrouble(f"the repository sent something broken ({type(error).__name__})", broken=True) from None


def _last_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return printable(lines[-1])[:300] if lines else type(error).__name__
