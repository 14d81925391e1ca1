"""What a gate does about what it sees."""

from __future__ import annotations

import pytest

from devperfops_operator.api.base import ConditionStatus, ConditionType
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import Phase, Verdict
from devperfops_operator.domain.observed import Inputs, Problem, Rollout
from tests.unit.domain.test_run import deliver_final, fail_run, pass_run
from tests.unit.domain.world import INPUTS, World, gate, released, template


def condition(world: World, kind: ConditionType) -> tuple[ConditionStatus, str]:
    assert world.gate is not None
    found = next(c for c in world.gate.status.conditions if c.type is kind)
    return found.status, found.reason


def test_a_new_gate_adopts_what_runs() -> None:
    world = World()
    world.adopt()
    assert [s.known_good for s in world.snapshots.values()] == [True]
    assert condition(world, ConditionType.PASSED) == (ConditionStatus.TRUE, "KnownGood")
    assert condition(world, ConditionType.READY)[0] is ConditionStatus.TRUE
    assert world.runs == {}


def test_adoption_waits_until_what_runs_does_run() -> None:
    world = World(rollout=Rollout(complete=False, message="0 of 2 pods updated, 0 ready"))
    world.adopt()
    assert world.snapshots == {}
    assert condition(world, ConditionType.RECONCILING) == (ConditionStatus.TRUE, "AwaitingRollout")


def test_nothing_happens_while_nothing_changes() -> None:
    world = World()
    world.adopt()
    decision = world.decide_gate()
    assert world.gate is not None
    assert (decision.effects, decision.requeue_at) == ((), None)
    assert decision.status == world.gate.status


@pytest.mark.parametrize(
    ("world", "reason"),
    [
        (World(target_exists=False), "TargetNotFound"),
        (World(inputs=Inputs(problem=Problem("PlanInvalid", "is not XML"))), "PlanInvalid"),
    ],
)
def test_what_is_missing_stalls_the_gate_until_it_is_there(world: World, reason: str) -> None:
    world.adopt()
    assert condition(world, ConditionType.STALLED) == (ConditionStatus.TRUE, reason)
    assert world.decide_gate().requeue_at is not None
    assert (world.snapshots, world.runs) == ({}, {})
    world.target_exists, world.inputs = True, INPUTS
    world.adopt()
    assert condition(world, ConditionType.STALLED)[0] is ConditionStatus.FALSE
    assert len(world.snapshots) == 1


def test_a_new_revision_is_claimed_in_the_status_before_its_run_exists() -> None:
    world = World()
    world.adopt()
    world.roll_out(template("2"))
    world.step_gate(crash=True)
    assert world.runs == {}
    name = world.active_run()
    world.step_gate()
    assert list(world.runs) == [name]
    assert len(name) <= 52


def test_a_return_to_the_known_good_needs_no_test() -> None:
    world, _ = next(released())
    world.roll_out(template("1"))
    runs = list(world.runs)
    world.adopt()
    assert list(world.runs) == runs
    assert condition(world, ConditionType.PASSED)[0] is ConditionStatus.TRUE


def test_a_verdict_holds_it_is_not_asked_for_twice() -> None:
    world, name = next(released(actions={"onFail": "Hold"}))
    fail_run(world, name)
    deliver_final(world, name)
    world.adopt()
    assert list(world.runs) == [name]
    assert condition(world, ConditionType.PASSED) == (ConditionStatus.FALSE, "ObjectiveFailed")


def test_an_edited_gate_judges_a_revision_that_was_held_again() -> None:
    world, name = next(released(actions={"onFail": "Hold"}))
    fail_run(world, name)
    deliver_final(world, name)
    world.edit_gate(objectives=[{"expect": "p99 < 3s"}])
    world.step_gate()
    assert world.active_run() != name


def test_what_is_not_about_judging_may_be_edited_without_a_new_run() -> None:
    world, name = next(released(actions={"onFail": "Hold"}))
    fail_run(world, name)
    deliver_final(world, name)
    world.edit_gate(actions={"onFail": "Rollback"}, triggers={"rollout": True})
    world.adopt()
    assert list(world.runs) == [name]


