"""Where two features of a gate meet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devperfops_operator.api.base import ConditionStatus, ConditionType
from devperfops_operator.api.perfrun import ActionType, Phase, Verdict
from devperfops_operator.domain.observed import Inputs, Problem
from devperfops_operator.domain.run.steps import queues
from tests.unit.domain import test_promoting as promoting
from tests.unit.domain.test_gate import condition
from tests.unit.domain.test_options import known_good
from tests.unit.domain.test_override import TWO, override
from tests.unit.domain.test_run import deliver_final, fail_run, pass_run
from tests.unit.domain.world import BAD, INPUTS, World, gate, released, template


def plan_from(**source: str) -> dict[str, Any]:
    load = gate().to_json()["spec"]["load"]
    return {**load, "jmeter": {**load["jmeter"], "plan": source}}


def refused_by_pods(world: World, name: str, reason: str) -> None:
    world.until(name, Phase.STARTING)
    world.step_run(name)
    world.jobs[name] = replace(world.jobs[name], finished=True, refusal=Problem(reason, "as the pod says"))
    world.settle(name)


@pytest.mark.parametrize("reason", ["PlanNotFound", "PlanInvalid"])
def test_what_only_the_pods_can_see_is_not_tried_again_and_again(reason: str) -> None:
    world, name = next(released(load=plan_from(pvc="plans")))
    refused_by_pods(world, name, reason)
    world.wait(60)
    world.adopt()
    assert list(world.runs) == [name]
    assert condition(world, ConditionType.PASSED) == (ConditionStatus.FALSE, reason)


@pytest.mark.parametrize("reason", ["PlanInvalid", "DataNotFound", "PluginsNotFound", "InvalidSpec"])
def test_what_the_gate_sees_to_be_mended_is_tested(reason: str) -> None:
    sources = plan_from(configMap="scenario")
    sources["jmeter"] |= {"data": {"configMap": "data"}, "plugins": {"configMap": "plugins"}}
    world, name = next(released(load=sources))
    world.until(name, Phase.PREPARING)
    world.inputs = Inputs(problem=Problem(reason, "it was deleted a moment ago"))
    world.settle(name)
    assert world.runs[name].status.verdict is Verdict.ERROR
    assert condition(world, ConditionType.STALLED) == (ConditionStatus.TRUE, reason)
    world.inputs = INPUTS
    world.adopt()
    assert world.active_run() == name.removesuffix("1") + "2"


@pytest.fixture
def about_to_go_back() -> tuple[World, str]:
    """Revision 2 has failed, a rollback is decided, and somebody refuses the patch."""
    world, name = next(released())
    world.refused["RollBack"] = "denied by policy"
    world.until(name, Phase.RUNNING)
    world.wait(17)
    world.load(name, BAD, BAD, failed=True)
    for _ in range(4):
        world.step_run(name)
    action = world.runs[name].status.action
    assert action is not None
    assert action.type is ActionType.ROLLBACK
    world.refused.clear()
    world.wait(10)
    return world, name


@pytest.mark.parametrize(
    ("spec", "reason"),
    [({"mode": "Observe"}, "ObserveOnly"), ({"actions": {"onFail": "Hold"}}, "HoldAsked")],
    ids=["observe", "hold"],
)
def test_who_changes_the_gate_before_it_is_rolled_back_is_heard(
    about_to_go_back: tuple[World, str], spec: dict[str, Any], reason: str
) -> None:
    world, name = about_to_go_back
    world.edit_gate(**spec)
    deliver_final(world, name)
    action = world.runs[name].status.action
    assert action is not None
    assert (action.type, action.reason) == (ActionType.HOLD, reason)
    assert world.template == template("2")
    assert world.runs[name].status.phase is Phase.COMPLETED


def test_what_is_overridden_before_it_is_rolled_back_stands(about_to_go_back: tuple[World, str]) -> None:
    world, name = about_to_go_back
    override(world)
    world.adopt()
    deliver_final(world, name)
    action = world.runs[name].status.action
    assert action is not None
    assert (action.type, action.reason) == (ActionType.HOLD, "Overridden")
    assert (world.template, known_good(world)) == (template("2"), TWO)


def test_a_primary_is_left_alone_once_the_gate_only_observes() -> None:
    world = promoting.world_of()
    name = promoting.release(world, "2")
    world.refused["Promote"] = "denied by policy"
    pass_run(world, name)
    world.refused.clear()
    world.wait(10)
    world.edit_gate(mode="Observe")
    world.settle(name)
    assert promoting.image(world) == "its own"
    assert world.snapshot_of(name).known_good


@pytest.mark.parametrize("made", [True, False], ids=["pending", "unborn"])
def test_a_revision_is_not_turned_away_by_criteria_that_have_changed(*, made: bool) -> None:
    world, first = next(released())
    fail_run(world, first)
    deliver_final(world, first)
    world.roll_out(template("2"))
    world.step_gate(crash=not made)
    world.edit_gate(objectives=[{"expect": "p99 < 20s"}, {"expect": "errors < 50%"}])
    world.adopt()
    name = world.active_run()
    assert name != first
    pass_run(world, name)
    assert known_good(world) == TWO


def test_a_run_made_again_turns_nobody_away_who_has_passed_since() -> None:
    """With a primary a Pass by hand sets no mark; to delete the gate's run is how it is tested again."""
    world = promoting.world_of()
    first = promoting.release(world, "2")
    fail_run(world, first)
    deliver_final(world, first)
    world.edit_gate(actions={"onFail": "Hold"})
    world.roll_out(promoting.template("2"))
    world.adopt()
    second = world.active_run()
    world.settle(second)
    assert world.runs[second].status.reason == "RevisionRejected"
    world.create_run("by-hand")
    pass_run(world, "by-hand")
    del world.runs[second]
    world.adopt()
    pass_run(world, world.active_run())
    assert promoting.image(world) == "front-end:2"


