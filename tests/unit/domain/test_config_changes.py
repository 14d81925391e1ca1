"""ConfigMaps that change alone: no test before running pods have the content, and what a Fail can undo."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from devperfops_operator.api.base import ConditionStatus, ConditionType
from devperfops_operator.api.perfrun import ActionType, Phase
from devperfops_operator.domain.observed import Rollout
from tests.unit.domain.test_gate import condition
from tests.unit.domain.test_run import deliver_final, fail_run, pass_run
from tests.unit.domain.world import World, gate, template


def version(number: str) -> dict[str, Any]:
    found = template(number)
    found["spec"]["containers"][0]["envFrom"] = [{"configMapRef": {"name": "settings"}}]
    return found


def configure(world: World, value: str) -> None:
    world.config_maps["settings"] = {"metadata": {"name": "settings"}, "data": {"value": value}}


def change(world: World, value: str, *, live: bool) -> None:
    """Running pods do not have it; if live, they will in two minutes."""
    configure(world, value)
    fresh_at = world.now + timedelta(minutes=2) if live else None
    world.loading["settings"] = (world.now, () if live else ("envFrom",), fresh_at)


def restart(world: World) -> None:
    world.loading.clear()
    world.generation += 1


@pytest.fixture
def world() -> World:
    """Version 1 with configuration 1 is known-good."""
    world = World(template=version("1"))
    configure(world, "1")
    world.adopt()
    return world


def message(world: World, kind: ConditionType) -> str:
    assert world.gate is not None
    return next(c.message for c in world.gate.status.conditions if c.type is kind)


def test_pods_that_do_not_follow_are_told_and_not_tested_until_they_restart(world: World) -> None:
    change(world, "2", live=False)
    world.wait(60)
    world.adopt()

    assert world.runs == {}
    assert condition(world, ConditionType.STALLED) == (ConditionStatus.TRUE, "ConfigNotLoaded")
    assert condition(world, ConditionType.PASSED)[0] is ConditionStatus.UNKNOWN
    told = message(world, ConditionType.STALLED)
    assert "ConfigMap settings" in told
    assert "envFrom" in told
    assert "kubectl rollout restart deployment front-end" in told
    assert world.decide_gate().requeue_at is None

    restart(world)
    world.step_gate()
    assert len(world.runs) == 1


def test_a_moment_is_left_to_whatever_restarts_them(world: World) -> None:
    change(world, "2", live=False)
    world.adopt()
    assert condition(world, ConditionType.RECONCILING) == (ConditionStatus.TRUE, "ConfigChanged")
    again = world.decide_gate().requeue_at
    assert again is not None

    world.now = again
    world.adopt()

    assert condition(world, ConditionType.STALLED)[1] == "ConfigNotLoaded"


def test_a_restart_under_way_is_a_rollout_like_any_other(world: World) -> None:
    change(world, "2", live=False)
    world.rollout = Rollout(complete=False, message="1 of 2 pods updated, 2 ready")
    world.step_gate()
    name = world.active_run()
    world.step_gate()
    world.until(name, Phase.AWAITING_ROLLOUT)

    world.rollout = Rollout(complete=True, message="2 of 2 pods serve the revision")
    world.step_run(name)
    assert world.runs[name].status.phase is Phase.AWAITING_ROLLOUT, "one of them started before the change"

    restart(world)
    world.step_run(name)
    assert world.runs[name].status.phase is Phase.PREPARING


def test_live_volumes_are_tested_after_the_kubelets_time(world: World) -> None:
    change(world, "2", live=True)
    world.adopt()
    assert world.runs == {}
    assert condition(world, ConditionType.RECONCILING) == (ConditionStatus.TRUE, "ConfigChanged")
    assert world.decide_gate().requeue_at == world.now + timedelta(minutes=2)

    world.loading.clear()
    world.step_gate()

    assert len(world.runs) == 1


def test_nothing_old_is_adopted_as_the_new() -> None:
    world = World(template=version("1"))
    change(world, "1", live=False)
    world.wait(60)
    world.adopt()
    assert world.snapshots == {}
    assert condition(world, ConditionType.STALLED)[1] == "ConfigNotLoaded"

    restart(world)
    world.adopt()

    assert len(world.snapshots) == 1


def test_content_that_returns_is_not_called_known_good_while_pods_may_have_the_other(world: World) -> None:
    change(world, "2", live=False)
    change(world, "1", live=False)
    world.wait(60)
    world.adopt()
    assert condition(world, ConditionType.PASSED) == (ConditionStatus.UNKNOWN, "ConfigNotLoaded")

    restart(world)
    world.adopt()

    assert condition(world, ConditionType.PASSED) == (ConditionStatus.TRUE, "KnownGood")
    assert world.runs == {}


def test_a_run_by_hand_waits_too_and_says_so_once(world: World) -> None:
    change(world, "2", live=False)
    world.wait(60)
    world.create_run("by-hand")
    for _ in range(5):
        world.step_run("by-hand")
        world.wait(40)

    assert world.runs["by-hand"].status.phase is Phase.AWAITING_ROLLOUT
    assert world.told("by-hand") == ["Accepted", "ConfigNotLoaded"]

    restart(world)
    pass_run(world, "by-hand")
    assert condition(world, ConditionType.PASSED)[0] is ConditionStatus.TRUE


def test_a_config_map_that_changes_under_a_run_supersedes_it(world: World) -> None:
    world.roll_out(version("2"))
    world.step_gate()
    name = world.active_run()
    world.until(name, Phase.RUNNING)

    change(world, "2", live=False)
    world.step_run(name)

    status = world.runs[name].status
    assert (status.phase, status.reason) == (Phase.SUPERSEDED, "NewRevision")


def test_a_fail_of_configuration_alone_holds_and_names_it(world: World) -> None:
    before = world.template
    configure(world, "2")
    world.step_gate()
    name = world.active_run()
    fail_run(world, name)
    deliver_final(world, name)

    action = world.runs[name].status.action
    assert action is not None
    assert (action.type, action.reason) == (ActionType.HOLD, "ConfigNotReversible")
    assert "the content of ConfigMap settings" in action.message
    assert world.template == before
    assert world.patches == []
    assert list(world.runs) == [name]


def test_a_fail_of_both_puts_the_template_back_says_what_stays_and_judges_what_then_runs(
    world: World,
) -> None:
    configure(world, "2")
    world.roll_out(version("2"))
    world.step_gate()
    name = world.active_run()
    fail_run(world, name)
    deliver_final(world, name)

    action = world.runs[name].status.action
    assert action is not None
    assert action.type is ActionType.ROLLBACK
    assert "the content of ConfigMap settings stays" in action.message
    assert world.template == version("1")
    second = world.active_run()
    assert second != name
    fail_run(world, second)
    deliver_final(world, second)
    held = world.runs[second].status.action
    assert held is not None
    assert (held.type, held.reason) == (ActionType.HOLD, "ConfigNotReversible")
    assert sorted(world.runs) == sorted([name, second])


def test_a_fail_of_the_template_alone_promises_to_go_back_whole(world: World) -> None:
    world.roll_out(version("2"))
    world.step_gate()
    name = world.active_run()
    fail_run(world, name)
    deliver_final(world, name)

    action = world.runs[name].status.action
    assert action is not None
    assert "stays" not in action.message
    assert list(world.runs) == [name]


def test_a_gate_that_rests_still_says_that_pods_are_old() -> None:
    world = World(gate=gate(suspend=True), template=version("1"))
    configure(world, "1")
    world.adopt()
    change(world, "2", live=False)
    world.wait(60)
    world.adopt()
    assert condition(world, ConditionType.STALLED)[1] == "ConfigNotLoaded"
