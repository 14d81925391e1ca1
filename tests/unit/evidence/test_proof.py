"""What is foretold from past runs is what then happens to the same service with the fault in it."""

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from random import Random

import pytest

from devperfops_operator.analysis.profile import Profile
from devperfops_operator.api.perfrun import Verdict
from devperfops_operator.domain.record import RunRecord
from devperfops_operator.evidence.injection import Injection
from devperfops_operator.evidence.proof import RUNS, Trials, Tried, provable, prove, tried
from tests.unit.evidence.kept import gate, kept, second_of

PLAN = gate({"expect": "p90 < 200ms"}, {"expect": "errors < 2%"})
RATE, SECONDS = 20, 60


def run(draw, **service):
    return kept([second_of(draw, RATE, **service) for _ in range(SECONDS)], PLAN)


def from_zero(record):
    series = {key: replace(each, seconds=range(SECONDS)) for key, each in record.series.items()}
    return RunRecord(series, Profile())


@pytest.mark.parametrize(
    ("injection", "service"),
    [
        (Injection(), {}),
        (Injection(delay=Fraction(60, 100)), {"median": 160}),
        (Injection(delay=Fraction(100, 100)), {"median": 200}),
        (Injection(errors=Fraction(10, 100)), {"errors": 0.1}),
    ],
)
def test_what_is_foretold_happens(injection, service):
    draw = Random(3)
    foretold = prove([run(draw) for _ in range(10)], PLAN, injection)
    played = Trials(injection, [tried(from_zero(run(draw, **service)), PLAN) for _ in range(100)], 100)
    for verdict in (Verdict.PASS, Verdict.FAIL):
        assert foretold.share(verdict) == pytest.approx(played.share(verdict), abs=0.05)
    if foretold.caught_after and played.caught_after:
        assert foretold.caught_after / played.caught_after == pytest.approx(1, abs=0.35)


def test_what_is_as_likely_as_not_lies_within_what_is_sure():
    draw, injection = Random(3), Injection(delay=Fraction(10, 100))
    foretold = prove([run(draw) for _ in range(10)], PLAN, injection)
    played = [tried(from_zero(run(draw, median=110)), PLAN).verdict for _ in range(100)]
    low, high = foretold.between(Verdict.PASS)
    assert low <= played.count(Verdict.PASS) / 100 <= high


def test_it_is_told_what_failed_first_and_when():
    past = [kept([[(100, False)] * RATE] * SECONDS, PLAN)]
    caught = prove(past, PLAN, Injection(delay=Fraction(1)))
    assert (caught.share(Verdict.FAIL), caught.caught_by) == (1.0, "p90 < 200ms")
    assert caught.caught_after is not None
    assert timedelta(seconds=4) < caught.caught_after < timedelta(seconds=15)
    assert prove(past, PLAN, Injection(errors=Fraction(9, 100))).caught_by == "errors < 2%"
    unchanged = prove(past, PLAN, Injection())
    assert (unchanged.share(Verdict.PASS), unchanged.caught_after, unchanged.caught_by) == (1.0, None, None)


def test_what_decides_nothing_catches_nothing():
    plan = gate({"expect": "p90 < 200ms", "critical": False}, {"expect": "errors < 2%"})
    past = [kept([[(100, False)] * RATE] * SECONDS, plan)]
    assert prove(past, plan, Injection(delay=Fraction(1))).share(Verdict.FAIL) == 0


def test_too_few_samples_neither_pass_nor_fail():
    past = [kept([[(100, False)]] * 10, PLAN)]
    plan = replace(PLAN, duration=timedelta(seconds=10))
    assert prove(past, plan, Injection()).share(Verdict.INCONCLUSIVE) == 1


def test_of_few_past_runs_that_differ_little_is_known():
    runs = [Tried(Verdict.FAIL), Tried(Verdict.PASS)] * (RUNS // 2)
    low, high = Trials(Injection(), runs, 2).between(Verdict.FAIL)
    assert low < 0.1
    assert high > 0.9
    low, high = Trials(Injection(), runs, RUNS).between(Verdict.FAIL)
    assert high - low < 0.15


def test_a_past_without_samples_proves_nothing():
    with pytest.raises(ValueError, match="no record has a judged sample"):
        prove([kept([[], []], PLAN)], PLAN, Injection())


def test_what_prometheus_told_cannot_be_proven():
    plan = gate({"expect": "p90 < 200ms"}, {"expect": "value < 1 for 95%", "query": "up"})
    assert [objective.claim for objective in provable(plan).objectives] == ["p90 < 200ms"]


def test_the_same_past_gives_the_same_proof():
    draw = Random(8)
    past, fault = [run(draw) for _ in range(3)], Injection(delay=Fraction(60, 100))
    assert prove(past, PLAN, fault) == prove(past, PLAN, fault)
