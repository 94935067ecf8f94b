"""What was compiled last of each workspace, for who compiles many: those asked for last, up to a size."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from threading import Lock

from api.envoy.registry import EnvoyApi
from snapshots.authoring.kept_workspace import KeptWorkspace
from snapshots.authoring.limits import MIB


class KeptWorkspaces:
    """Safe to share by threads: what one has borrowed nobody else gets, who compiles the same anew."""

    def __init__(self, api: EnvoyApi, limit_bytes: int = 256 * MIB) -> None:
        self._api, self._limit_bytes = api, limit_bytes
        self._kept: OrderedDict[Hashable, KeptWorkspace] = OrderedDict()
        self._lock = Lock()

    @contextmanager
    def borrowed(self, key: Hashable) -> Iterator[KeptWorkspace]:
        """What is kept under `key`, or nothing yet. It comes back unless an error passes through."""
        with self._lock:
            kept = self._kept.pop(key, None)
        kept = kept or KeptWorkspace(self._api)
        yield kept
        with self._lock:
            self._kept[key] = kept
            self._kept.move_to_end(key)
            self._let_go()

    def _let_go(self) -> None:
        """All but the last have to be within the limit together with it; it alone may be larger."""
        while len(self._kept) > 1 and sum(each.size_bytes for each in self._kept.values()) > self._limit_bytes:
            self._kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._kept)
