"""Loads whose rate changes: what is played when, what each rate is judged by, and what is told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.api.load import ProfileSource
from devperfops_operator.api.perfrun import LoadModelStatus, PerfRunStatus, Phase
from devperfops_operator.api.shape import Shape as ShapeSpec
from devperfops_operator.domain.load_profile.model import load_model
from devperfops_operator.domain.plan import load_of, resolve_load, share_properties
from devperfops_operator.domain.record import series_key, transaction_of
from devperfops_operator.domain.shape import shape_of
from devperfops_operator.domain.shares import divide
from devperfops_operator.evidence.run import Run
from devperfops_operator.wire.measurement import (
    Block,
    Final,
    Heartbeat,
    JMeterState,
    LabelStats,
    LoadEnd,
    Push,
)
from devperfops_operator.wire.threads import Held
from tests.unit.domain.test_load_model import NOW, SHOP
from tests.unit.domain.world import gate, released

JMETER = {
    "plan": {"configMap": "scenario"},
    "threads": 60,
    "rate": "600/m",
    "rampUp": "10s",
    "duration": "610s",
}
SPIKE = {"spike": {"factor": 5, "after": "4m", "length": "2m"}}
STRESS = {"stress": {"factor": 4, "steps": 4}}
P99, ERRORS = {"expect": "p99 < 2s"}, {"expect": "errors < 1%"}


def shaped(shape: dict[str, Any], *objectives: dict[str, Any], **load: Any) -> dict[str, Any]:
    return {
        "load": {"jmeter": JMETER, "shape": shape, **load},
        "objectives": list(objectives or (P99, ERRORS)),
    }


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def test_a_spike_is_the_rate_a_rush_and_the_rate() -> None:
    shape = shape_of(ShapeSpec.from_json(SPIKE), minutes(10))
    assert shape is not None
    assert [(each.begin, each.level) for each in shape.stretches] == [
        (minutes(0), 0),
        (minutes(4), 1),
        (minutes(6), 0),
    ]
    assert [shape.lasts(0), shape.lasts(1), shape.mean, shape.peak] == [
        minutes(8),
        minutes(2),
        Fraction(9, 5),
        5,
    ]
    assert (
        shape.property_text(Fraction(600), timedelta(seconds=10)) == "0:600 250000:3000 370000:600 610000:0"
    )


def test_a_stress_is_steps_of_equal_length_and_height() -> None:
    shape = shape_of(ShapeSpec.from_json(STRESS), minutes(10))
    assert shape is not None
    assert [float(level.factor) for level in shape.levels] == [1, 2, 3, 4]
    assert [level.required for level in shape.levels] == [True, False, False, False]
    assert [level.name for level in shape.levels] == ["", "at 2x", "at 3x", "at 4x"]
    assert {shape.lasts(level) for level in range(4)} == {minutes(2.5)}


@given(
    st.integers(2, 10),
    st.floats(1.01, 100),
    st.integers(100, 36_000),
    st.integers(1, 64),
    st.integers(64, 9_000),
)
def test_workers_together_play_the_whole_shape(
    steps: int, factor: float, seconds: int, workers: int, threads: int
) -> None:
    load = {
        "workers": workers,
        "shape": {"stress": {"factor": factor, "steps": steps}},
        "jmeter": {**JMETER, "threads": threads, "rampUp": "0s", "duration": f"{seconds}s"},
    }
    spec = gate(load=load, objectives=[P99]).spec
    plan = resolve_load(spec)
    assert plan.shape is not None
    assert sum((plan.shape.lasts(level) for level in range(steps)), timedelta()) == plan.judged
    texts = [share_properties(share, load_of(spec), plan.shape)["Shape"] for share in divide(plan)]
    played = [[piece.split(":") for piece in text.split()] for text in texts]
    assert len({tuple(at for at, _ in each) for each in played}) == 1, "all change together"
    for index, level in enumerate(plan.shape.levels):
        assert sum(float(each[index][1]) for each in played) == pytest.approx(
            600 * float(level.factor), rel=1e-4
        )


def test_each_rate_has_objectives_of_its_own_and_those_above_a_stress_only_tell() -> None:
    spike = resolve_load(gate(**shaped(SPIKE)).spec)
    assert [(o.name, o.critical) for o in spike.objectives] == [
        ("p99 < 2s", True),
        ("p99 < 2s in the spike", True),
        ("errors < 1%", True),
        ("errors < 1% in the spike", True),
    ]
    stress = resolve_load(gate(**shaped(STRESS, {**P99, "transaction": "GET /"})).spec)
    assert [(o.claim, o.critical) for o in stress.objectives] == [
        ("p99 < 2s of GET /", True),
        ("p99 < 2s at 2x of GET /", False),
        ("p99 < 2s at 3x of GET /", False),
        ("p99 < 2s at 4x of GET /", False),
    ]
    keys = [series_key(o.counted, stress.thresholds) for o in stress.objectives]
    assert len(set(keys)) == 4
    assert set(map(transaction_of, keys)) == {"GET /"}
    assert stress.transactions == ("GET /",)
    assert spike.patience_for(spike.objectives[1]).fail_after == 24  # a fifth of two minutes
    assert spike.patience_for(spike.objectives[0]).pass_after is None


def test_a_profile_plans_threads_for_the_peak() -> None:
    data = {"profile.yaml": yaml.safe_dump(SHOP)}
    source = ProfileSource.from_json({"configMap": "shop"})
    steady, peak = (load_model(source, data, 1, factor, NOW) for factor in (1.0, 5.0))
    assert isinstance(steady, LoadModelStatus)
    assert isinstance(peak, LoadModelStatus)
    assert (peak.rate, peak.threads) == (steady.rate, 5 * steady.threads)


def test_samples_count_for_the_rate_at_which_they_began() -> None:
    plan = resolve_load(gate(**shaped(SPIKE)).spec)
    run = Run(plan, {}, {}, {})
    blocks = tuple(
        Block(
            number,
            1_000_000 + number // 2,
            labels={"GET /": LabelStats(10, 0, [10 * level], [0], {100 + 200 * level: 10})},
            level=level,
        )
        for number, level in enumerate([0, 1] * 20)
    )
    run.accept(0, Push(blocks, Heartbeat(JMeterState.RUNNING, 400, 0, 1)), NOW)
    evidence = run.view()
    tallies = {
        name: (each.tally.samples, each.tally.exceedances) for name, each in evidence.objectives.items()
    }
    assert tallies == {
        "p99 < 2s": (200, 0),
        "p99 < 2s in the spike": (200, 200),
        "errors < 1%": (200, 0),
        "errors < 1% in the spike": (200, 0),
    }
    assert evidence.workers[0].levels == {0: 200, 1: 200}
    usual, spike = (evidence.objectives[f"p99 < 2s{where}"].quantile_ms for where in ("", " in the spike"))
    assert usual is not None
    assert spike is not None
    assert usual < spike


# in a run's life


def ended(
    shape: dict[str, Any], tallies: list[Tally], levels: dict[int, int], above: list[Held]
) -> PerfRunStatus:
    """`tallies` by objective, `levels` samples, `above`: held back at each level above the first."""
    world, name = next(released(**shaped(shape, P99)))
    world.until(name, Phase.RUNNING)
    world.load(name, tallies[0])
    assert world.gate is not None
    plan = resolve_load(world.gate.spec)
    world.step_run(name)
    world.wait(611)
    world.load(name, tallies[0], final=LoadEnd.COMPLETED)
    seen = world.evidence[name]
    base = seen.objectives["p99 < 2s"]
    world.evidence[name] = replace(
        seen,
        objectives={
            o.name: replace(base, tally=tally) for o, tally in zip(plan.objectives, tallies, strict=True)
        },
    )
    (worker,) = seen.workers
    assert isinstance(worker.final, Final)
    final = replace(worker.final, held=Held(), held_above=tuple(above))
    world.change_worker(name, 0, levels=levels, judged_samples=sum(levels.values()), final=final)
    world.settle(name)
    return world.runs[name].status


GOOD = Tally(6000, 0, 0)
BAD = Tally(6000, 600, 50)


def test_a_spike_that_the_target_stands_passes() -> None:
    status = ended(SPIKE, [GOOD, GOOD], {0: 4800, 1: 6000}, [Held()])
    assert (status.verdict, status.reason) == ("Pass", "ObjectivesMet")
    assert status.load is not None
    assert (status.load.planned_rate, [each.held for each in status.load.levels]) == ("1080/m", [True, True])
    assert [each.achieved_rate for each in status.load.levels] == ["600/m", "3000/m"]


def test_a_rush_that_is_not_shown_to_be_stood_does_not_pass_whatever_the_rest_is_like() -> None:
    status = ended(SPIKE, [GOOD, BAD], {0: 4800, 1: 6000}, [Held()])
    assert status.verdict == "Inconclusive"
    assert (status.message or "").startswith("p99 < 2s in the spike is not shown to hold")


def test_a_rush_that_was_not_played_is_no_test() -> None:
    status = ended(SPIKE, [GOOD, GOOD], {0: 4800, 1: 5000}, [Held()])
    assert (status.verdict, status.reason) == ("Inconclusive", "RateNotReached")
    assert "p99 < 2s in the spike: the load reached 2500/m of the planned 3000/m there" in (
        status.message or ""
    )


def test_requests_held_back_in_the_rush_are_not_overlooked() -> None:
    status = ended(SPIKE, [GOOD, GOOD], {0: 4800, 1: 6000}, [Held(300, 3_000, 3_000)])
    assert (status.verdict, status.reason) == ("Inconclusive", "ThreadsBusy")
    assert "load.jmeter.threads to 210 or more (now 60)" in (status.message or "")


def test_a_stress_passes_by_its_first_step_and_tells_up_to_where_the_objectives_held() -> None:
    levels = {0: 1500, 1: 3000, 2: 4500, 3: 6000}
    status = ended(STRESS, [GOOD, GOOD, BAD, BAD], levels, [Held()] * 3)
    assert (status.verdict, status.reason) == ("Pass", "ObjectivesMet")
    assert (status.message or "").startswith("the objectives held up to 2x, 1200/m; all critical objectives")
    assert status.load is not None
    assert [each.held for each in status.load.levels] == [True, True, False, False]
    whole = ended(STRESS, [GOOD] * 4, levels, [Held()] * 3)
    assert (whole.message or "").startswith("the objectives held up to 4x, 2400/m (the last step); ")


def test_a_step_whose_rate_was_not_reached_was_not_stood_and_decides_nothing() -> None:
    levels = {0: 1500, 1: 3000, 2: 4500, 3: 4000}
    status = ended(STRESS, [GOOD] * 4, levels, [Held()] * 3)
    assert (status.verdict, [each.held for each in status.load.levels] if status.load else []) == (
        "Pass",
        [True, True, True, False],
    )
    assert (status.message or "").startswith("the objectives held up to 3x, 1800/m; ")
    assert "p99 < 2s at 4x: the load reached 1600/m of the planned 2400/m there" in (status.message or "")
