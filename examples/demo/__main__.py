"""`make demo`: a change reaches a real Envoy, a bad one does not, and one command undoes it, under live traffic.

Starts a Fairlead server with its own etcd, one Envoy, two upstreams and a client, all on free loopback ports and in
one temporary directory; ends all of it. `--keep` leaves it running until Ctrl-C and says what to try.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from string import Template

from examples.demo.envoy import Envoy
from examples.demo.traffic import Traffic, Upstream
from snapshots.store.etcd.ports import free_port

TEMPLATES = Path(__file__).with_name("config")
FAIRLEAD = Path(sys.executable).with_name("fairlead")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--keep", action="store_true", help="leave it running until Ctrl-C")
    keep = arguments.parse_args().keep
    return performed("fairlead-demo-", lambda stack, scratch: tell(stack, scratch, keep))


def performed(name: str, story: Callable[[ExitStack, Path], int]) -> int:
    """Tell a story in a directory of its own, whose name begins so. What it started is ended with it, whatever ends it;
    returns the exit code."""
    scratch = Path(tempfile.mkdtemp(prefix=name))
    # Ends what was started, also where a script runs this in the background, which ignores SIGINT by inheritance.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with ExitStack() as stack:
            return story(stack, scratch)
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def tell(stack: ExitStack, scratch: Path, keep: bool) -> int:
    """The story. Returns 0 when every step did what it says and no request failed."""
    blue, green = (stack.enter_context(Upstream(name)) for name in ("blue", "green"))
    config, port = scratch / "config", free_port()

    started = time.monotonic()
    server = stack.enter_context(fairlead_server(scratch))
    os.environ["FAIRLEAD_SERVER"] = server["management"]
    say(1, f"Fairlead serves, with an etcd of its own ({time.monotonic() - started:.1f} s)")

    write_config(config, port, blue)
    fairlead("apply", str(config), "--message", "blue")
    envoy = Envoy.start(scratch / "envoy", server["xds"], node="edge-1", group="edge")
    stack.callback(envoy.stop)
    traffic = Traffic(port)
    envoy.wait_until(lambda: listens(port), "the listener")
    stack.enter_context(traffic)
    until(lambda: traffic.last == "blue", "an answer from blue")
    say(2, "a real Envoy has revision 1 and answers: blue. Requests run without a pause from here on")

    write_config(config, port, green)
    took = timed(lambda: fairlead("apply", str(config), "--wait", "--yes", "--message", "switch to green"))
    until(lambda: traffic.last == "green", "an answer from green")
    say(3, f"one command moved route, cluster and endpoints (revision 2, {took:.1f} s to the ACK): green")

    break_config(config)
    refused = fairlead("apply", str(config), "--message", "a typing error", expect=3)
    say(4, "a change with a mistake is refused before it leaves:", refused)

    write_config(config, port, green, route_match='{safe_regex: {regex: "(unclosed"}}')
    fairlead("apply", str(config), "--wait", "--message", "a regex that only Envoy can judge", expect=6)
    why = fairlead("why", "web")
    say(5, "what only Envoy can judge is rejected by it, and it goes on serving green:", why)

    took = timed(lambda: fairlead("rollback", "1", "--wait", "--yes"))
    until(lambda: traffic.last == "blue", "an answer from blue")
    same = snapshot_digest(1) == snapshot_digest(4)
    say(6, f"one command undid it, byte for byte ({took:.1f} s): blue", fairlead("history"))

    failures = list(traffic.failures)
    counted = ", ".join(f"{number} {name}" for name, number in sorted(traffic.answers.items()))
    say(7, f"{traffic.total} requests in all ({counted}); {len(failures)} failed {failures[:3] or ''}")
    if keep:
        linger(config, port, server)
    if failures or not same:
        print("the demo did not hold what it promises", file=sys.stderr)
        return 1
    return 0


@contextmanager
def fairlead_server(scratch: Path) -> Iterator[dict[str, str]]:
    """A `fairlead dev` with a real etcd, on free ports; ended by its process id. Yields its addresses."""
    ready, log = scratch / "ready.json", scratch / "fairlead.log"
    addresses = [f"--{name}-address=127.0.0.1:0" for name in ("xds", "management", "http")]
    command = [FAIRLEAD, "dev", f"--data-dir={scratch / 'data'}", f"--ready-file={ready}", *addresses]
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=sink)
    try:
        until(lambda: ready.exists() or process.poll() is not None, "the server")
        if process.poll() is not None:
            sys.exit(f"the server ended with {process.returncode}:\n{log.read_text(errors='replace')}")
        yield json.loads(ready.read_text())
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def write_config(config: Path, port: int, upstream: Upstream, route_match: str = "{prefix: /}") -> None:
    """The documents of `config/`, with this run's ports and the upstream that all traffic goes to."""
    config.mkdir(exist_ok=True)
    values = {"LISTENER_PORT": port, "COLOUR": upstream.name, "UPSTREAM_PORT": upstream.port}
    for template in sorted(TEMPLATES.glob("*.yaml")):
        text = Template(template.read_text()).substitute(values)
        (config / template.name).write_text(text.replace("{prefix: /}", route_match))


def break_config(config: Path) -> None:
    """The kind of mistake people make: a field that is nearly right."""
    upstream = config / "upstream.yaml"
    upstream.write_text(upstream.read_text().replace("connect_timeout:", "conect_timeout:"))


def fairlead(*arguments: str, expect: int = 0) -> str:
    """Run one `fairlead` command as a person would; returns what it printed. Ends the demo on another exit code."""
    done = subprocess.run([FAIRLEAD, *arguments], capture_output=True, text=True, timeout=60, check=False)
    printed = (done.stdout + done.stderr).strip()
    if done.returncode != expect:
        sys.exit(f"fairlead {' '.join(arguments)} ended with {done.returncode}, not {expect}:\n{printed}")
    return f"$ fairlead {' '.join(shorten(argument) for argument in arguments)}\n{printed}"


def snapshot_digest(revision: int) -> str:
    done = subprocess.run([FAIRLEAD, "history", "-o", "json"], capture_output=True, text=True, timeout=60, check=True)
    (digest,) = (row["snapshot"] for row in json.loads(done.stdout)["revisions"] if row["number"] == revision)
    return str(digest)


def shorten(argument: str) -> str:
    quoted = f'"{argument}"' if " " in argument else argument
    return Path(argument).name + "/" if argument.startswith("/") else quoted


def linger(config: Path, port: int, server: dict[str, str]) -> None:
    fairlead_command = os.path.relpath(FAIRLEAD)
    print(
        f"\nIt is left running. Try, in another terminal:\n"
        f"  export FAIRLEAD_SERVER={server['management']}\n"
        f"  curl http://127.0.0.1:{port}/\n"
        f"  $EDITOR {config}/routes.yaml && {fairlead_command} apply {config} --wait\n"
        f"  {fairlead_command} nodes\n"
        f"  {fairlead_command} history\n"
        f"  {fairlead_command} rollback 2 --wait\n"
        f"Ctrl-C ends it all.",
        flush=True,
    )
    signal.pause()


def say(step: int, line: str, *printed: str) -> None:
    print(f"{step}. {line}", flush=True)
    for text in printed:
        print("\n".join(f"     {row}" for row in text.splitlines()), flush=True)


def until(condition: Callable[[], bool], what: str, timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"waited {timeout_s} s in vain for {what}")
        time.sleep(0.02)


def timed(step: Callable[[], object]) -> float:
    started = time.monotonic()
    step()
    return time.monotonic() - started


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    sys.exit(main())
