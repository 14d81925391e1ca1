"""A run's score: the share of its objectives, by weight, that hold. It decides nothing."""

from __future__ import annotations

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.api.perfrun import ObjectiveStatus, Phase, Verdict
from devperfops_operator.domain.judgement import score
from devperfops_operator.wire.measurement import LoadEnd
from tests.unit.domain.world import GOOD, released


def judged(verdict: Verdict | None, weight: int = 1) -> ObjectiveStatus:
    return ObjectiveStatus(name="p99 < 2s", expect="p99 < 2s", verdict=verdict, weight=weight)


def test_objectives_count_by_their_weight() -> None:
    held, failed, open_ = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
    assert score([judged(held), judged(held)]) == "100%"
    assert score([judged(held, 3), judged(failed)]) == "75%"
    assert score([judged(held), judged(failed), judged(open_)]) == "33%"


def test_what_was_not_judged_has_no_score() -> None:
    assert score([]) is None
    assert score([judged(Verdict.PASS), judged(None)]) is None


def test_a_run_passes_whatever_its_score() -> None:
    objectives = [{"expect": "p99 < 2s"}, {"expect": "errors < 0.5%", "critical": False, "weight": 4}]
    world, name = next(released(objectives=objectives))
    world.until(name, Phase.RUNNING)
    world.wait(71)
    world.load(name, GOOD, Tally(4_000, 400, 60), final=LoadEnd.COMPLETED)
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.score) == (Verdict.PASS, "20%")


def test_a_run_that_ends_early_has_none() -> None:
    world, name = next(released())
    world.until(name, Phase.RUNNING)
    world.load(name, Tally(10, 10, 5), Tally(10, 0, 0), failed=True)
    world.settle(name)
    assert world.runs[name].status.verdict is Verdict.FAIL
