"""Certificates for tests, as files: a CA, a server's certificate for 127.0.0.1, and a client's."""

from __future__ import annotations

from pathlib import Path

import trustme


def write_certificates(directory: Path) -> tuple[list[str], list[str]]:
    """Flags for a server that lets in none but the client, and those of `fairlead bootstrap` for the client."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    for name, issued in (("server", authority.issue_cert("127.0.0.1")), ("me", authority.issue_cert("edge-1"))):
        issued.private_key_pem.write_to_path(str(directory / f"{name}.key"))
        issued.cert_chain_pems[0].write_to_path(str(directory / f"{name}.pem"))
    server = (("cert", "server.pem"), ("key", "server.key"), ("client-ca", "ca.pem"))
    client = (("ca", "ca.pem"), ("cert", "me.pem"), ("key", "me.key"))
    return (
        [f"--xds-{name}={directory / file}" for name, file in server],
        [f"--{name}={directory / file}" for name, file in client],
    )
