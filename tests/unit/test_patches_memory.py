"""What patches came to last time is taken again, and what nobody asks for is forgotten."""

from __future__ import annotations

import weakref

from snapshots.authoring.patches.memory import PatchMemory


def test_result_of_the_last_run_is_the_very_same() -> None:
    memory = PatchMemory()
    first = memory.of("key", lambda: [1])
    assert memory.of("key", lambda: [2]) is first
    memory.end_of_run()
    assert memory.of("key", lambda: [3]) is first


def test_what_a_run_does_not_ask_for_is_forgotten() -> None:
    memory = PatchMemory()
    first = memory.of("key", lambda: [1])
    memory.end_of_run()
    memory.end_of_run()
    assert memory.of("key", lambda: [1]) is not first


def test_object_that_a_key_names_by_its_number_lives_as_long_as_the_result() -> None:
    class Named:
        pass

    memory, named = PatchMemory(), Named()
    gone = weakref.ref(named)
    memory.of(id(named), lambda: [1], named)
    del named
    memory.end_of_run()
    assert gone() is not None
    memory.end_of_run()
    assert gone() is None
