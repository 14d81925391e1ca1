"""Dividing the load: nothing is lost, nobody is idle, and a thread has the same work on every worker."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.domain.objectives import RunPlan
from devperfops_operator.domain.plan import resolve_plan
from devperfops_operator.domain.shares import Share, divide
from tests.unit.domain.world import gate

rates = st.builds(Fraction, st.integers(1, 9_999_999), st.sampled_from([1, 60])) | st.none()


def a_plan(workers: int, threads: int, rate: Fraction | int | None) -> RunPlan:
    exact = None if rate is None else Fraction(rate)
    return replace(resolve_plan(gate().spec), workers=workers, threads=threads, rate_per_minute=exact)


@st.composite
def plans(draw: st.DrawFn) -> RunPlan:
    workers = draw(st.integers(1, 64))
    return a_plan(workers, draw(st.integers(workers, 100_000)), draw(rates))


@given(st.integers(1, 32), st.integers(64, 10_000), rates)
def test_target_and_baseline_get_the_same(workers: int, threads: int, rate: Fraction | None) -> None:
    plan = a_plan(2 * workers, threads, rate)
    shares = divide(replace(plan, against_baseline=True))
    alone = divide(replace(plan, workers=workers))
    assert shares[::2] == shares[1::2] == alone


@given(plans())
def test_the_shares_are_exactly_the_plan(plan: RunPlan) -> None:
    shares = divide(plan)
    assert len(shares) == plan.workers
    assert sum(share.threads for share in shares) == plan.threads
    if plan.rate_per_minute is None:
        assert {share.rate_per_minute for share in shares} == {None}
    else:
        assert sum(share.rate_per_minute or 0 for share in shares) == plan.rate_per_minute


@given(plans())
def test_no_worker_has_more_than_one_thread_more_than_another(plan: RunPlan) -> None:
    threads = [share.threads for share in divide(plan)]
    assert min(threads) >= 1
    assert max(threads) - min(threads) <= 1


@given(plans())
def test_a_thread_plays_at_the_same_rate_on_every_worker(plan: RunPlan) -> None:
    rate = plan.rate_per_minute
    for share in divide(plan):
        if rate is not None and share.rate_per_minute is not None:
            assert share.rate_per_minute > 0
            assert abs(share.rate_per_minute - rate * share.threads / plan.threads) < 1


@given(plans())
def test_a_whole_rate_stays_whole_where_it_is_enough_for_all(plan: RunPlan) -> None:
    rate = plan.rate_per_minute
    if rate is not None and rate.denominator == 1 and rate >= plan.threads:
        assert all(share.rate_per_minute == int(share.rate_per_minute or 0) for share in divide(plan))


def test_the_remainder_goes_to_the_first_workers() -> None:
    assert [share.threads for share in divide(a_plan(4, 50, None))] == [13, 13, 12, 12]


def test_a_worker_with_fewer_threads_plays_less() -> None:
    assert divide(a_plan(2, 3, 3000)) == (Share(2, Fraction(2000)), Share(1, Fraction(1000)))


def test_a_rate_too_small_for_whole_samples_is_divided_all_the_same() -> None:
    assert {share.rate_per_minute for share in divide(a_plan(4, 4, 1))} == {Fraction(1, 4)}
