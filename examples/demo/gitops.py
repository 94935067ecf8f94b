"""`make demo-gitops`: what is pushed to a repository reaches a real Envoy, what is bad does not, under live traffic.

Starts a git server, a Fairlead server with its own etcd, `fairlead gitops`, one Envoy, two upstreams and a client, on
free loopback ports and in one temporary directory; ends all of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from examples.demo.__main__ import (
    FAIRLEAD,
    break_config,
    fairlead,
    fairlead_server,
    listens,
    performed,
    say,
    timed,
    until,
    write_config,
)
from examples.demo.envoy import Envoy
from examples.demo.repository import GitRepository, git_daemon
from examples.demo.traffic import Traffic, Upstream
from snapshots.store.etcd.ports import free_port

# Half of four resources go, which a budget would stop: the commit says that it is meant.
BEYOND_BUDGETS = "Fairlead-Beyond-Budgets: yes"


def main() -> int:
    return performed("fairlead-gitops-", tell)


def tell(stack: ExitStack, scratch: Path) -> int:
    """The story. Returns 0 when every step did what it says and no request failed."""
    blue, green = (stack.enter_context(Upstream(name)) for name in ("blue", "green"))
    repository, port = GitRepository(scratch / "git"), free_port()
    config = repository.work / "production"
    url = stack.enter_context(git_daemon(repository))
    server = stack.enter_context(fairlead_server(scratch))
    os.environ["FAIRLEAD_SERVER"] = server["management"]
    write_config(config, port, blue)
    repository.commit("Begin with blue", {})
    sync = stack.enter_context(following(url, scratch))
    say(1, "a git server, Fairlead with an etcd of its own, and `fairlead gitops` follow production/ of main")

    envoy = Envoy.start(scratch / "envoy", server["xds"], node="edge-1", group="edge")
    stack.callback(envoy.stop)
    envoy.wait_until(lambda: listens(port), "the listener")
    traffic = stack.enter_context(Traffic(port))
    until(lambda: traffic.last == "blue", "an answer from blue")
    say(2, "a real Envoy serves what was pushed: blue. Requests run without a pause from here on")

    write_config(config, port, green)
    pushed = repository.commit(f"Switch to green\n\n{BEYOND_BUDGETS}", {})
    took = timed(lambda: until(lambda: traffic.last == "green", "an answer from green"))
    say(3, f"a push was in the edge {took:.1f} s later: green", fairlead("history"))

    break_config(config)
    bad = repository.commit("A slip of the finger", {})
    until(lambda: state(sync) == ("refused", bad), "the refusal")
    say(4, "a commit with a mistake is refused, with its line, and green stays:", told(sync))

    repository.git("revert", "--no-edit", "HEAD")
    good = repository.push()
    until(lambda: state(sync) == ("synced", good), "the sync of the revert")
    say(5, "it is reverted, and the sync goes on:", told(sync))

    fairlead("rollback", "1", "--wait", "--yes")
    until(lambda: traffic.last == "blue", "an answer from blue")
    until(lambda: state(sync)[0] == "suspended", "the suspension")
    say(6, "a rollback by hand is not undone behind anybody's back: the sync is suspended, and says so:", told(sync))

    write_config(config, port, green, route_match='{prefix: "/", case_sensitive: true}')
    changed = repository.commit(
        f"Green once more, on purpose\n\n{BEYOND_BUDGETS}", {"production/upstream.yaml": touched(config)}
    )
    until(lambda: state(sync) == ("synced", changed), "the resumed sync")
    until(lambda: traffic.last == "green", "an answer from green")
    say(7, "a commit that changes again what was rolled back resumes it: green")

    failures = list(traffic.failures)
    say(8, f"{traffic.total} requests in all; {len(failures)} failed {failures[:3] or ''}")
    return 1 if failures or not pushed else 0


def touched(config: Path) -> str:
    """The upstream's document with a comment more: changed, whatever else it says."""
    return (config / "upstream.yaml").read_text() + "# on purpose\n"


@contextmanager
def following(url: str, scratch: Path) -> Iterator[str]:
    """`fairlead gitops` on a free port; its address."""
    ready, log = scratch / "gitops.json", scratch / "gitops.log"
    command = [FAIRLEAD, "gitops", url, "--path=production", "--poll=1", "--http-address=127.0.0.1:0"]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*command, f"--data-dir={scratch}", f"--ready-file={ready}"], stdout=sink, stderr=sink
        )
    try:
        until(lambda: ready.exists() or process.poll() is not None, "fairlead gitops")
        if process.poll() is not None:
            sys.exit(f"fairlead gitops ended with {process.returncode}:\n{log.read_text(errors='replace')}")
        yield str(json.loads(ready.read_text())["http"])
    finally:
        process.terminate()
        process.wait(15)


def status(address: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://{address}/status", timeout=30) as response:
        return json.load(response)["sources"][0]  # type: ignore[no-any-return]


def state(address: str) -> tuple[str, str]:
    shown = status(address)
    return shown["state"], shown["commit"]


def told(address: str) -> str:
    """What /status says, in a few lines."""
    shown = status(address)
    lines = [f"{shown['name']} {shown['commit'][:12]} {shown['state']}" + (f": {shown['why']}" if shown["why"] else "")]
    lines += [f"{each['path']}:{each['line']} {each['code']} {each['message']}" for each in shown["findings"]]
    return "\n".join(lines)


if __name__ == "__main__":
    started = time.monotonic()
    code = main()
    print(f"({time.monotonic() - started:.0f} s)")
    sys.exit(code)
