"""gRPC clients without a proxy: they resolve, balance and follow changes, and no call fails while things move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.certificates import write_certificates
from tests.proxyless import GROUP, Backend, Calls, Services
from tests.spine import ServerProcess, wait_for

# gRPC's core hears what a server says of resources that do not exist only when it is told to (gRFC A88; as of 1.85);
# else it waits for 15 s.
TAKES_RESOURCE_ERRORS = {"GRPC_EXPERIMENTAL_XDS_DATA_ERROR_HANDLING": "true"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path / "server", "--memory").start()
    yield process
    process.stop()


@pytest.fixture
def bootstrap(server: ServerProcess, tmp_path: Path) -> Path:
    return bootstrap_of(server, tmp_path)


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return Services(tmp_path / "services")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


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


def more(calls: Calls, number: int = 50) -> None:
    """Wait for further calls, and for all of them to have been answered."""
    seen = calls.total
    wait_for(lambda: calls.total >= seen + number, f"{number} more calls, after {calls.last!r}", timeout_s=30)
    assert calls.failures == []


def settles_on(name: str, calls: Calls, number: int = 50) -> None:
    """Wait until that many calls in a row were answered by one backend."""
    since = {"others": -1, "name": 0}

    def settled() -> bool:
        others = calls.total - calls.answers[name]
        if others != since["others"]:
            since.update(others=others, name=calls.answers[name])
        return calls.answers[name] >= since["name"] + number

    wait_for(settled, f"only {name} to be called, after {calls.last!r}", timeout_s=30)


def nodes(server: ServerProcess) -> list[str]:
    """The states of all clients."""
    done = server.run("nodes", "-o", "json")
    return [node["state"] for node in done.json()["nodes"]] if done.code == 0 else []


@pytest.mark.parametrize("inline", [False, True], ids=["rds", "inline"])
def test_a_name_resolves_and_both_backends_are_called(
    server: ServerProcess, bootstrap: Path, tmp_path: Path, blue: Backend, green: Backend, inline: bool
) -> None:
    services = Services(tmp_path / "services", inline_routes=inline)
    apply(server, services.routes("cart", {"cart-v1": 1}).runs("cart-v1", [blue, green]))
    with Calls("cart", bootstrap) as calls:
        wait_for(lambda: set(calls.answers) == {"blue", "green"}, "both backends")
        more(calls)
        node = server.run("nodes", "-o", "json").json()["nodes"][0]
    assert (node["id"], node["group"], node["state"], node["variant"]) == ("cart-1", GROUP, "current", "sotw")


def test_calls_are_split_between_clusters_by_weight(
    server: ServerProcess, bootstrap: Path, services: Services, blue: Backend, green: Backend
) -> None:
    apply(server, services.routes("cart", {"v1": 80, "v2": 20}).runs("v1", [blue]).runs("v2", [green]))
    with Calls("cart", bootstrap) as calls:
        more(calls, 600)
        assert 0.1 < calls.answers["green"] / calls.total < 0.3

        apply(server, services.routes("cart", {"v1": 0, "v2": 100}))
        settles_on("green", calls)
    assert calls.failures == []


def test_no_call_fails_while_backends_are_taken_out_and_put_in_again(
    server: ServerProcess, bootstrap: Path, services: Services, blue: Backend, stack: ExitStack
) -> None:
    apply(server, services.routes("cart", {"v1": 1}).runs("v1", [blue]))
    with Calls("cart", bootstrap) as calls:
        settles_on("blue", calls)
        leaving = blue
        for name in ("green", "red", "yellow"):
            coming = stack.enter_context(Backend(name))
            apply(server, services.runs("v1", [leaving, coming]))
            wait_for(lambda name=name: calls.answers[name] > 0, f"the new backend {name}")
            apply(server, services.runs("v1", [coming]))
            settles_on(name, calls)
            leaving.stop()  # only now: nobody calls it any more
            leaving = coming
            more(calls)
    assert calls.failures == []


def test_no_call_fails_while_routes_move_to_other_clusters_and_the_old_ones_go(
    server: ServerProcess, bootstrap: Path, services: Services, blue: Backend, green: Backend
) -> None:
    apply(server, services.routes("cart", {"blue": 1}).runs("blue", [blue]))
    with Calls("cart", bootstrap) as calls:
        settles_on("blue", calls)
        old, new = blue, green
        for _ in range(20):
            services.runs(new.name, [new]).routes("cart", {new.name: 1})
            apply(server, services.without(old.name).without(f"{old.name}-endpoints"))
            wait_for(lambda name=new.name: calls.last == name, f"calls to {new.name}")
            old, new = new, old
        settles_on(old.name, calls)
    assert calls.failures == []


def test_a_name_that_does_not_exist_fails_fast_and_is_called_when_it_appears(
    server: ServerProcess, bootstrap: Path, services: Services, blue: Backend
) -> None:
    apply(server, services.routes("cart", {"v1": 1}).runs("v1", [blue]))
    with Calls("checkout", bootstrap, **TAKES_RESOURCE_ERRORS) as calls:
        wait_for(lambda: calls.failures != [], "a call to a name that nobody knows to fail", timeout_s=5)
        assert "UNAVAILABLE" in calls.failures[0]
        assert "checkout" in calls.failures[0]
        apply(server, services.routes("checkout", {"v1": 1}))
        settles_on("blue", calls)


def test_a_client_is_let_in_with_its_certificate(tmp_path: Path, services: Services, blue: Backend) -> None:
    flags, own = write_certificates(tmp_path)
    server = ServerProcess(tmp_path / "server", "--memory", *flags).start()
    try:
        apply(server, services.routes("cart", {"v1": 1}).runs("v1", [blue]))
        with Calls("cart", bootstrap_of(server, tmp_path, *own)) as calls:
            settles_on("blue", calls)
    finally:
        server.stop()
    assert calls.failures == []


@pytest.mark.etcd
def test_calls_go_on_while_the_server_is_away_and_follow_it_when_it_is_back(
    tmp_path: Path, services: Services, blue: Backend, green: Backend
) -> None:
    server = ServerProcess(tmp_path / "server").start()
    try:
        apply(server, services.routes("cart", {"v1": 1}).runs("v1", [blue]))
        with Calls("cart", bootstrap_of(server, tmp_path)) as calls:
            settles_on("blue", calls)
            server.kill()
            more(calls, 200)
            server.start()
            wait_for(lambda: nodes(server) == ["current"], "the client to be back")
            apply(server, services.runs("v1", [green]))
            settles_on("green", calls)
        assert calls.failures == []
    finally:
        server.stop()


def test_a_server_that_came_back_knowing_nothing_takes_nothing_away(
    server: ServerProcess, bootstrap: Path, services: Services, blue: Backend
) -> None:
    apply(server, services.routes("cart", {"v1": 1}).runs("v1", [blue]))
    with Calls("cart", bootstrap) as calls:
        settles_on("blue", calls)
        server.kill()
        server.start()  # its store was in memory
        wait_for(lambda: nodes(server) == ["unassigned"], "the client to be back")
        more(calls, 200)
    assert calls.failures == []
