"""What a gate's options change about its runs and about what follows from their verdicts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from devperfops_operator.api.base import ConditionStatus, ConditionType
from devperfops_operator.api.perfrun import ActionType, Phase, Verdict
from devperfops_operator.domain.observed import Inputs, Problem
from devperfops_operator.wire.measurement import LoadEnd
from tests.unit.domain.test_gate import condition
from tests.unit.domain.test_run import deliver_final, fail_run, outcome, pass_run
from tests.unit.domain.world import GOOD, World, gate, released, template


def lose_evidence(world: World, name: str) -> None:
    """Ends as Inconclusive."""
    world.until(name, Phase.RUNNING)
    del world.jobs[name]
    world.step_run(name)
    world.wait(20)
    world.settle(name)


def action(world: World, name: str) -> tuple[ActionType, str]:
    found = world.runs[name].status.action
    assert found is not None
    assert found.done_at is not None
    return found.type, found.reason


def known_good(world: World) -> str | None:
    assert world.gate is not None
    return world.gate.status.known_good


# initial


def new_gate_that_tests() -> tuple[World, str]:
    world = World(gate=gate(initial="Test"))
    world.adopt()
    return world, world.active_run()


def test_what_runs_when_the_gate_comes_is_known_good_only_after_its_test() -> None:
    world, name = new_gate_that_tests()
    assert known_good(world) is None
    pass_run(world, name)
    assert world.runs[name].status.trigger == "Rollout"
    assert known_good(world) == world.runs[name].status.revision


def test_a_first_test_that_fails_holds_for_there_is_nothing_to_go_back_to() -> None:
    world, name = new_gate_that_tests()
    fail_run(world, name)
    deliver_final(world, name)
    assert action(world, name) == (ActionType.HOLD, "NoKnownGood")
    assert (known_good(world), world.patches) == (None, [])
    assert list(world.runs) == [name]
    world.roll_out(template("2"))
    world.step_gate()
    pass_run(world, world.active_run())
    assert world.snapshot_of(world.active_run()).known_good


def test_a_gate_that_is_to_test_at_first_does_not_adopt_later() -> None:
    world, name = new_gate_that_tests()
    fail_run(world, name)
    deliver_final(world, name)
    world.edit_gate(initial="Adopt")
    world.adopt()
    assert known_good(world) is None


# suspend


def test_a_suspended_gate_starts_nothing_and_then_judges_what_stands() -> None:
    world = World(gate=gate(suspend=True))
    world.adopt()
    world.roll_out(template("2"))
    world.adopt()
    assert world.runs == {}
    assert condition(world, ConditionType.PASSED) == (ConditionStatus.UNKNOWN, "Suspended")
    assert condition(world, ConditionType.READY)[0] is ConditionStatus.TRUE
    world.roll_out(template("3"))
    world.edit_gate(suspend=False)
    world.step_gate()
    pass_run(world, world.active_run())
    assert world.snapshot_of(world.active_run()).template == template("3")
    assert len(world.runs) == 1


def test_a_run_under_way_goes_on_when_its_gate_is_suspended() -> None:
    world, name = next(released())
    world.until(name, Phase.RUNNING)
    world.edit_gate(suspend=True)
    fail_run(world, name)
    deliver_final(world, name)
    assert action(world, name) == (ActionType.ROLLBACK, "Failed")


def test_a_claimed_run_that_was_never_made_waits_until_the_gate_goes_on() -> None:
    world = World()
    world.adopt()
    world.roll_out(template("2"))
    world.step_gate(crash=True)
    world.edit_gate(suspend=True)
    world.adopt()
    assert world.runs == {}
    world.edit_gate(suspend=False)
    world.adopt()
    assert list(world.runs) == [world.active_run()]


def test_people_may_ask_a_suspended_gate_for_a_run() -> None:
    world = World(gate=gate(suspend=True))
    world.adopt()
    world.roll_out(template("2"))
    world.create_run("by-hand")
    pass_run(world, "by-hand")
    assert known_good(world) == world.runs["by-hand"].status.revision


# mode


def test_an_observed_release_that_fails_stays() -> None:
    world, name = next(released(mode="Observe"))
    fail_run(world, name)
    deliver_final(world, name)
    assert action(world, name) == (ActionType.HOLD, "ObserveOnly")
    said = world.runs[name].status.action
    assert said is not None
    assert "Rollback: back to known-good revision" in said.message
    assert (world.template, world.patches) == (template("2"), [])
    assert condition(world, ConditionType.PASSED) == (ConditionStatus.FALSE, "ObjectiveFailed")


def test_what_passed_while_it_was_observed_is_what_is_gone_back_to_later() -> None:
    world, name = next(released(mode="Observe"))
    pass_run(world, name)
    assert action(world, name) == (ActionType.HOLD, "ObserveOnly")
    world.edit_gate(mode="Enforce")
    world.adopt()
    assert list(world.runs) == [name]
    world.roll_out(template("3"))
    world.step_gate()
    fail_run(world, world.active_run())
    assert world.template == template("2")


def test_enforcing_does_not_act_on_what_was_decided_before() -> None:
    world, name = next(released(mode="Observe"))
    fail_run(world, name)
    deliver_final(world, name)
    world.edit_gate(mode="Enforce")
    world.settle(name)
    assert (list(world.runs), world.template) == ([name], template("2"))


# actions


@pytest.mark.parametrize(
    ("asked", "expected", "stands"),
    [
        ("Hold", (ActionType.HOLD, "Inconclusive"), "2"),
        ("Promote", (ActionType.PROMOTE, "Inconclusive"), "2"),
        ("Rollback", (ActionType.ROLLBACK, "Inconclusive"), "1"),
    ],
)
def test_an_inconclusive_has_the_consequence_the_gate_asks_for(
    asked: str, expected: tuple[ActionType, str], stands: str
) -> None:
    world, name = next(released(actions={"onInconclusive": asked}))
    lose_evidence(world, name)
    assert world.runs[name].status.verdict is Verdict.INCONCLUSIVE
    assert action(world, name) == expected
    assert world.template == template(stands)
    assert world.snapshot_of(name).known_good is (asked == "Promote")
    said = world.runs[name].status.action
    assert said is not None
    assert asked == "Hold" or f"spec.actions.onInconclusive is {asked}" in said.message


def test_a_gate_whose_standing_revision_is_unproven_says_so() -> None:
    world, name = next(released(actions={"onInconclusive": "Promote"}))
    lose_evidence(world, name)
    assert condition(world, ConditionType.PASSED) == (ConditionStatus.TRUE, "PromotedUnproven")


@pytest.mark.parametrize("asked", ["Promote", "Rollback"])
def test_an_inconclusive_run_by_hand_changes_nothing(asked: str) -> None:
    world = World(gate=gate(actions={"onInconclusive": asked}, triggers={"rollout": False}))
    world.adopt()
    world.roll_out(template("2"))
    world.create_run("by-hand")
    lose_evidence(world, "by-hand")
    assert action(world, "by-hand") == (ActionType.HOLD, "ManualRun")
    assert world.template == template("2")
    assert not world.snapshot_of("by-hand").known_good


@pytest.mark.parametrize("asked", ["Promote", "Rollback"])
def test_what_could_not_be_tested_changes_nothing(asked: str) -> None:
    world, name = next(released(actions={"onInconclusive": asked}))
    world.inputs = Inputs(problem=Problem("PlanNotFound", "ConfigMap scenario does not exist"))
    world.settle(name)
    assert world.runs[name].status.verdict is Verdict.ERROR
    assert action(world, name) == (ActionType.HOLD, "Error")
    assert world.template == template("2")


def test_a_run_whose_target_went_away_is_repeated_and_not_acted_on() -> None:
    world, name = next(released(actions={"onInconclusive": "Rollback"}))
    world.until(name, Phase.RUNNING)
    world.scaled_to_zero = True
    world.step_run(name)
    world.load(name, GOOD, GOOD, final=LoadEnd.STOPPED)
    world.settle(name)
    assert action(world, name) == (ActionType.HOLD, "Inconclusive")
    assert world.template == template("2")


def test_a_pass_that_is_to_be_held_promotes_nothing() -> None:
    world, name = next(released(actions={"onPass": "Hold"}))
    before = known_good(world)
    pass_run(world, name)
    assert action(world, name) == (ActionType.HOLD, "HoldAsked")
    assert known_good(world) == before
    assert list(world.runs) == [name]
    assert condition(world, ConditionType.PASSED) == (ConditionStatus.TRUE, "ObjectivesMet")


# killed anywhere


OPTIONS = [
    {"initial": "Test"},
    {"mode": "Observe"},
    {"actions": {"onInconclusive": "Promote"}},
    {"actions": {"onInconclusive": "Rollback"}},
]


def play(options: dict[str, Any], *, crash_at: int) -> tuple[World, int]:
    """A new gate, and a release whose run passes, or loses its evidence where that has consequences."""
    lost = "actions" in options
    world, writes, rolled_out = World(gate=gate(**options)), 0, False
    for _ in range(120):
        world.wait(0.5)
        writes += world.step_gate(crash=writes == crash_at)
        assert world.gate is not None
        at_rest = all(run.status.phase.terminal for run in world.runs.values())
        if not rolled_out and at_rest and known_good(world) is not None:
            world.roll_out(template("2"))
            rolled_out = True
        current = world.gate.status.run
        if current is None or current.name not in world.runs:
            continue
        name = current.name
        status = world.runs[name].status
        if status.phase is Phase.STARTING and name in world.jobs:
            world.prepare(name)
        if status.phase is Phase.RUNNING and lost and name in world.jobs:
            world.jobs[name] = replace(world.jobs[name], finished=True)
        elif status.phase is Phase.RUNNING and status.load is not None:
            world.now = (status.load.start_at or world.now) + timedelta(seconds=71)
            world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
        writes += world.step_run(name, crash=writes == crash_at)
    return world, writes


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_killed_between_any_status_write_and_its_effects_the_outcome_is_the_same(
    options: dict[str, Any],
) -> None:
    undisturbed, writes = play(options, crash_at=-1)
    assert undisturbed.runs[undisturbed.active_run()].status.phase is Phase.COMPLETED
    assert len(undisturbed.snapshots) == 2
    for crash_at in range(writes):
        disturbed, _ = play(options, crash_at=crash_at)
        assert outcome(disturbed) == outcome(undisturbed), f"killed after write {crash_at}"