def test_a_verdict_an_older_operator_has_stored_still_holds() -> None:
    world, name = next(released(actions={"onFail": "Hold"}))
    fail_run(world, name)
    deliver_final(world, name)
    assert world.gate is not None
    old = {**world.gate.status.to_json()["run"], "gateGeneration": 1}
    del old["criteriaHash"]
    world.gate = PerfGate.from_json({**world.gate.to_json(), "status": {"run": old}})
    status = world.runs[name].status.model_copy(update={"criteria_hash": None})
    world.runs[name] = world.runs[name].model_copy(update={"status": status})
    world.adopt()
    assert list(world.runs) == [name]


def test_known_good_moves_on_with_each_pass() -> None:
    world, name = next(released())
    pass_run(world, name)
    world.roll_out(template("3"))
    world.step_gate()
    second = world.active_run()
    pass_run(world, second)
    world.roll_out(template("4"))
    world.step_gate()
    fail_run(world, world.active_run())
    assert world.template == template("3")


def test_without_the_trigger_only_people_start_runs() -> None:
    world = World(gate=gate(triggers={"rollout": False}))
    world.adopt()
    world.roll_out(template("2"))
    world.adopt()
    assert world.runs == {}
    assert condition(world, ConditionType.PASSED) == (ConditionStatus.UNKNOWN, "NotJudged")


def test_a_refused_run_stalls_the_gate_and_is_tried_again_later() -> None:
    world = World()
    world.adopt()
    world.refused["CreatePerfRun"] = "quota exceeded"
    world.roll_out(template("2"))
    for _ in range(5):
        world.step_gate()
    assert condition(world, ConditionType.STALLED) == (ConditionStatus.TRUE, "CreatePerfRunRefused")
    assert world.failures["CreatePerfRun"].attempts == 1
    world.wait(31)
    world.step_gate()
    assert world.failures["CreatePerfRun"].attempts == 2
    world.refused.clear()
    world.failures.clear()
    world.step_gate()
    assert len(world.runs) == 1


def test_an_inconclusive_run_holds_and_a_pass_by_hand_opens_the_gate() -> None:
    world, name = next(released())
    world.until(name, Phase.RUNNING)
    world.jobs.pop(name)
    world.step_run(name)
    world.wait(20)
    world.settle(name)
    assert world.runs[name].status.verdict is Verdict.INCONCLUSIVE
    assert condition(world, ConditionType.PASSED)[0] is ConditionStatus.FALSE
    world.create_run("by-hand")
    pass_run(world, "by-hand")
    assert condition(world, ConditionType.PASSED)[0] is ConditionStatus.TRUE


def test_an_error_is_judged_again_once_what_was_missing_is_there() -> None:
    world, name = next(released())
    world.inputs = Inputs(problem=Problem("PlanNotFound", "ConfigMap scenario does not exist"))
    world.settle(name)
    assert world.runs[name].status.reason == "PlanNotFound"
    assert condition(world, ConditionType.STALLED) == (ConditionStatus.TRUE, "PlanNotFound")
    assert list(world.runs) == [name]
    world.inputs = INPUTS
    world.adopt()
    assert world.active_run() != name
    pass_run(world, world.active_run())
    assert condition(world, ConditionType.PASSED)[0] is ConditionStatus.TRUE


def test_a_gate_edited_before_its_run_looked_at_it_is_judged_once() -> None:
    world, name = next(released(actions={"onFail": "Hold"}))
    world.edit_gate(objectives=[{"expect": "p99 < 3s"}, {"expect": "errors < 1%"}])
    fail_run(world, name)
    deliver_final(world, name)
    world.adopt()
    assert list(world.runs) == [name]


def test_a_gate_that_is_being_deleted_makes_nothing() -> None:
    world, name = next(released())
    del world.runs[name]
    assert world.gate is not None
    metadata = world.gate.metadata.model_copy(update={"deletion_timestamp": world.now})
    world.gate = world.gate.model_copy(update={"metadata": metadata})
    world.adopt()
    assert world.runs == {}
    assert world.decide_gate().requeue_at is None


def test_a_gate_whose_target_rests_is_not_looked_at_again_and_again() -> None:
    world = World(rollout=Rollout(complete=False, message="the Deployment is scaled to zero"))
    world.adopt()
    assert world.decide_gate().requeue_at is None


def test_a_deleted_run_is_not_made_again_when_the_trigger_is_off() -> None:
    world, name = next(released(actions={"onFail": "Hold"}))
    del world.runs[name]
    assert world.gate is not None
    world.gate = world.gate.model_copy(update={"spec": gate(triggers={"rollout": False}).spec})
    world.adopt()
    assert world.runs == {}
    assert condition(world, ConditionType.PASSED)[1] == "NotJudged"
