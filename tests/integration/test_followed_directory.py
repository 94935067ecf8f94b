"""A followed directory: whatever way a file is saved, its content is published, and nothing in between is lost."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from api.errors import StoreUnavailable
from api.management.uploads import Upload
from api.management.v1 import management_pb2 as pb
from tests.whole_servers import until
from xds.server import directory, directory_news, pending_paths
from xds.server.directory import DirectoryFollower
from xds.server.directory_news import Pace
from xds.server.inotify import Event, Inotify, News

NEVER = Pace(share=1.0, least_s=1000.0, most_s=1000.0)


class Following:
    """What was published and said. `refuse` is raised instead, once; `held` keeps a publication under way."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.published: list[dict[str, str]] = []
        self.said: list[str] = []
        self.refuse: Exception | None = None
        self.held = asyncio.Event()
        self.held.set()

    async def publish(self, upload: Upload) -> pb.PublishResponse:
        self.published.append({document.path: document.content.decode() for document in upload.documents})
        await self.held.wait()
        refuse, self.refuse = self.refuse, None
        if refuse:
            raise refuse
        return pb.PublishResponse(created=True)

    def save(self, name: str, text: str) -> Path:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    async def publishes(self, **files: str) -> None:
        """Wait until the newest publication is exactly these; a name's `__` is a `/`, and `.yaml` is left out."""
        wanted = {f"{name.replace('__', '/')}.yaml": text for name, text in files.items()}
        await until(lambda: bool(self.published) and self.published[-1] == wanted, f"the publication of {wanted}")


@asynccontextmanager
async def following(top: Path, **files: str) -> AsyncIterator[Following]:
    """A directory with these files that is followed, and was published."""
    found = Following(top)
    for name, text in files.items():
        found.save(f"{name}.yaml", text)
    running = asyncio.create_task(DirectoryFollower(top, found.publish, found.said.append).run())
    try:
        if files:
            await found.publishes(**files)
        yield found
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_a_file_written_in_place_is_published(tmp_path: Path) -> None:
    async with following(tmp_path, a="1", b="1") as found:
        found.save("a.yaml", "2")
        await found.publishes(a="2", b="1")


async def test_an_editor_that_renames_is_never_seen_halfway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PASSING_S", "LONGEST_S"):
        monkeypatch.setattr(pending_paths, name, 1000.0)
    monkeypatch.setattr(directory_news, "WATCHED", NEVER)
    async with following(tmp_path, a="1", b="1") as found:
        (tmp_path / "4913").touch()
        (tmp_path / "4913").unlink()
        (tmp_path / "a.yaml").rename(tmp_path / "a.yaml~")
        await asyncio.sleep(0.05)  # while it makes sure that the new file is on the disk
        found.save("a.yaml", "2")
        (tmp_path / "a.yaml~").unlink()
        await found.publishes(a="2", b="1")
        written = tmp_path / ".a.yaml.new"
        written.write_text("3")
        written.rename(tmp_path / "a.yaml")
        await found.publishes(a="3", b="1")
        assert all(set(each) == {"a.yaml", "b.yaml"} for each in found.published)


async def test_files_and_directories_come_and_go(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "deep").mkdir(parents=True)
    (elsewhere / "deep/c.yaml").write_text("3")
    async with following(tmp_path / "top", a="1") as found:
        elsewhere.rename(found.top / "in")
        await found.publishes(a="1", in__deep__c="3")
        found.save("in/deep/c.yaml", "4")
        await found.publishes(a="1", in__deep__c="4")
        found.save("new/er/d.yaml", "5")
        await found.publishes(a="1", in__deep__c="4", new__er__d="5")
        (found.top / "in").rename(found.top / "out")
        await found.publishes(a="1", out__deep__c="4", new__er__d="5")
        found.save("out/deep/c.yaml", "6")
        await found.publishes(a="1", out__deep__c="6", new__er__d="5")
        shutil.rmtree(found.top / "new")
        (found.top / "a.yaml").unlink()
        await found.publishes(out__deep__c="6")


async def test_what_is_saved_during_a_publication_is_published_next(tmp_path: Path) -> None:
    async with following(tmp_path, a="1", b="1") as found:
        found.held.clear()
        found.save("a.yaml", "2")
        await found.publishes(a="2", b="1")
        found.save("a.yaml", "3")
        found.save("b.yaml", "3")
        found.held.set()
        await found.publishes(a="3", b="3")


async def test_a_publication_that_the_store_did_not_take_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "RETRY_S", 0.05)
    async with following(tmp_path, a="1") as found:
        found.refuse = StoreUnavailable("the store does not answer")
        found.save("a.yaml", "2")
        await until(lambda: found.published[-2:] == [{"a.yaml": "2"}] * 2, "the second attempt")
        assert any("does not answer" in line for line in found.said)


async def test_a_file_that_cannot_be_read_is_told_and_the_next_save_published(tmp_path: Path) -> None:
    async with following(tmp_path, a="1") as found:
        (tmp_path / "b.yaml").symlink_to("/etc/hostname")
        await until(lambda: any("leads out" in line for line in found.said), "the finding")
        (tmp_path / "b.yaml").unlink()
        found.save("a.yaml", "2")
        await found.publishes(a="2")


async def test_the_directory_itself_may_be_replaced(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.yaml").write_text(name)
    (tmp_path / "top").symlink_to("one")
    async with following(tmp_path / "top") as found:
        await found.publishes(a="one")
        (tmp_path / "next").symlink_to("two")
        (tmp_path / "next").rename(tmp_path / "top")  # nothing in either directory has changed
        await found.publishes(a="two")
        (tmp_path / "two/a.yaml").write_text("three")
        await found.publishes(a="three")


def _no_instances(_: Inotify) -> None:
    raise OSError(24, os.strerror(24))


def _no_watches(_: Inotify, directory: str) -> None:
    raise OSError(28, os.strerror(28))


@pytest.mark.parametrize(("method", "refusing"), [("__init__", _no_instances), ("watch", _no_watches)])
async def test_without_inotify_the_directory_is_looked_at_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, refusing: Callable[..., None]
) -> None:
    monkeypatch.setattr(Inotify, method, refusing)
    async with following(tmp_path, a="1") as found:
        found.save("b/c.yaml", "2")
        await found.publishes(a="1", b__c="2")
        assert [line for line in found.said if "max_user_watches" in line][1:] == []


async def test_when_the_kernel_forgot_what_happened_everything_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory_news, "WATCHED", NEVER)
    really = Inotify.events

    def forgetful(inotify: Inotify) -> list[Event]:
        return [Event("", News.LOST) for _ in really(inotify)]

    monkeypatch.setattr(Inotify, "events", forgetful)
    async with following(tmp_path, a="1") as found:
        found.save("a.yaml", "22")
        await found.publishes(a="22")
