"""A real git repository and a real `git daemon` for it on loopback: where the GitOps demo and tests push to."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from snapshots.store.etcd.ports import free_port

# Nothing of the git settings of whoever runs this.
IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}
DAEMON_STARTS_S = 20.0


class GitRepository:
    """A bare repository in `top`/edge.git, and a work tree to commit from."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.bare, self.work = top / "edge.git", top / "work"
        top.mkdir(parents=True, exist_ok=True)
        run_git(top, "init", "-q", "--bare", "-b", "main", str(self.bare))
        run_git(self.bare, "config", "receive.denyDeleteCurrent", "ignore")
        run_git(top, "init", "-q", "-b", "main", str(self.work))
        self.git("remote", "add", "origin", str(self.bare))

    def git(self, *words: str, data: bytes | None = None) -> str:
        """One git command in the work tree; what it printed. Raises RuntimeError."""
        return run_git(self.work, *words, data=data)

    def commit(self, message: str, files: Mapping[str, str | None]) -> str:
        """Write (None: remove) files, commit and push; the commit's id."""
        for name, content in files.items():
            path = self.work / name
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.push()

    def commit_tree(self, listing: str, message: str = "by hand") -> str:
        """A commit of a tree that no work tree would give (`git mktree` lines), on top of what is there."""
        tree = self.git("mktree", "--missing", data=listing.encode())
        parents = ("-p", "HEAD") if self.git("rev-list", "-n1", "--all") else ()
        commit = self.git("commit-tree", tree, *parents, "-m", message)
        self.git("update-ref", "refs/heads/main", commit)
        return self.push()

    def blob(self, content: bytes) -> str:
        """Store a file's content; its id."""
        return self.git("hash-object", "-w", "--stdin", data=content)

    def push(self) -> str:
        """Push the branch, whatever was there; the commit's id."""
        self.git("push", "-q", "--force", "origin", "main")
        return self.git("rev-parse", "HEAD")


def run_git(directory: Path, *words: str, data: bytes | None = None) -> str:
    """One git command in a directory, by Ada and without the settings of anybody; what it printed. Raises
    RuntimeError."""
    done = subprocess.run(
        ("git", *words), cwd=directory, env={**os.environ, **IDENTITY}, input=data, capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"git {' '.join(words)}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode().strip()


@contextmanager
def git_daemon(repository: GitRepository) -> Iterator[str]:
    """`git daemon` on a free port; the repository's URL. Raises RuntimeError when it does not start."""
    port = free_port()
    process = subprocess.Popen(
        ("git", "daemon", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}", "--export-all",
         f"--base-path={repository.top}", str(repository.top)),
        env={**os.environ, **IDENTITY}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        _wait_for(port)
        yield f"git://127.0.0.1:{port}/edge.git"
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # the daemon answers by children of its own
        process.wait(10)


def _wait_for(port: int) -> None:
    deadline_s = time.monotonic() + DAEMON_STARTS_S
    while time.monotonic() < deadline_s:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("git daemon did not start")
