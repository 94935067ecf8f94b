"""`fairlead gitops --config FILE`: one TOML file, read into sources. Every mistake names its place in the file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec

from agents.gitops.sources import Mode, Remote, Source, StatusForm, StatusTarget
from api.errors import InvalidConfig

SHORTEST_POLL_S = 1.0

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
_Commit = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{40})?$")]


class _Source(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    name: _Name
    url: str
    branch: str = ""
    tag: str = ""
    commit: _Commit = ""
    path: str = ""
    workspace: str = ""
    group: str = ""
    mode: Mode = "enforce"
    poll_s: Annotated[float, msgspec.Meta(ge=SHORTEST_POLL_S, le=86_400)] = 30.0
    username: str = "git"
    token_file: str = ""
    ssh_key_file: str = ""
    ssh_known_hosts_file: str = ""
    ca_file: str = ""
    allowed_signers_file: str = ""
    allowed_gpg_keys_file: str = ""
    webhook_secret_file: str = ""
    status_form: StatusForm = "github"
    status_url: str = ""
    status_token_file: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    source: Annotated[list[_Source], msgspec.Meta(min_length=1)]


def read_sources(path: Path) -> tuple[Source, ...]:
    """The sources that a file names, in its order. Raises InvalidConfig, which says where and what to do."""
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
        given = msgspec.convert(written, _File)
    except OSError as error:
        raise InvalidConfig(f"{path} cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidConfig(f"{path} is not TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise InvalidConfig(f"{path}: {_place_first(str(error))}") from error
    return checked([_source(each) for each in given.source], str(path))


def checked(sources: list[Source], where: str) -> tuple[Source, ...]:
    """The sources, if they can be followed beside each other. Raises InvalidConfig."""
    names: set[str] = set()
    workspaces: dict[tuple[str, str], str] = {}
    for each in sources:
        if problem := _problem(each):
            raise InvalidConfig(f"{where}: source {each.name}: {problem}")
        if each.name in names:
            raise InvalidConfig(f"{where}: two sources are called {each.name}; rename one")
        first = workspaces.setdefault((each.group, each.workspace), each.name)
        if first != each.name:
            words = f"sources {first} and {each.name} both publish workspace {each.workspace} of group {each.group}"
            raise InvalidConfig(f"{where}: {words}; give each a workspace of its own")
        if len(sources) > 1 and not (each.workspace and each.group):
            raise InvalidConfig(f"{where}: source {each.name}: beside others it must say its workspace and its group")
        names.add(each.name)
    return tuple(sources)


def _source(given: _Source) -> Source:
    remote = Remote(
        url=given.url,
        username=given.username,
        token_file=given.token_file,
        ssh_key_file=given.ssh_key_file,
        ssh_known_hosts_file=given.ssh_known_hosts_file,
        ca_file=given.ca_file,
        allowed_signers_file=given.allowed_signers_file,
        allowed_gpg_keys_file=given.allowed_gpg_keys_file,
    )
    branch = given.branch or ("" if given.tag or given.commit else "main")
    return Source(
        name=given.name,
        remote=remote,
        branch=branch,
        tag=given.tag,
        commit=given.commit,
        path=given.path.strip("/"),
        workspace=given.workspace,
        group=given.group,
        mode=given.mode,
        poll_s=given.poll_s,
        webhook_secret_file=given.webhook_secret_file,
        status_target=_status_target(given),
    )


def _status_target(given: _Source) -> StatusTarget | None:
    return StatusTarget(given.status_form, given.status_url, given.status_token_file) if given.status_url else None


def _problem(source: Source) -> str:
    """What keeps one source from being followed; empty when nothing does."""
    if problem := source.remote.problem() or (source.status_target.problem() if source.status_target else ""):
        return problem
    if sum(map(bool, (source.branch, source.tag, source.commit))) != 1:
        return "give one of branch, tag and commit"
    if any(part in ("", ".", "..") for part in source.path.split("/")) and source.path:
        return f'path "{source.path}" is no directory of a repository; write it from the top, without "." and ".."'
    return ""


def _place_first(words: str) -> str:
    """msgspec says the place last: `Expected `str`, got `int` - at `$.source[0].url``."""
    what, mark, place = words.partition(" - at `$")
    return f"{place.rstrip('`').lstrip('.')}: {what}" if mark and place != "`" else what