def test_a_run_whose_pods_have_old_configuration_lets_others_have_its_turn() -> None:
    world = World(template=promoting.template("1"))
    world.config_maps["settings"] = promoting.settings("one")
    world.adopt()
    world.create_run("by-hand")
    world.until("by-hand", Phase.RUNNING)
    world.create_run("later")
    for _ in range(3):
        world.step_run("later")
    assert queues(world.runs["later"].status)
    world.loading["settings"] = (world.now, ("envFrom",), None)  # changed, and changed back
    world.step_run("later")
    assert not queues(world.runs["later"].status)


def test_a_sentence_that_quotes_much_still_fits() -> None:
    names = [f"{'configuration-of-the-front-end-' * 3}{number}" for number in range(60)]
    world = World(gate=gate(actions={"onInconclusive": "Rollback"}), template=reading(names, "1"))
    world.config_maps = {name: promoting.settings("one") for name in names}
    world.adopt()
    world.config_maps = {name: promoting.settings("two") for name in names}
    world.roll_out(reading(names, "2"))
    world.step_gate()
    name = world.active_run()
    world.until(name, Phase.RUNNING)
    del world.jobs[name]
    world.step_run(name)
    world.wait(11)
    world.settle(name)
    action = world.runs[name].status.action
    assert action is not None
    assert (action.type, action.reason) == (ActionType.ROLLBACK, "Inconclusive")
    assert len(action.message) <= 2048


def reading(config_maps: list[str], version: str) -> dict[str, Any]:
    made = template(version)
    made["spec"]["containers"][0]["envFrom"] = [{"configMapRef": {"name": name}} for name in config_maps]
    return made


def test_a_run_that_has_not_begun_is_told_by_what_it_is_to_judge() -> None:
    world, name = next(released())
    world.step_gate()
    assert world.runs[name].status.phase is Phase.PENDING
    assert world.gate is not None
    (told,) = {each.message for each in world.gate.status.conditions}
    assert told == f"{name} judges what stands: Pending"
