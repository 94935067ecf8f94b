"""A table that stays sorted, against sorting it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshots.authoring import ordered
from snapshots.authoring.ordered import Ordered

PUTS = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["a", "b", None]), st.booleans()))


@pytest.mark.parametrize("many", [0, 200])
@given(puts=PUTS)
def test_all_values_are_in_their_order_whatever_was_put(puts: list[tuple[int, str | None, bool]], many: int) -> None:
    table, expected = Ordered[str](), dict[int, str]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordered, "_MANY", many)
        for order, value, looks in puts:
            table.put(order, value)
            if value is None:
                expected.pop(order, None)
            else:
                expected[order] = value
            assert table.get(order) == value
            if looks:
                assert table.all() == tuple(expected[each] for each in sorted(expected))
        assert table.all() == tuple(expected[each] for each in sorted(expected))
        assert table.all() is table.all()
