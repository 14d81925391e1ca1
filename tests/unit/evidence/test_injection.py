"""A past run with a fault in is what the run would have been with that fault."""

from fractions import Fraction
from random import Random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devperfops_operator.domain.record import series_key
from devperfops_operator.evidence.injection import Injection, binomial, injected, past_run
from tests.unit.evidence.kept import gate, kept, second_of

PLAN = gate({"expect": "p99 < 250ms"}, {"expect": "errors < 1%"})
LATENCY, ERRORS = (series_key(o.counted, PLAN.thresholds) for o in PLAN.objectives)

SECONDS = st.lists(st.lists(st.tuples(st.integers(1, 900), st.booleans()), max_size=6), max_size=40)


def faulty(seconds, injection, seed=1):
    return injected([past_run(kept(seconds, PLAN), PLAN, injection)], len(seconds), Random(seed))


@given(SECONDS)
@settings(deadline=None)
def test_without_a_fault_a_run_is_as_it_was(seconds):
    seconds = [[(10, False)], *seconds, [(10, False)]]
    then, now = kept(seconds, PLAN), faulty(seconds, Injection())
    for key, series in then.series.items():
        assert list(now.series[key].samples) == list(series.samples)
        assert list(now.series[key].exceedances) == list(series.exceedances)


def test_a_run_begins_with_its_first_sample():
    past = past_run(kept([[], [(10, False)], [], [(10, True)], []], PLAN), PLAN, Injection())
    assert (past[ERRORS].samples, past[ERRORS].exceedances) == ([1, 0, 1], [0, 0, 1])


@given(SECONDS, st.integers(0, 300), st.integers(0, 100))
@settings(deadline=None)
def test_a_fault_adds_exceedances_and_no_samples(seconds, delay, errors):
    seconds = [[(10, False)], *seconds, [(10, False)]]
    then = kept(seconds, PLAN)
    now = faulty(seconds, Injection(Fraction(delay, 100), Fraction(errors, 100)))
    for key, series in then.series.items():
        assert list(now.series[key].samples) == list(series.samples)
        counts = zip(series.exceedances, now.series[key].exceedances, series.samples, strict=True)
        assert all(before <= after <= samples for before, after, samples in counts)


@pytest.mark.parametrize("delay", [10, 20, 50, 100, 200])
def test_a_delay_moves_as_many_samples_over_the_limit_as_a_slower_service_has_there(delay):
    draw = Random(4)
    seconds = [second_of(draw, 200) for _ in range(60)]
    slower = [[(elapsed * (100 + delay) // 100, bad) for elapsed, bad in samples] for samples in seconds]
    wanted = sum(kept(slower, PLAN).series[LATENCY].exceedances)
    now = faulty(seconds, Injection(delay=Fraction(delay, 100)))
    assert sum(now.series[LATENCY].exceedances) == pytest.approx(wanted, rel=0.03, abs=6)
    assert sum(now.series[ERRORS].exceedances) == 0


def test_errors_hit_every_objective():
    draw = Random(5)
    now = faulty([second_of(draw, 200) for _ in range(60)], Injection(errors=Fraction(5, 100)))
    assert sum(now.series[ERRORS].exceedances) == pytest.approx(600, abs=75)
    assert sum(now.series[LATENCY].exceedances) >= 500


def test_a_fault_stays_in_the_ten_seconds_that_were_near_the_limit():
    seconds = [[(240 if 20 <= second < 30 else 10, False)] * 5 for second in range(60)]
    now = faulty(seconds, Injection(delay=Fraction(20, 100))).series[LATENCY].exceedances
    assert [second for second, over in enumerate(now) if over] == list(range(20, 30))


def test_what_is_too_short_is_followed_by_another_run():
    short, longer = ([[(10, False)] * size] * 3 for size in (1, 2))
    past = [past_run(kept(each, PLAN), PLAN, Injection()) for each in (short, longer)]
    assert list(injected(past, 5, Random(1)).series[LATENCY].samples) == [1, 1, 1, 2, 2]


def test_a_transaction_that_had_no_samples_has_none():
    plan = gate({"expect": "p99 < 250ms"}, {"expect": "p99 < 1s", "transaction": "POST /pay"})
    run = past_run(kept([[(10, False)]] * 4, PLAN), plan, Injection(delay=Fraction(1)))
    assert [sum(each.samples) for each in run.values()] == [4, 0]
    assert past_run(kept([[], []], PLAN), PLAN, Injection()) == {}


@pytest.mark.parametrize(
    ("trials", "chance"), [(10, 0.5), (1_000, 0.001), (1_000, 0.9), (3, 1.0), (40, 0.99)]
)
def test_so_many_succeed_in_the_middle_and_never_more_than_there_are(trials, chance):
    draw = Random(6)
    drawn = [binomial(trials, chance, draw) for _ in range(4_000)]
    deviation = (trials * chance * (1 - chance)) ** 0.5
    assert fmean(drawn) == pytest.approx(trials * chance, abs=1e-9 + 4 * deviation / 4_000**0.5)
    assert fmean((each - trials * chance) ** 2 for each in drawn) == pytest.approx(deviation**2, rel=0.12)
    assert all(0 <= each <= trials for each in drawn)


def test_nothing_happens_without_a_chance():
    assert binomial(100, 0.0, Random(1)) == binomial(0, 0.5, Random(1)) == 0
