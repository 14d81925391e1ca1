"""Figures of kept runs, and the runs at which they changed."""

from random import Random

import pytest

from devperfops_operator.domain.record import RunRecord
from devperfops_operator.domain.trend import FIGURES, Change, trend
from tests.unit.evidence.kept import gate, kept, second_of

PLAN = gate({"expect": "p99 < 1s"})


def run(draw, **service):
    return kept([second_of(draw, 40, **service) for _ in range(20)], PLAN)


def test_a_runs_figures_are_those_of_its_samples():
    seconds = [[(100, False)] * 9 + [(1_000, True)]] * 20
    figures = trend([kept(seconds, PLAN)], Random(1).shuffle).figures
    assert tuple(figures) == FIGURES
    assert [figures["errors"], figures["throughput"]] == [[0.1], [10.0]]
    assert figures["p50"] == [pytest.approx(100, rel=0.02)]
    assert figures["p99"] == [pytest.approx(1_000, rel=0.02)]


def test_a_record_that_lost_its_looks_has_figures_all_the_same():
    (record,) = [kept([[(100, False)] * 10] * 20, PLAN)]
    found = trend([RunRecord({}, record.profile)], Random(1).shuffle)
    assert found.figures["throughput"] == [10.0]


def test_the_run_at_which_a_service_became_slower_is_named():
    draw = Random(2)
    runs = [run(draw, median=100 if place < 12 else 140) for place in range(18)]
    found = trend(runs, draw.shuffle).changes
    assert {change.at for change in found} == {12}
    assert {"p50", "p95"} <= {change.figure for change in found} <= {"p50", "p95", "p99"}
    middle = next(change for change in found if change.figure == "p50")
    assert (middle.before, middle.after) == (pytest.approx(100, rel=0.05), pytest.approx(140, rel=0.05))


def test_a_service_that_stays_as_it_is_has_no_change():
    draw = Random(3)
    assert trend([run(draw, errors=0.01) for _ in range(15)], draw.shuffle).changes == []


def test_errors_from_nothing_are_a_change():
    draw = Random(4)
    runs = [run(draw, errors=0 if place < 10 else 0.05) for place in range(16)]
    (change,) = [each for each in trend(runs, draw.shuffle).changes if each.figure == "errors"]
    assert isinstance(change, Change)
    assert (change.at, change.before) == (10, 0.0)
    assert change.after == pytest.approx(0.05, abs=0.02)
