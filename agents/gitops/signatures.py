"""Whether a commit was signed by somebody who may: SSH signatures by ssh-keygen, OpenPGP ones by gpg. In the worker.

Keys come from the source's own files and nowhere else: not from a keyring, an agent or git settings of the machine.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from agents.gitops.sources import Remote
from snapshots.authoring.printable import printable

_SSH, _PGP = b"-----BEGIN SSH SIGNATURE-----", b"-----BEGIN PGP SIGNATURE-----"
_TOOL_DEADLINE_S = 30
_NAMESPACE = "git"


@dataclass(frozen=True, slots=True)
class Signed:
    """A commit as it was signed: the bytes under the signature, and the signature; empty without one."""

    payload: bytes
    signature: bytes


def signature_problem(remote: Remote, signed: Signed) -> str:
    """Why the commit is not from an allowed signer; empty when it is, or when nobody asked."""
    if not remote.verifies_signatures:
        return ""
    if not signed.signature:
        return "it is not signed"
    try:
        with TemporaryDirectory(prefix="fairlead-signature-") as directory:
            if signed.signature.startswith(_SSH):
                return _ssh_problem(remote.allowed_signers_file, signed, Path(directory))
            if signed.signature.startswith(_PGP):
                return _pgp_problem(remote.allowed_gpg_keys_file, signed, Path(directory))
    except FileNotFoundError as error:
        return f"{error.filename} is not there, and signatures cannot be checked without it"
    except subprocess.TimeoutExpired:
        return f"checking the signature took more than {_TOOL_DEADLINE_S} s"
    return "its signature is neither SSH's nor OpenPGP's"


def _ssh_problem(allowed: str, signed: Signed, directory: Path) -> str:
    """ssh-keygen(1), ALLOWED SIGNERS: first whose key it is, then whether the signature is that key's."""
    if not allowed:
        return "it is signed with an SSH key, and the source names no allowed_signers_file"
    signature = directory / "signature"
    signature.write_bytes(signed.signature)
    signers = str(Path(allowed).absolute())
    found = _run("ssh-keygen", "-Y", "find-principals", "-s", str(signature), "-f", signers)
    principals = found.stdout.decode(errors="replace").split()
    if found.returncode or not principals:
        return "its SSH key is not among the allowed signers"
    words = ("-Y", "verify", "-f", signers, "-I", principals[0], "-n", _NAMESPACE, "-s", str(signature))
    checked = _run("ssh-keygen", *words, data=signed.payload)
    return _told("its SSH signature is not good", checked.stderr) if checked.returncode else ""


def _pgp_problem(keys: str, signed: Signed, directory: Path) -> str:
    """A keyring of its own that holds the allowed keys alone: a good signature is one of theirs."""
    if not keys:
        return "it is signed with OpenPGP, and the source names no allowed_gpg_keys_file"
    gpg = ("gpg", "--homedir", str(directory), "--batch", "--no-tty", "--no-autostart", "--trust-model", "always")
    imported = _run(*gpg, "--import", str(Path(keys).absolute()))
    if imported.returncode:
        return _told("the allowed OpenPGP keys cannot be read", imported.stderr)
    signature = directory / "signature"
    signature.write_bytes(signed.signature)
    checked = _run(*gpg, "--status-fd", "1", "--verify", str(signature), "-", data=signed.payload)
    good = re.search(rb"^\[GNUPG:\] VALIDSIG ", checked.stdout, re.M)
    return "" if good and not checked.returncode else "its OpenPGP signature is not of an allowed key, or not good"


def _run(*words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(words, input=data, capture_output=True, timeout=_TOOL_DEADLINE_S, check=False)


def _told(what: str, words: bytes) -> str:
    lines = words.decode(errors="replace").strip().splitlines()
    return f"{what}: {printable(lines[-1])}" if lines else what
