"""Each rule against cases worked out by hand."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.detection.outcome import Outcome
from benchmarks.detection.rivals import argo, flagger, k6, k6_breached, kayenta, kayenta_score, shift

NAN = float("nan")


def test_flagger_promotes_after_its_iterations():
    assert flagger([1.0] * 10, 2.0) == Outcome("Pass", 480)


def test_flagger_adds_up_failed_checks_though_they_are_not_in_a_row():
    assert flagger([3, 1, 3, 1, 3, 1, 1], 2.0) == Outcome("Fail", 360)


def test_flagger_rolls_back_at_the_tick_after_the_third():
    assert flagger([3.0] * 10, 2.0) == Outcome("Fail", 240)


def test_two_failed_checks_only_make_flagger_take_longer():
    assert flagger([3, 3] + [1] * 8, 2.0) == Outcome("Pass", 600)


def test_flagger_fails_without_data_and_lets_not_a_number_pass():
    assert flagger([None] * 10, 2.0).verdict == "Fail"
    assert flagger([NAN] * 10, 2.0).verdict == "Pass"


@pytest.mark.parametrize(("over", "breached"), [(0, False), (1, False), (2, True)])
def test_k6_looks_at_the_second_largest_of_101(over, breached):
    # 0.99 x (101 - 1) = 99, counted from 0
    assert k6_breached(101, over, 0.99) is breached


def test_k6_aborts_at_the_first_look_after_its_delay():
    samples = np.full(60, 10)
    assert k6(samples, np.full(60, 1), 0.99) == Outcome("Fail", 12)
    assert k6(samples, np.zeros(60, int), 0.99) == Outcome("Pass", 60)


def test_k6_passes_when_nothing_was_measured():
    assert k6(np.zeros(60, int), np.zeros(60, int), 0.99) == Outcome("Pass", 60)


def test_argo_fails_at_one_more_than_its_limit():
    assert argo([1, 3, 3, 1, 3, 1], 2.0) == Outcome("Fail", 300)
    assert argo([1, 3, 3, 1], 2.0) == Outcome("Pass", 240)


def test_argo_fails_not_a_number_and_ends_after_five_errors():
    assert argo([NAN] * 3, 2.0).verdict == "Fail"
    assert argo([None] * 10, 2.0) == Outcome("Inconclusive", 300)


def test_kayenta_fails_a_shift_however_small_if_it_is_sure():
    control = np.linspace(99, 101, 60)
    assert kayenta(control, control + 2) == "High"
    assert kayenta(control, control - 2) == "Low"


def test_kayenta_passes_equal_and_constant_data():
    assert kayenta([1, 2, 3], [3, 2, 1]) == "Pass"
    assert kayenta([2, 2], [2, 2, 2]) == "Pass"


@pytest.mark.parametrize(("replace", "label"), [(True, "Pass"), (False, "Nodata")])
def test_kayenta_without_data(replace, label):
    assert kayenta([1, 2, 3], [], replace=replace) == label


def test_kayenta_removes_or_replaces_not_a_number():
    assert kayenta([1, 2, 3], [NAN] * 3) == "Nodata"
    assert kayenta(np.linspace(99, 101, 20), [NAN] * 20, replace=True) == "Low"


@pytest.mark.parametrize(
    ("label", "verdict"), [("Pass", "Pass"), ("High", "Fail"), ("Low", "Pass"), ("Nodata", "Inconclusive")]
)
def test_score_of_one_metric(label, verdict):
    assert kayenta_score(label).verdict == verdict


def test_shift_is_where_the_rank_test_turns():
    rng = np.random.default_rng(1)
    control, experiment = rng.normal(size=40), rng.normal(1, size=40)
    lower, estimate, upper = shift(control, experiment)
    assert lower < estimate < upper
    for end, side in ((lower, 1), (upper, -1)):
        inside, outside = (
            stats.mannwhitneyu(experiment - end - side * step, control, method="asymptotic").pvalue
            for step in (1e-9, -1e-9)
        )
        assert outside <= 0.02 <= inside
