"""What is followed: a repository, one branch, tag or commit of it, a directory in it, and whose documents these are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from api.hosting.address import Address
from snapshots.commits import RepositoryCommit, commit_named

Mode = Literal["enforce", "report", "paused"]
StatusForm = Literal["github", "gitlab", "webhook"]
REMOTE_SCHEMES = ("https", "ssh", "http", "git")
_PLAINTEXT = ("http", "git")


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository and how to prove who asks. Files are paths, empty for none; secrets are
    read from them each time, and never kept here."""

    url: str
    username: str = "git"
    token_file: str = ""
    ssh_key_file: str = ""
    ssh_known_hosts_file: str = ""
    ca_file: str = ""
    allowed_signers_file: str = ""
    allowed_gpg_keys_file: str = ""

    @property
    def verifies_signatures(self) -> bool:
        """Whether only signed commits are taken."""
        return bool(self.allowed_signers_file or self.allowed_gpg_keys_file)

    def problem(self) -> str:
        """Why this cannot be asked; empty when it can."""
        parts = urlsplit(self.url)
        if parts.scheme not in REMOTE_SCHEMES or not parts.hostname:
            return f"a repository is an URL with one of {', '.join(REMOTE_SCHEMES)}, such as https://host/team/edge.git"
        if parts.password is not None or (parts.username and parts.scheme != "ssh"):
            return "credentials do not belong into an URL, where logs show them; name a token_file"
        if parts.scheme in _PLAINTEXT and not Address(parts.hostname, 0).loopback:
            return f"{parts.scheme} is plaintext, for this machine only; use https or ssh"
        if self.token_file and parts.scheme not in ("https", "http"):
            return "a token_file is for https; ssh takes an ssh_key_file"
        if self.ssh_key_file and parts.scheme != "ssh":
            return "an ssh_key_file is for ssh; https takes a token_file"
        return ""


@dataclass(frozen=True, slots=True)
class StatusTarget:
    """Where to tell. `url`: the API of the host for `github` and `gitlab` (https://api.github.com/repos/OWNER/NAME,
    https://gitlab.example.com/api/v4/projects/ID), or what takes the POST for `webhook`. `token_file` holds a token."""

    form: StatusForm
    url: str
    token_file: str = ""

    def problem(self) -> str:
        """Why nobody could be told there; empty when somebody could."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.username:
            return "status_url is an https URL without credentials; the token goes into status_token_file"
        return ""


@dataclass(frozen=True, slots=True)
class Source:
    """One thing that is followed. Exactly one of `branch`, `tag` and `commit` is given.

    `path`: the directory in the repository that is the workspace; empty is its top. `workspace` and `group`:
    whose documents these are; empty is what the documents' Workspace says when they are seen first, or "default".
    """

    name: str
    remote: Remote
    branch: str = ""
    tag: str = ""
    commit: str = ""
    path: str = ""
    workspace: str = ""
    group: str = ""
    mode: Mode = "enforce"
    poll_s: float = 30.0
    webhook_secret_file: str = ""
    status_target: StatusTarget | None = None

    @property
    def reference(self) -> str:
        """What is followed in git's own words: refs/heads/main, refs/tags/v1, or a commit."""
        if self.branch:
            return f"refs/heads/{self.branch}"
        return f"refs/tags/{self.tag}" if self.tag else self.commit

    def words_for(self, commit: str) -> str:
        """What the record of a revision says of where it came from: URL@COMMIT:PATH."""
        return RepositoryCommit(self.remote.url, commit, self.path).words

    def commit_in(self, words: str) -> str:
        """The commit of this source that a record names; empty when it names none of it."""
        found = commit_named(words)
        return found.commit if found and (found.url, found.path) == (self.remote.url, self.path) else ""

    def idempotency_key(self, commit: str, base: int) -> str:
        """The same for the same commit on top of the same revision: whoever publishes it twice publishes it once."""
        told = "\0".join((self.remote.url, self.path, self.workspace, commit, str(base)))
        return f"gitops-{hashlib.sha256(told.encode()).hexdigest()}"
