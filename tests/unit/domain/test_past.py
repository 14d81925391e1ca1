"""What a run is told of the gate's earlier ones."""

from __future__ import annotations

from typing import Any

import pytest

from devperfops_operator.analysis.past import PastEffect
from devperfops_operator.api.perfrun import (
    ObjectiveStatus,
    PastStatus,
    PerfRun,
    PerfRunStatus,
    Phase,
    Verdict,
)
from devperfops_operator.domain.past import learned, past_effects
from devperfops_operator.domain.plan import resolve_load
from devperfops_operator.wire.measurement import LoadEnd
from tests.unit.domain.world import BAD, GOOD, released, template

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
    assert told.at_end(own=30.0, samples=30_000) == 1.0
    assert told.so_far(own=1.0) == pytest.approx(30)


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
