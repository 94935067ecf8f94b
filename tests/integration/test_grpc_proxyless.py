"""gRPC clients without a proxy: they resolve, balance and follow changes, and no call fails while things move.

Clients of all languages at hand call at the same time. Those that are not are told by the first test, which is skipped.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.certificates import write_certificates
from tests.grpc_callers import AT_HAND, CALLERS, PYTHON, Caller
from tests.proxyless import (
    GROUP,
    Backend,
    Calls,
    Services,
    assert_none_failed,
    everybody,
    more,
    named,
    settle_on,
)
from tests.spine import ROOT, ServerProcess, wait_for

EVERYBODY = len(AT_HAND)


@pytest.fixture
def bootstrap(server: ServerProcess, tmp_path: Path) -> Path:
    return bootstrap_of(server, tmp_path)


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return Services(tmp_path / "services")


@pytest.fixture
def blue(stack: ExitStack) -> Backend:
    return stack.enter_context(Backend("blue"))


@pytest.fixture
def green(stack: ExitStack) -> Backend:
    return stack.enter_context(Backend("green"))


def bootstrap_of(server: ServerProcess, directory: Path, *arguments: str) -> Path:
    """As the command prints it."""
    done = server.run("bootstrap", "grpc", "--node", "cart-1", "--group", GROUP, *arguments)
    assert done.code == 0, done.err
    file = directory / "bootstrap.json"
    file.write_text(done.out)
    return file


def apply(server: ServerProcess, services: Services, *arguments: str) -> None:
    done = server.run("apply", services.written(), "--yes", *arguments)
    assert done.code == 0, done.err


def states(server: ServerProcess) -> list[str]:
    """The states of all clients, sorted."""
    done = server.run("nodes", "-o", "json")
    return sorted(node["state"] for node in done.json()["nodes"]) if done.code == 0 else []


def all_are(state: str, server: ServerProcess) -> None:
    """Wait until every client is in this state."""
    wait_for(lambda: states(server) == [state] * EVERYBODY, f"every client to be {state}")


@pytest.mark.parametrize("caller", CALLERS, ids=lambda caller: caller.language)
def test_a_name_resolves_and_both_backends_are_called(
    server: ServerProcess, bootstrap: Path, services: Services, blue: Backend, green: Backend, caller: Caller
) -> None:
    if caller.absent:
        pytest.skip(caller.absent)
    apply(server, services.routes("cart", {"cart-v1": 1}).runs("cart-v1", [blue, green]))
    with Calls(caller, "cart", named(bootstrap, caller)) as calls:
        wait_for(lambda: set(calls.answers) == {"blue", "green"}, f"both backends, after {calls.last!r}")
        more([calls])
        node = server.run("nodes", "-o", "json").json()["nodes"][0]
    assert (node["id"], node["group"], node["state"], node["variant"]) == (caller.language, GROUP, "current", "sotw")


def test_the_documented_commands_make_calls(
    server: ServerProcess, services: Services, blue: Backend, tmp_path: Path
) -> None:
    apply(server, services.routes("cart", {"cart-v1": 1}).runs("cart-v1", [blue]))
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    commands = re.findall(r"^\$ (.*)", (ROOT / "docs/grpc.md").read_text(), re.M)
    own = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    shell = subprocess.Popen(
        ["bash", "-e"], cwd=tmp_path, env={**os.environ, "FAIRLEAD_SERVER": server.management, "PATH": own},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdin.write("\n".join([*commands, ""]))
        shell.stdin.flush()  # what is left of its input is the last command's
        assert shell.stdout.readline() == "blue\n"


def test_calls_are_split_between_clusters_by_weight_with_routes_in_the_listener_too(
    server: ServerProcess, bootstrap: Path, tmp_path: Path, blue: Backend, green: Backend
) -> None:
    services = Services(tmp_path / "services", inline_routes=True)
    apply(server, services.routes("cart", {"v1": 80, "v2": 20}).runs("v1", [blue]).runs("v2", [green]))
    with everybody("cart", bootstrap) as everyone:
        more(everyone, 300)
        for calls in everyone:
            assert 0.1 < calls.answers["green"] / calls.total < 0.3, calls

        apply(server, services.routes("cart", {"v1": 0, "v2": 100}))
        settle_on("green", everyone)
        assert_none_failed(everyone)


def test_no_call_fails_while_backends_are_taken_out_and_put_in_again(
    server: ServerProcess, bootstrap: Path, services: Services, blue: Backend, stack: ExitStack
) -> None:
    apply(server, services.routes("cart", {"v1": 1}).runs("v1", [blue]))
    with everybody("cart", bootstrap) as everyone:
        settle_on("blue", everyone)
        leaving = blue
        for name in ("green", "red", "yellow"):
            coming = stack.enter_context(Backend(name))
            apply(server, services.runs("v1", [leaving, coming]))
            wait_for(lambda name=name: all(calls.answers[name] for calls in everyone), f"the new backend {name}")
            apply(server, services.runs("v1", [coming]))
            settle_on(name, everyone)
            leaving.stop()  # only now: nobody calls it any more
            leaving = coming
            more(everyone)


def test_no_call_fails_while_routes_move_to_other_clusters_and_the_old_ones_go(
    server: ServerProcess, bootstrap: Path, services: Services, blue: Backend, green: Backend
) -> None:
    apply(server, services.routes("cart", {"blue": 1}).runs("blue", [blue]))
    with everybody("cart", bootstrap) as everyone:
        settle_on("blue", everyone)
        old, new = blue, green
        for _ in range(6):
            services.runs(new.name, [new]).routes("cart", {new.name: 1})
            apply(server, services.without(old.name).without(f"{old.name}-endpoints"))
            wait_for(lambda name=new.name: all(calls.last == name for calls in everyone), f"calls to {new.name}")
            old, new = new, old
        settle_on(old.name, everyone)
        assert_none_failed(everyone)


def test_a_name_that_does_not_exist_fails_fast_and_is_called_when_it_appears(
    server: ServerProcess, bootstrap: Path, services: Services, blue: Backend
) -> None:
    apply(server, services.routes("cart", {"v1": 1}).runs("v1", [blue]))
    with everybody("checkout", bootstrap) as everyone:
        hearing = [calls for calls in everyone if calls.caller.hears_errors]
        wait_for(lambda: all(calls.failures for calls in hearing), "calls to a name that nobody knows to fail")
        for calls in hearing:
            assert "UNAVAILABLE" in calls.failures[0]
            assert "checkout" in calls.failures[0]
        wait_for(lambda: len(states(server)) == EVERYBODY, "every client to have asked")
        apply(server, services.routes("checkout", {"v1": 1}))
        settle_on("blue", everyone)


def test_a_client_is_let_in_with_its_certificate(tmp_path: Path, services: Services, blue: Backend) -> None:
    flags, own = write_certificates(tmp_path)
    server = ServerProcess(tmp_path / "server", "--memory", *flags).start()
    try:
        apply(server, services.routes("cart", {"v1": 1}).runs("v1", [blue]))
        with Calls(PYTHON, "cart", bootstrap_of(server, tmp_path, *own)) as calls:
            settle_on("blue", [calls])
    finally:
        server.stop()
    assert_none_failed([calls])


@pytest.mark.etcd
def test_calls_go_on_while_the_server_is_away_and_follow_it_when_it_is_back(
    tmp_path: Path, services: Services, blue: Backend, green: Backend
) -> None:
    server = ServerProcess(tmp_path / "server").start()
    try:
        apply(server, services.routes("cart", {"v1": 1}).runs("v1", [blue]))
        with everybody("cart", bootstrap_of(server, tmp_path)) as everyone:
            settle_on("blue", everyone)
            server.kill()
            more(everyone, 100)
            server.start()
            all_are("current", server)
            apply(server, services.runs("v1", [green]))
            settle_on("green", everyone)
            assert server.stop() == 0  # it asks them to go elsewhere, and there is no other
            more(everyone, 100)
            server.start()
            apply(server, services.runs("v1", [blue]))
            settle_on("blue", everyone)
            assert_none_failed(everyone)
    finally:
        server.stop()


def test_a_server_that_came_back_knowing_nothing_takes_nothing_away(
    server: ServerProcess, bootstrap: Path, services: Services, blue: Backend
) -> None:
    apply(server, services.routes("cart", {"v1": 1}).runs("v1", [blue]))
    with everybody("cart", bootstrap) as everyone:
        settle_on("blue", everyone)
        server.kill()
        server.start()  # its store was in memory
        all_are("unassigned", server)
        more(everyone, 100)


def test_clients_that_were_there_before_the_server_call_when_it_comes(
    tmp_path: Path, services: Services, blue: Backend
) -> None:
    server = ServerProcess(tmp_path / "server", "--memory")
    bootstrap = bootstrap_of(server, tmp_path, "--xds-address", server.xds)  # which nobody listens at yet
    with everybody("cart", bootstrap) as everyone:
        server.start()
        try:
            apply(server, services.routes("cart", {"v1": 1}).runs("v1", [blue]))
            settle_on("blue", everyone)
        finally:
            server.stop()


def test_what_is_good_in_a_response_that_clients_reject_is_called_and_followed(
    server: ServerProcess, bootstrap: Path, services: Services, blue: Backend, green: Backend
) -> None:
    # Envoy knows this policy, and no gRPC client does.
    services.runs("good", [blue]).runs("bad", [green], policy="MAGLEV")
    apply(server, services.routes("cart", {"good": 1}, beside="bad"))
    with everybody("cart", bootstrap) as everyone:
        settle_on("blue", everyone)
        all_are("rejected", server)
        apply(server, services.runs("good", [green]))
        settle_on("green", everyone)
        apply(server, services.runs("better", [blue]).routes("cart", {"better": 1}, beside="bad"))
        settle_on("blue", everyone)
        apply(server, services.runs("bad", [green]))
        all_are("current", server)
        assert_none_failed(everyone)
