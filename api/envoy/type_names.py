"""Suggests message types for a name that is none. Built at the first mistake, not before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from difflib import SequenceMatcher, get_close_matches
from functools import cached_property

from google.protobuf.descriptor_pool import DescriptorPool

LIMIT = 3
_LONGEST_NAME = 200
_ANSWERS_KEPT = 500


class TypeNames:
    """The top-level messages of a pool, found by their last component: that is what people remember of a type."""

    def __init__(self, pool: DescriptorPool, file_names: Sequence[str]) -> None:
        self._pool = pool
        self._file_names = file_names
        self._answers: dict[str, tuple[str, ...]] = {}

    @cached_property
    def _by_last_component(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for file_name in self._file_names:
            file = self._pool.FindFileByName(file_name)
            for name, descriptor in file.message_types_by_name.items():
                found[name].append(descriptor.full_name)
        return dict(found)

    def similar(self, full_name: str) -> tuple[str, ...]:
        """Up to three full names, the nearest first."""
        if len(full_name) > _LONGEST_NAME:
            return ()
        if full_name not in self._answers:
            if len(self._answers) >= _ANSWERS_KEPT:
                self._answers.clear()
            self._answers[full_name] = self._nearest(full_name)
        return self._answers[full_name]

    def _nearest(self, full_name: str) -> tuple[str, ...]:
        last = full_name.rpartition(".")[2]
        near = get_close_matches(last, self._by_last_component, n=LIMIT, cutoff=0.7)

        def distance(candidate: str) -> tuple[float, str]:
            return -SequenceMatcher(None, full_name, candidate).ratio(), candidate

        candidates = [name for component in near for name in sorted(self._by_last_component[component], key=distance)]
        return tuple(candidates[:LIMIT])
