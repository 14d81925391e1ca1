"""A load that need not go on: its objectives are shown to hold before its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.api.perfrun import Phase, Verdict
from devperfops_operator.domain.criteria import criteria_hash
from devperfops_operator.domain.plan import resolve_load
from devperfops_operator.domain.run import stop_wanted
from devperfops_operator.domain.run.steps import Step
from devperfops_operator.wire.measurement import LoadEnd
from tests.unit.domain.world import World, gate, released

JMETER = {"plan": {"configMap": "scenario"}, "threads": 50, "rampUp": "10s", "rate": "3000/m"}
GOOD = Tally(15_000, 10, 10)
BOTH = (True, True)


def loading(**spec: Any) -> tuple[World, str]:
    """Five minutes into ten minutes of judged load."""
    world, name = next(released(load={"jmeter": {**JMETER, "duration": "610s"}}, **spec))
    world.until(name, Phase.RUNNING)
    world.wait(311)
    return world, name


def show(
    world: World, name: str, shown: Sequence[bool], final: LoadEnd | None = None, counted: Tally = GOOD
) -> None:
    world.load(name, *(counted for _ in shown), final=final)
    seen = world.evidence[name]
    objectives = {
        objective: replace(evidence, shown=holds)
        for (objective, evidence), holds in zip(seen.objectives.items(), shown, strict=True)
    }
    world.evidence[name] = replace(seen, objectives=objectives)
    world.step_run(name)


def test_a_load_ends_when_all_objectives_are_shown_to_hold() -> None:
    world, name = loading()
    show(world, name, BOTH)
    run = world.runs[name]
    assert (run.status.phase, run.status.verdict) == (Phase.JUDGING, None)
    assert stop_wanted(run)
    assert run.status.timeline[-1].reason == Step.ENOUGH_EVIDENCE
    said = "all critical objectives are shown to hold after 5m of judged load; the rest of 10m is not needed"
    assert run.status.timeline[-1].message == said


def test_it_passes_on_its_last_counts_and_was_no_load_that_ended_early() -> None:
    world, name = loading()
    show(world, name, BOTH)
    show(world, name, BOTH, final=LoadEnd.STOPPED)
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.PASS, "ObjectivesMet")
    assert status.load is not None
    assert status.load.ended_at == status.load.stop_requested_at


def test_last_counts_that_are_bad_do_not_pass() -> None:
    world, name = loading()
    show(world, name, BOTH)
    show(world, name, (False, True), final=LoadEnd.STOPPED, counted=Tally(15_100, 150, 60))
    world.settle(name)
    assert world.runs[name].status.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("shown", [(True, False), (False, False)])
def test_it_goes_on_while_one_of_them_is_not(shown: tuple[bool, bool]) -> None:
    world, name = loading()
    show(world, name, shown)
    assert world.runs[name].status.phase is Phase.RUNNING


def test_it_goes_on_while_what_came_last_would_be_too_much() -> None:
    world, name = loading()
    world.load(name, GOOD, GOOD)
    seen = world.evidence[name]
    drifting = {
        objective: replace(evidence, shown=True, late=Tally(5_000, 100, 60))
        for objective, evidence in seen.objectives.items()
    }
    world.evidence[name] = replace(seen, objectives=drifting)
    world.step_run(name)
    assert world.runs[name].status.phase is Phase.RUNNING


def test_it_does_not_wait_for_an_objective_that_decides_nothing() -> None:
    objectives = [{"expect": "p99 < 2s"}, {"expect": "errors < 0.5%", "critical": False}]
    world, name = loading(objectives=objectives)
    show(world, name, (True, False))
    assert world.runs[name].status.phase is Phase.JUDGING


def test_it_goes_on_if_the_rate_was_not_reached() -> None:
    world, name = loading()
    show(world, name, BOTH, counted=Tally(10_000, 0, 0))
    assert world.runs[name].status.phase is Phase.RUNNING


def test_it_goes_on_where_the_gate_asks_what_it_covers() -> None:
    coverage = {"traffic": 'http_requests_total{job="shop"}'}
    world, name = loading(coverage=coverage, prometheus="main")
    show(world, name, BOTH)
    assert world.runs[name].status.phase is Phase.RUNNING


def test_a_worker_that_dies_in_the_meantime_is_told() -> None:
    world, name = loading()
    show(world, name, BOTH)
    show(world, name, BOTH, final=LoadEnd.DIED)
    world.wait(timedelta(seconds=10).total_seconds())
    world.settle(name)
    assert world.runs[name].status.reason == "JMeterDied"


@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        ({}, (120, 300)),
        ({"failAfter": "30s"}, (30, 300)),
        ({"failAfter": "0s", "passAfter": "2m"}, (0, 120)),
        ({"passAfter": "1h"}, (120, None)),
    ],
    ids=str,
)
def test_a_gate_may_wait_longer_or_shorter(asked: dict[str, str], waits: tuple[int, int | None]) -> None:
    spec = gate(load={"jmeter": {**JMETER, "duration": "610s"}}, patience=asked).spec
    patience = resolve_load(spec).patience
    assert (patience.fail_after, patience.pass_after) == waits


def test_patience_is_part_of_what_a_verdict_holds_for() -> None:
    load = {"jmeter": {**JMETER, "duration": "610s"}}
    plain, hasty = gate(load=load), gate(load=load, patience={"failAfter": "10s"})
    assert criteria_hash(plain.spec) == criteria_hash(gate(load=load, patience={}).spec)
    assert criteria_hash(plain.spec) != criteria_hash(hasty.spec)
