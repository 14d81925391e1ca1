"""How much samples hang together: the design effect of counts by time."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis.timeline import Timeline

Second = tuple[int, int, int]  # the second, its samples and exceedances

SECONDS = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 60), st.floats(0, 1)).map(
        lambda each: (each[0], each[1], round(each[1] * each[2]))
    ),
    max_size=80,
)


def timeline(seconds: Iterable[Second]) -> Timeline:
    filled = Timeline()
    for second in seconds:
        filled.add(*second)
    return filled


def played(share: Iterable[float], rate: int = 50) -> Timeline:
    """A service whose share of exceedances is another one in each second."""
    drawn = np.random.default_rng(7)
    return timeline((second, rate, int(drawn.binomial(rate, p))) for second, p in enumerate(share))


@given(SECONDS, st.randoms(use_true_random=False))
def test_the_order_of_the_seconds_changes_nothing(seconds: list[Second], chance: np.random.Generator) -> None:
    shuffled = list(seconds)
    chance.shuffle(shuffled)  # type: ignore[arg-type]
    assert timeline(shuffled).design_effect() == pytest.approx(timeline(seconds).design_effect())
    assert timeline(shuffled).elapsed == timeline(seconds).elapsed


@given(SECONDS)
def test_it_is_at_least_one(seconds: list[Second]) -> None:
    assert timeline(seconds).design_effect() >= 1


@given(SECONDS, st.integers(0, 400))
def test_seconds_without_samples_tell_nothing(seconds: list[Second], silent: int) -> None:
    assert timeline([*seconds, (silent, 0, 0)]) == timeline(seconds)


def test_independent_samples_are_worth_nearly_all_of_them() -> None:
    assert played([0.005] * 600).design_effect() < 2.5


def test_a_stall_counts_as_about_one_event() -> None:
    share = [0.0] * 600
    share[300] = 1.0
    assert played(share).design_effect() == pytest.approx(50, rel=0.5)  # and what is added for prudence


def test_a_level_that_moves_slowly_is_seen_by_long_blocks() -> None:
    steady, moving = played([0.02] * 600), played([0.0] * 300 + [0.04] * 300)
    assert moving.design_effect() > 4 * steady.design_effect()


@pytest.mark.parametrize(
    "share",
    [pytest.param([0.0] * 600, id="no exceedance"), pytest.param([1.0] * 600, id="nothing else")],
)
def test_what_does_not_vary_tells_no_effect(share: list[float]) -> None:
    assert played(share).design_effect() == 1


def test_few_blocks_tell_nothing() -> None:
    assert timeline([(0, 10, 10), (1, 10, 0), (2, 10, 0)]).design_effect() == 1


def test_time_goes_from_the_first_sample_to_the_last() -> None:
    assert Timeline().elapsed == 0
    assert timeline([(1_700_000_010, 5, 0), (1_700_000_001, 5, 0)]).elapsed == 10


def test_a_day_is_remembered_in_long_blocks_only() -> None:
    """Its memory is bounded, and a stall of a minute in every hour is still one."""
    day = timeline((second, 1, int(second % 3600 < 60)) for second in range(86_400))
    assert day.design_effect() == pytest.approx(60, rel=0.2)
    assert sum(len(blocks) for blocks in day._blocks.values()) < 10_000
