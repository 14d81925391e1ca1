"""The adapters between streams and what judges them, and what the tables count."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from benchmarks.detection.cases import cases
from benchmarks.detection.outcome import Outcome
from benchmarks.detection.play import Result, design_effect
from benchmarks.detection.policies import Objective, argo, flagger, k6, looks, ours, past_of
from benchmarks.detection.simulator import REGIMES, Service
from devperfops_operator.analysis.exceedance import Tally

P99 = Objective(threshold=2000.0, quantile=Fraction(99, 100), rate=50.0)


def run(service, *, seconds=600, seed=1):
    return service.run(np.random.default_rng(seed), seconds)


def test_ours_fails_what_sleeps_within_seconds():
    outcome = ours(run(Service(sleepers=1.0)), P99)
    assert outcome.verdict == "Fail"
    assert outcome.second < 15


def test_ours_passes_nothing_without_data_or_under_the_rate():
    stream = run(Service(body=Service().body))
    assert ours(stream, P99).verdict in ("Pass", "Inconclusive")
    assert ours(stream.until(0), P99).verdict == "Inconclusive"
    assert ours(stream.thinned(np.random.default_rng(2), 0.6), P99).verdict == "Inconclusive"


@pytest.mark.parametrize("policy", [flagger, k6, argo])
def test_rivals_pass_what_is_far_below(policy):
    assert policy(run(Service()), replace(P99, threshold=50_000.0)).verdict == "Pass"


@pytest.mark.parametrize("policy", [ours, flagger, k6, argo])
def test_an_infinite_threshold_leaves_the_errors(policy):
    errors = Objective(float("inf"), Fraction(995, 1000), 50.0)
    assert policy(run(Service(errors=0.0)), errors).verdict == "Pass"
    assert policy(run(Service(errors=0.05)), errors).verdict == "Fail"


def test_looks_add_up():
    assert looks(np.array([2, 3, 1]), np.array([0, 2, 1])) == [Tally(2), Tally(5, 2, 1), Tally(6, 3, 2)]


def test_a_past_of_stalls_forbids_a_pass_on_a_run_without_one():
    clean, stalled = Service(), REGIMES["stalls 3 s / 300 s, Poisson"]
    threshold = stalled.threshold(0.005, 600)
    objective = replace(P99, threshold=threshold)
    past = past_of((run(stalled, seed=seed) for seed in range(10)), objective)
    assert past.least > 40
    assert ours(run(clean), objective).verdict == "Pass"
    assert ours(run(clean), objective, past).verdict == "Inconclusive"


def test_design_effect_of_counts():
    assert design_effect([5, 5, 5]) == 1.0
    assert design_effect([0, 20]) == pytest.approx(20.0)
    assert design_effect([7]) == 1.0


def test_result_counts_verdicts():
    result = Result([Outcome("Pass", 600), Outcome("Fail", 20), Outcome("Pass", 400)])
    assert result.share("Pass") == pytest.approx(2 / 3)
    assert result.median_second("Pass") == 500
    assert result.median_second("Inconclusive") is None


def test_every_case_is_what_it_is_called():
    for case in cases():
        share = case.exceedance / float(case.objective.allowed)
        match case.truth:
            case "boundary":
                assert share == pytest.approx(1, rel=1e-3)
            case "broken":
                assert share > 1
            case _:
                assert share < 1
