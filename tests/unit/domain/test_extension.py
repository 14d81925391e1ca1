"""A load that goes on when nothing but evidence is missing at its planned end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.api.perfrun import LoadStatus, Phase, Verdict
from devperfops_operator.domain.criteria import criteria_hash
from devperfops_operator.domain.objectives import share_test
from devperfops_operator.domain.past import learned
from devperfops_operator.domain.plan import resolve_load
from devperfops_operator.domain.run import stop_wanted
from devperfops_operator.domain.run.steps import Step
from devperfops_operator.wire.measurement import LoadEnd
from tests.unit.domain.world import World, gate, released

JMETER = {
    "plan": {"configMap": "scenario"},
    "threads": 50,
    "rampUp": "10s",
    "rate": "3000/m",
    "duration": "70s",
    "maxDuration": "190s",
}
GOOD, FEW, BAD = Tally(3_000, 2, 2), Tally(3_000, 22, 20), Tally(3_000, 90, 60)


def loading(seconds: float, **spec: Any) -> tuple[World, str]:
    """So long after a load of 70 s, which may last 190 s, has begun."""
    world, name = next(released(load={"jmeter": JMETER}, **spec))
    world.until(name, Phase.RUNNING)
    world.load(name, Tally(), Tally())
    world.step_run(name)
    world.wait(seconds)
    return world, name


def load_of(world: World, name: str) -> LoadStatus:
    load = world.runs[name].status.load
    assert load is not None
    return load


def test_until_its_planned_end_it_is_any_load() -> None:
    world, name = loading(60)
    world.load(name, FEW, GOOD)
    world.step_run(name)
    assert load_of(world, name).planned_end_at is None
    assert world.told(name)[-1] == Step.LOAD_RUNNING


def test_a_load_whose_objectives_are_shown_ends_as_planned() -> None:
    world, name = loading(73)
    world.load(name, GOOD, GOOD)
    world.step_run(name)
    run = world.runs[name]
    assert (run.status.phase, stop_wanted(run)) == (Phase.JUDGING, True)
    assert run.status.timeline[-1].reason == Step.ENOUGH_EVIDENCE
    world.load(name, GOOD, GOOD, final=LoadEnd.STOPPED)
    world.settle(name)
    assert world.runs[name].status.verdict is Verdict.PASS


def test_one_that_lacks_evidence_goes_on_with_what_it_has() -> None:
    world, name = loading(73)
    world.load(name, FEW, GOOD)
    world.step_run(name)
    run = world.runs[name]
    assert (run.status.phase, stop_wanted(run)) == (Phase.RUNNING, False)
    last = run.status.timeline[-1]
    assert last.reason == Step.EXTENDED
    assert last.message.startswith(
        "the load goes on, up to 3m10s in all: p99 < 2s is not shown to hold: 22 of 3000 judged samples"
    )
    world.wait(118)
    world.load(name, Tally(9_000, 50, 40), Tally(9_000, 9, 9), final=LoadEnd.COMPLETED)
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.PASS, "ObjectivesMet")


def test_blocks_that_are_still_on_their_way_are_no_lower_rate() -> None:
    """A minute of judged load at 3000/m is over, and three seconds more, of which nothing is here yet."""
    world, name = loading(73)
    world.load(name, Tally(2_880, 22, 20), Tally(2_880, 2, 2))
    world.step_run(name)
    assert world.runs[name].status.timeline[-1].reason == Step.EXTENDED


def test_it_is_seen_once() -> None:
    world, name = loading(73)
    world.load(name, FEW, GOOD)
    world.step_run(name)
    seen_at = load_of(world, name).planned_end_at
    world.wait(20)
    world.load(name, GOOD, GOOD)
    world.step_run(name)
    assert load_of(world, name).planned_end_at == seen_at
    assert world.told(name).count(Step.EXTENDED) == 1
    assert world.runs[name].status.phase is Phase.RUNNING


def test_a_fail_ends_it_as_ever() -> None:
    world, name = loading(73)
    world.load(name, FEW, GOOD)
    world.step_run(name)
    world.wait(20)
    world.load(name, BAD, GOOD, failed=True)
    world.settle(name)
    assert world.runs[name].status.verdict is Verdict.FAIL


def test_more_of_a_load_that_is_not_the_planned_one_would_not_help() -> None:
    world, name = loading(73)
    world.load(name, Tally(1_000, 0, 0), Tally(1_000, 0, 0))
    world.step_run(name)
    run = world.runs[name]
    assert (run.status.phase, run.status.timeline[-1].reason) == (Phase.JUDGING, Step.NOT_EXTENDED)
    world.load(name, Tally(1_000, 0, 0), Tally(1_000, 0, 0), final=LoadEnd.STOPPED)
    world.settle(name)
    assert world.runs[name].status.reason == "RateNotReached"


def test_one_that_drifts_goes_on_and_does_not_pass() -> None:
    """It holds over the whole, and what came last would be too much."""
    world, name = loading(73)
    late = Tally(1_000, 40, 30)
    for seconds, final in ((0, None), (118, LoadEnd.COMPLETED)):
        world.wait(seconds)
        rows = 3_000 if final is None else 9_000
        world.load(name, Tally(rows, 2, 2), Tally(rows, 2, 2), final=final)
        seen = world.evidence[name]
        drifting = {"p99 < 2s": replace(seen.objectives["p99 < 2s"], late=late)}
        world.evidence[name] = replace(seen, objectives={**seen.objectives, **drifting})
        world.step_run(name)
    assert Step.EXTENDED in world.told(name)
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.INCONCLUSIVE, "Drifting")
    assert status.message is not None
    assert (
        "and not in its last third (4% of 1000; allowed 1%): the longer it runs, the worse" in status.message
    )


def test_jmeter_is_asked_to_load_as_long_as_it_may() -> None:
    plan = resolve_load(gate(load={"jmeter": JMETER}).spec)
    assert (plan.duration, plan.planned) == (timedelta(seconds=190), timedelta(seconds=70))
    once = resolve_load(gate(load={"jmeter": {k: v for k, v in JMETER.items() if k != "maxDuration"}}).spec)
    assert (once.duration, once.planned) == (timedelta(seconds=70), None)


def test_who_looks_twice_is_surer_each_time() -> None:
    twice = resolve_load(gate(load={"jmeter": JMETER}).spec)
    assert {share_test(o).confidence for o in twice.objectives} == {0.995}
    assert share_test(twice.objectives[0]).samples_to_pass() == 528


def test_a_fail_waits_for_a_fifth_of_the_planned_time() -> None:
    plan = resolve_load(gate(load={"jmeter": {**JMETER, "maxDuration": "2h"}}).spec)
    assert (plan.patience.fail_after, plan.patience.pass_after) == (12, 300)


def test_a_gauge_is_judged_by_time_and_not_by_number() -> None:
    gauge = {"expect": "value < 0.8 for 95%", "query": "cpu", "critical": True}
    jmeter = {**JMETER, "duration": "auto"}
    mixed = gate(load={"jmeter": jmeter}, objectives=[{"expect": "p99 < 2s"}, gauge], prometheus="main")
    assert resolve_load(mixed.spec).planned is None


def test_runs_that_ended_as_planned_tell_how_runs_vary() -> None:
    world, name = loading(73)
    world.load(name, GOOD, GOOD)
    world.step_run(name)
    world.load(name, GOOD, GOOD, final=LoadEnd.STOPPED)
    world.settle(name)
    assert world.gate is not None
    spec, run = world.gate.spec, world.runs[name]
    past = learned(resolve_load(spec), [run] * 6, criteria_hash(spec))
    assert all(each.whole is not None and each.whole.runs == 6 for each in past)
