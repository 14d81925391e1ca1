"""The comparison with earlier runs, as the benchmark asks for it."""

import pytest

from benchmarks.detection.bars import Bar
from benchmarks.detection.earlier import PlayedRuns, last_run, ours
from benchmarks.detection.outcome import Outcome

EARLIER = [200.0, 204.0, 197.0, 201.0, 199.0, 203.0]


@pytest.mark.parametrize(
    ("time", "runs", "says"),
    [
        (200.0, EARLIER, "Pass"),
        (235.0, EARLIER, "Inconclusive"),
        (300.0, EARLIER, "Fail"),
        (300.0, EARLIER[:5], "Inconclusive"),
    ],
)
def test_ours_says_what_the_operator_says(time, runs, says):
    assert ours(time, runs) == says


def test_who_keeps_one_run_knows_no_doubt():
    assert [last_run(time, EARLIER) for time in (233.0, 234.0)] == ["Pass", "Fail"]


def test_a_bar_is_told_where_it_is_nearest_to_being_missed():
    good, bad = (PlayedRuns("independent", between, "unchanged") for between in ("alike", "apart"))
    for played, verdicts in ((good, ["Pass", "Pass"]), (bad, ["Pass", "Fail"])):
        for result in played.results.values():
            result.outcomes.extend(Outcome(verdict, 600) for verdict in verdicts)
    (name, _, rival) = good.results
    row = Bar(name, "Fail", 0.01, rival).at_worst("wrong Fail", [good, bad])
    assert row.what == "wrong Fail, worst of 2: independent, apart"
    assert not row.kept
    assert Bar(name, "Pass", 0.5, rival).at_worst("right Pass", [good, bad]).kept
