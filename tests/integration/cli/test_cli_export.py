"""`fairlead export`: what was applied comes back byte for byte, without its secrets unless somebody asks for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.cli.commands.export import _path
from api.errors import InvalidConfig
from api.management.v1 import management_pb2 as pb
from tests.commands import SECRET, Documents, offline, told
from tests.spine import ServerProcess

COMMENT = "# kept, with its spaces   \n"
KEY = "Y2FuYXJ5LWtleQ=="
KUBERNETES_SECRET = f"""\
apiVersion: v1
kind: Secret
metadata: {{name: pair}}
type: kubernetes.io/tls
data: {{tls.crt: {KEY}, tls.key: {KEY}}}
"""


def test_what_was_applied_comes_back_byte_for_byte(server: ServerProcess, documents: Documents, tmp_path: Path) -> None:
    documents.cluster("a")
    (documents.directory / "deep").mkdir()
    (documents.directory / "deep" / "b.yaml").write_text(COMMENT)
    told(server.run("apply", str(documents)), 0)
    copy = tmp_path / "new" / "copy"
    done = told(server.run("export", str(copy), "--group", documents.group), 0)
    before, after = (
        {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*.yaml")}
        for top in (documents.directory, copy)
    )
    assert before == after
    assert done.out.splitlines() == [str(copy / name) for name in sorted(before)]
    again = told(server.run("export", str(copy), "--group", documents.group), 3)
    assert "is there already" in again.err
    assert "nothing was written" in again.err


def test_an_earlier_revision_is_as_it_was(server: ServerProcess, documents: Documents) -> None:
    told(server.run("apply", str(documents.cluster("web", "1s"))), 0)
    told(server.run("apply", str(documents.cluster("web", "2s"))), 0)
    first = told(server.run("export", "--revision", "1", "--group", documents.group), 0)
    assert "connect_timeout: 1s" in first.out
    newest = told(server.run("export", "--group", documents.group, "-o", "json"), 0).json()
    assert [each["path"] for each in newest["documents"]] == ["fairlead.yaml", "web.yaml"]
    assert "connect_timeout: 2s" in newest["documents"][1]["content"]
    assert newest["revision"]["number"] == 2
    assert told(offline("validate", "-", stdin=first.out), 0).out == ""
    told(server.run("export", "--revision", "9", "--group", documents.group), 3)
    told(server.run("export", "--workspace", "nobody", "--group", documents.group), 3)


def test_each_workspace_has_a_directory(server: ServerProcess, documents: Documents, tmp_path: Path) -> None:
    told(server.run("apply", str(documents.cluster("a"))), 0)
    other = Documents(tmp_path / "other", documents.group)
    other.directory.mkdir()
    told(server.run("apply", str(other.named("other").cluster("b"))), 0)
    names = told(server.run("export", "--group", documents.group, "-o", "name"), 0).out.split()
    assert names == ["other/b.yaml", "other/fairlead.yaml", "shop/a.yaml", "shop/fairlead.yaml"]
    alone = told(server.run("export", "--group", documents.group, "--workspace", "other", "-o", "name"), 0)
    assert alone.out.split() == ["b.yaml", "fairlead.yaml"]


def test_secrets_are_written_only_when_they_are_asked_for(
    server: ServerProcess, documents: Documents, tmp_path: Path
) -> None:
    (documents.directory / "secret.yaml").write_text(SECRET.format(key="canary-envoy"))
    (documents.directory / "pair.yaml").write_text(KUBERNETES_SECRET)
    told(server.run("apply", str(documents.cluster())), 0)
    export = ("export", str(tmp_path / "copy"), "--group", documents.group)
    refused = told(server.run(*export), 3)
    assert "pair.yaml, secret.yaml would hold secrets" in refused.err
    assert not (tmp_path / "copy").exists()
    told(server.run(*export, "--secrets", "mask"), 0)
    masked = "".join(path.read_text() for path in (tmp_path / "copy").iterdir())
    assert "canary-envoy" not in masked
    assert KEY not in masked
    assert masked.count("(sensitive, ") == 3
    told(server.run("export", str(tmp_path / "all"), "--group", documents.group, "--secrets", "write"), 0)
    assert (tmp_path / "all" / "pair.yaml").read_text() == KUBERNETES_SECRET
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "all").iterdir()} == {0}
    shown = told(server.run("show", "1", "--group", documents.group), 0)
    assert KEY not in shown.out + shown.err
    for form in ("table", "json"):
        said = told(server.run("export", "--group", documents.group, "-o", form), 3)
        assert "canary" not in said.out + said.err


@pytest.mark.parametrize("path", ["../a.yaml", "/etc/a.yaml", "a//b.yaml", "a/../../b.yaml", "a\n.yaml", ".", ""])
def test_a_path_that_leads_out_is_not_written(path: str) -> None:
    with pytest.raises(InvalidConfig, match="would not be written below"):
        _path(pb.Document(path=path, workspace="shop"), within_workspace=False)


def test_what_came_from_standard_input_gets_a_name() -> None:
    document = pb.Document(path="<stdin>", workspace="shop")
    assert _path(document, within_workspace=False) == "stdin.yaml"
    assert _path(document, within_workspace=True) == "shop/stdin.yaml"
