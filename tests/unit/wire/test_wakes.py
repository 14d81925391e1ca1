from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.wire.brief import Threshold
from devperfops_operator.wire.wakes import Wakes, tolerated_ms


@pytest.mark.parametrize(("limits", "tolerated"), [((2_000, 500), 50), ((100,), 20), ((), None)])
def test_a_tenth_of_the_shortest_limit_does_not_matter(
    limits: tuple[int, ...], tolerated: int | None
) -> None:
    assert tolerated_ms([Threshold(limit, inclusive=True) for limit in limits]) == tolerated


@given(st.lists(st.integers(0, 1_000)))
def test_late_wakes_are_counted_and_the_latest_is_known(late_ms: list[int]) -> None:
    found = reduce(lambda wakes, late: wakes.also(late, 50), late_ms, Wakes())
    assert found == Wakes(len(late_ms), sum(late > 50 for late in late_ms), max(late_ms, default=0))
