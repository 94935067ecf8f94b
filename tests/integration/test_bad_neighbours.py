"""One mistake never takes its neighbours down: `fairlead dev` starts with a bad file, and takes changes beside it."""

from __future__ import annotations

from pathlib import Path

from tests.spine import ServerProcess, wait_for

A_BACKEND = """apiVersion: fairlead.dev/v1
kind: Backend
metadata: {{name: {name}, namespace: shop}}
spec: {{endpoints: [{{address: 127.0.0.1, port: {port}}}]}}
"""
A_ROUTE = """apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}, namespace: shop}}
spec:
  parentRefs: [{{name: edge}}]
  hostnames: [{name}.example.com]
  rules:
  - backendRefs: [{{group: fairlead.dev, kind: Backend, name: {name}}}]
"""
A_GATEWAY = """apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  gatewayClassName: fairlead
  addresses: [{value: 127.0.0.1}]
  listeners: [{name: http, port: 10080, protocol: HTTP}]
"""


def served(server: ServerProcess) -> str:
    """Everything that the group is served, as text."""
    return server.run("show", "0", "-o", "json").out


def test_one_bad_file_keeps_no_other_from_being_served(tmp_path: Path) -> None:
    """It is started with a bad file, and takes changes while one is bad."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "gateway.yaml").write_text(A_GATEWAY)
    for name in ("web", "api"):
        (site / f"{name}.yaml").write_text(A_BACKEND.format(name=name, port=9001) + "---\n" + A_ROUTE.format(name=name))
    (site / "bad.yaml").write_text(A_ROUTE.format(name="bad").replace("rules:", "ruels:"))
    server = ServerProcess(tmp_path / "server", "--memory", str(site)).start()
    try:
        wait_for(lambda: "web.example.com" in served(server), "the good ones")
        assert "bad.example.com" not in served(server)

        (site / "web.yaml").write_text("kind: [\n")
        wait_for(lambda: "web.yaml as before" in server.log.read_text(), "the bad one held back")
        assert "web.example.com" in served(server)
        (site / "api.yaml").write_text(A_BACKEND.format(name="api", port=9001) + "---\n" + A_ROUTE.format(name="api2"))
        (site / "more.yaml").write_text(A_BACKEND.format(name="api2", port=9001))
        wait_for(lambda: "api2.example.com" in served(server), "a change beside bad ones")
        assert "web.example.com" in served(server)

        (site / "web.yaml").write_text(A_BACKEND.format(name="web", port=9002))
        (site / "bad.yaml").unlink()
        wait_for(lambda: "web.example.com" not in served(server), "the mended one")
        assert server.run("validate", str(site)).code == 0
    finally:
        server.stop()
