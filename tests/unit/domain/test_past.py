"""What a run is told of the gate's earlier ones."""

from __future__ import annotations

from typing import Any

import pytest

from devperfops_operator.analysis.past import PastEffect
from devperfops_operator.analysis.runs import PastTimes
from devperfops_operator.api.perfrun import (
    ObjectiveStatus,
    PastStatus,
    PastTimesStatus,
    PerfRun,
    PerfRunStatus,
    Phase,
    Verdict,
)
from devperfops_operator.domain.past import learned, past_effects, past_times, recalled
from devperfops_operator.domain.plan import resolve_load
from devperfops_operator.wire.measurement import LoadEnd
from tests.unit.domain.world import BAD, GOOD, gate, released, template

NAME = "p99 < 2s"
CRITERIA = "abc"


def plan() -> Any:
    world, _ = next(released())
    assert world.gate is not None
    return resolve_load(world.gate.spec)


def ended(worth: int | None = 1_000, *, verdict: Verdict = Verdict.PASS, **status: Any) -> PerfRun:
    judged = ObjectiveStatus(
        name=NAME, expect=NAME, verdict=verdict, samples=30_000, exceedances=100, independent_samples=worth
    )
    said = {"phase": Phase.COMPLETED, "criteria_hash": CRITERIA, "reason": "ObjectivesMet", **status}
    return PerfRun(
        metadata={"name": "run", "namespace": "shop"},
        spec={"gate": "shop"},
        status=PerfRunStatus(objectives=(judged,), **said),
    )


def test_the_first_run_knows_no_past() -> None:
    assert learned(plan(), [], CRITERIA) == ()
    assert past_effects(PerfRunStatus()) == {}


def test_runs_by_the_same_criteria_tell() -> None:
    (past,) = learned(plan(), [ended(), ended(worth=500, reason="NotEnoughEvidence")], CRITERIA)
    assert (past.name, past.runs, past.samples) == (NAME, 2, 60_000)
    assert past.independent_samples == 60_000 // 45  # of effects of 30 and 60
    assert past.whole is None  # two runs vary by chance
    assert past_effects(PerfRunStatus(past=(past,)))[NAME].least == pytest.approx(45, rel=0.01)


def test_many_whole_runs_tell_how_little_they_vary() -> None:
    stopped = {"load": {"threads": 1, "stopRequestedAt": "2026-11-01T12:00:00Z"}}
    (past,) = learned(plan(), [*(ended() for _ in range(8)), ended(**stopped)], CRITERIA)
    assert past.whole is not None
    assert (past.runs, past.whole.runs, past.whole.samples) == (9, 8, 240_000)
    told = past_effects(PerfRunStatus(past=(past,)))[NAME]
    assert told.at_end(own={}, samples=30_000) == 1.0
    assert told.so_far(own={}) == pytest.approx(30)


@pytest.mark.parametrize(
    "run",
    [
        ended(criteria_hash="other"),
        ended(criteria_hash=None),
        ended(phase=Phase.RUNNING),
        ended(phase=Phase.CANCELLED),
        ended(reason="RateNotReached"),
        ended(reason="ObjectiveFailed"),
        ended(verdict=Verdict.FAIL),
        ended(worth=None),
    ],
    ids=lambda run: f"{run.status.phase}, {run.status.reason}, {run.status.criteria_hash}",
)
def test_others_do_not(run: PerfRun) -> None:
    assert learned(plan(), [run], CRITERIA) == ()


def test_nonsense_in_a_status_is_survived() -> None:
    past = PastStatus(name=NAME, runs=1, samples=10, independent_samples=0)
    assert past_effects(PerfRunStatus(past=(past,))) == {NAME: PastEffect(10)}


def test_a_run_remembers_what_it_was_told_when_it_began() -> None:
    world, first = next(released())
    world.until(first, Phase.RUNNING)
    world.wait(71)
    world.load(first, GOOD, GOOD, final=LoadEnd.COMPLETED)
    world.settle(first)
    assert world.runs[first].status.past == ()
    assert [o.independent_samples for o in world.runs[first].status.objectives] == [4_000, 4_000]
    world.roll_out(template("3"))
    world.step_gate()
    second = world.active_run()
    world.until(second, Phase.RUNNING)
    told = world.runs[second].status.past
    assert [(past.name, past.runs, past.samples) for past in told] == [
        (NAME, 1, 4_000),
        ("errors < 0.5%", 1, 4_000),
    ]


def test_a_revision_that_failed_is_no_past() -> None:
    world, first = next(released())
    world.until(first, Phase.RUNNING)
    world.load(first, BAD, BAD, failed=True)
    world.settle(first)
    assert world.runs[first].status.verdict is Verdict.FAIL
    assert learned(plan(), world.runs.values(), world.runs[first].status.criteria_hash or "") == ()


COMPARED = "p95 < past + 15%"


def compared_plan() -> Any:
    return resolve_load(gate(objectives=[{"expect": COMPARED}]).spec)


def timed(
    time_ms: int | None = 200, *, verdict: Verdict = Verdict.PASS, known: int = 0, **status: Any
) -> PerfRun:
    """A run that took so long, when `known` earlier ones could be compared with."""
    judged = ObjectiveStatus(name=COMPARED, expect=COMPARED, verdict=verdict, samples=9_000, time_ms=time_ms)
    before = PastTimesStatus(name=COMPARED, times_ms=(200,) * known)
    said = {"phase": Phase.COMPLETED, "criteria_hash": CRITERIA, "reason": "ObjectivesMet", **status}
    return PerfRun(
        metadata={
            "name": "run",
            "namespace": "shop",
            "creationTimestamp": f"2026-11-01T12:00:{time_ms or 0:02}Z",
        },
        spec={"gate": "shop"},
        status=PerfRunStatus(objectives=(judged,), past_times=(before,), **said),
    )


def test_the_times_of_earlier_runs_are_told_oldest_first() -> None:
    (told,) = recalled(compared_plan(), [timed(31), timed(7), timed(19)], CRITERIA)
    assert (told.times_ms, told.samples) == ((7, 19, 31), 9_000)
    assert past_times(PerfRunStatus(past_times=(told,))) == {COMPARED: PastTimes((7, 19, 31), 9_000)}


def test_objectives_that_compare_with_none_are_told_nothing() -> None:
    assert recalled(plan(), [timed(9)], CRITERIA) == ()


@pytest.mark.parametrize("known", [0, 5])
def test_while_there_are_too_few_what_did_not_fail_counts(known: int) -> None:
    run = timed(9, verdict=Verdict.INCONCLUSIVE, known=known, reason="NotEnoughEvidence")
    (told,) = recalled(compared_plan(), [run], CRITERIA)
    assert told.times_ms == (9,)


@pytest.mark.parametrize(
    "run",
    [
        timed(9, verdict=Verdict.INCONCLUSIVE, known=6, reason="NotEnoughEvidence"),
        timed(9, verdict=Verdict.FAIL),
        timed(9, reason="RateNotReached"),
        timed(9, criteria_hash="other"),
        timed(None),
    ],
    ids=lambda run: f"{run.status.reason}, {run.status.criteria_hash}, {run.status.objectives[0].verdict}",
)
def test_what_shows_no_usual_service_is_not_compared_with(run: PerfRun) -> None:
    (told,) = recalled(compared_plan(), [run], CRITERIA)
    assert told.times_ms == ()


def test_the_newest_hundred_are_enough() -> None:
    runs = [timed(second % 60) for second in range(150)]
    (told,) = recalled(compared_plan(), runs, CRITERIA)
    assert len(told.times_ms) == 100
