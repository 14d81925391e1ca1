"""What a run is told of how compared blocks hung together in the gate's earlier ones."""

from __future__ import annotations

import random
from typing import Any

import pytest

from devperfops_operator.analysis.batches import ComparedRun, PastBatches, scatter_of
from devperfops_operator.api.perfrun import ObjectiveStatus, PerfRun, PerfRunStatus, Phase, Verdict
from devperfops_operator.domain.objectives import RunPlan
from devperfops_operator.domain.past import told_scatter
from devperfops_operator.domain.past_compared import compared, past_batches, told_compared
from devperfops_operator.domain.plan import resolve_load
from tests.unit.domain.test_workers import load_of
from tests.unit.domain.world import gate

NAME, CRITERIA = "p95 < baseline + 15%", "abc"


def a_plan(*expects: str) -> RunPlan:
    load = {**load_of(2, duration="330s"), "baseline": {"host": "shop-stable"}}
    return resolve_load(gate(load=load, objectives=[{"expect": expect} for expect in expects]).spec)


def shown(seed: int) -> ComparedRun:
    draw = random.Random(seed)
    values = [draw.gauss(-0.1, 0.08) for _ in range(60)]
    return ComparedRun(60, -0.1, 0.08, scatter_of(values, 5))


def ended(seed: int, *, verdict: Verdict = Verdict.PASS, **status: Any) -> PerfRun:
    told = shown(seed)
    scatter = told_scatter(told.scatter)
    judged = ObjectiveStatus(
        name=NAME, expect=NAME, verdict=verdict, compared=told_compared(told), scatter=scatter
    )
    said = {"phase": Phase.COMPLETED, "criteria_hash": CRITERIA, "reason": "ObjectivesMet", **status}
    return PerfRun(
        metadata={"name": f"run-{seed}", "namespace": "shop"},
        spec={"gate": "shop"},
        status=PerfRunStatus(objectives=(judged,), **said),
    )


def recalled(runs: list[PerfRun]) -> PastBatches | None:
    """As a run that begins now keeps it, and reads it again."""
    told = compared(a_plan(NAME, "p99 < 2s"), runs, CRITERIA)
    stored = PerfRunStatus.model_validate_json(PerfRunStatus(past_compared=told).model_dump_json())
    return past_batches(stored).get(NAME)


def test_six_runs_by_the_same_criteria_tell() -> None:
    past = recalled([ended(seed) for seed in range(6)])
    assert past is not None
    assert (past.runs, past.whole_blocks) == (6, 60)
    assert {length: each.blocks for length, each in past.usual.items()} == {
        10: 6 * 29 + 1,
        20: 6 * 14 + 1,
        40: 6 * 6 + 1,
        80: 6 * 2 + 1,
    }
    assert past.usual[10].ratio == pytest.approx(1, abs=0.3)
    assert past.of_whole == 0  # their means are all the same


@pytest.mark.parametrize(
    "spoilt",
    [
        {"verdict": Verdict.FAIL},
        {"criteria_hash": "changed"},
        {"reason": "RateNotReached"},
        {"phase": Phase.CANCELLED},
    ],
)
def test_a_run_that_shows_nothing_usual_does_not_count(spoilt: dict[str, Any]) -> None:
    runs = [ended(seed) for seed in range(6)]
    assert recalled([*runs[1:], ended(0, **spoilt)]) is None
    more = recalled([*runs, ended(7, **spoilt)])
    assert more is not None
    assert more.runs == 6


def test_a_run_that_was_stopped_tells_nothing_of_whole_ones() -> None:
    stopped = {"load": {"threads": 1, "stopRequestedAt": "2026-11-01T12:00:00Z"}}
    past = recalled([*(ended(seed) for seed in range(5)), ended(6, **stopped)])
    assert past is not None
    assert past.of_whole is None


def test_an_objective_that_compares_with_no_baseline_is_told_nothing() -> None:
    assert compared(a_plan("p99 < 2s"), [ended(seed) for seed in range(6)], CRITERIA) == ()
