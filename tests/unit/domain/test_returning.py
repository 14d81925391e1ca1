"""Failed revisions that come back: turned away once without load, then left alone. Nobody is fought with."""

from __future__ import annotations

from typing import Any

import pytest

from devperfops_operator.api.base import ConditionStatus, ConditionType
from devperfops_operator.api.perfrun import ActionType, Phase, Verdict
from tests.unit.domain.test_gate import condition
from tests.unit.domain.test_run import deliver_final, fail_run, pass_run
from tests.unit.domain.world import World, released, template


@pytest.fixture
def failed() -> tuple[World, str]:
    """Version 2 has failed and was rolled back; 1 is known-good."""
    world, name = next(released())
    fail_run(world, name)
    deliver_final(world, name)
    assert world.template == template("1")
    return world, name


def comes_back(world: World, version: str = "2") -> str:
    """It is applied again; the run that was made for it, ended."""
    world.roll_out(template(version))
    world.adopt()
    name = world.active_run()
    world.settle(name)
    return name


def status(world: World, name: str) -> Any:
    return world.runs[name].status


def test_at_first_it_is_rolled_back_without_load(failed: tuple[World, str]) -> None:
    world, first = failed
    jobs = [made for made in world.created if made.startswith("Job/")]
    second = comes_back(world)
    assert second == first.removesuffix("1") + "2"
    assert (status(world, second).phase, status(world, second).verdict) == (Phase.COMPLETED, Verdict.FAIL)
    assert status(world, second).reason == "RevisionRejected"
    assert status(world, first).message in status(world, second).message
    assert first in status(world, second).message
    assert world.told(second) == ["RevisionRejected", "RolledBack", "Completed"]
    assert status(world, second).action.type is ActionType.ROLLBACK
    assert world.template == template("1")
    assert [made for made in world.created if made.startswith("Job/")] == jobs
    assert condition(world, ConditionType.PASSED) == (ConditionStatus.TRUE, "RolledBack")


def test_at_the_second_time_it_is_left_alone_and_the_gate_says_so(failed: tuple[World, str]) -> None:
    world, first = failed
    comes_back(world)
    runs, patches = list(world.runs), len(world.patches)
    world.roll_out(template("2"))
    world.adopt()
    assert (list(world.runs), len(world.patches)) == (runs, patches)
    assert world.template == template("2")
    assert condition(world, ConditionType.STALLED) == (ConditionStatus.TRUE, "RevisionRejected")
    assert condition(world, ConditionType.PASSED) == (ConditionStatus.FALSE, "RevisionRejected")
    assert world.gate is not None
    told = next(c.message for c in world.gate.status.conditions if c.type is ConditionType.STALLED)
    assert first in told
    assert "devperfops run front-end" in told
    assert world.decide_gate().requeue_at is None


def test_other_revisions_in_between_make_no_difference(failed: tuple[World, str]) -> None:
    world, _ = failed
    world.roll_out(template("3"))
    world.step_gate()
    pass_run(world, world.active_run())
    comes_back(world)
    assert world.template == template("3")
    world.roll_out(template("4"))
    world.step_gate()
    pass_run(world, world.active_run())
    runs = list(world.runs)
    world.roll_out(template("2"))
    world.adopt()
    assert list(world.runs) == runs
    assert condition(world, ConditionType.STALLED) == (ConditionStatus.TRUE, "RevisionRejected")


def test_the_next_revision_is_judged_as_ever(failed: tuple[World, str]) -> None:
    world, _ = failed
    comes_back(world)
    world.roll_out(template("2"))
    world.adopt()
    world.roll_out(template("3"))
    world.step_gate()
    pass_run(world, world.active_run())
    assert condition(world, ConditionType.PASSED) == (ConditionStatus.TRUE, "ObjectivesMet")
    assert condition(world, ConditionType.STALLED)[0] is ConditionStatus.FALSE


def test_another_load_or_other_objectives_test_it_again(failed: tuple[World, str]) -> None:
    world, _ = failed
    world.edit_gate(objectives=[{"expect": "p99 < 3s"}, {"expect": "errors < 0.5%"}])
    world.roll_out(template("2"))
    world.step_gate()
    name = world.active_run()
    world.until(name, Phase.RUNNING)
    assert "RevisionRejected" not in world.told(name)


def test_what_is_done_about_verdicts_may_change_and_the_verdict_stands(failed: tuple[World, str]) -> None:
    world, _ = failed
    world.edit_gate(actions={"onFail": "Hold"})
    name = comes_back(world)
    assert status(world, name).reason == "RevisionRejected"
    assert (status(world, name).action.type, status(world, name).action.reason) == (
        ActionType.HOLD,
        "HoldAsked",
    )
    assert world.template == template("2")
    assert condition(world, ConditionType.PASSED) == (ConditionStatus.FALSE, "RevisionRejected")


def test_a_pass_by_hand_lets_it_in(failed: tuple[World, str]) -> None:
    world, _ = failed
    comes_back(world)
    world.roll_out(template("2"))
    world.adopt()
    world.create_run("by-hand")
    pass_run(world, "by-hand")
    assert condition(world, ConditionType.PASSED) == (ConditionStatus.TRUE, "KnownGood")
    world.roll_out(template("3"))
    world.step_gate()
    pass_run(world, world.active_run())
    world.roll_out(template("2"))
    world.step_gate()
    name = world.active_run()
    world.until(name, Phase.RUNNING)
    assert "RevisionRejected" not in world.told(name)


def test_a_fail_by_hand_turns_nothing_away() -> None:
    world, name = next(released())
    pass_run(world, name)
    world.create_run("by-hand")
    fail_run(world, "by-hand")
    deliver_final(world, "by-hand")
    world.roll_out(template("3"))
    world.step_gate()
    pass_run(world, world.active_run())
    world.roll_out(template("2"))
    world.step_gate()
    again = world.active_run()
    world.until(again, Phase.RUNNING)
    assert "RevisionRejected" not in world.told(again)


def test_killed_between_claim_and_creation_it_is_still_turned_away(failed: tuple[World, str]) -> None:
    world, _ = failed
    world.roll_out(template("2"))
    world.step_gate(crash=True)
    name = comes_back(world)
    assert status(world, name).reason == "RevisionRejected"
    assert world.template == template("1")


def test_nobody_else_can_have_a_revision_turned_away(failed: tuple[World, str]) -> None:
    """Only what the gate's status says counts, and that is the operator's to write."""
    world, _ = failed
    world.roll_out(template("3"))
    world.create_run("by-hand", reason="came back as it was")
    world.step_run("by-hand")
    assert world.told("by-hand") == ["Accepted"]


def test_without_the_history_it_is_tested_anew(failed: tuple[World, str]) -> None:
    world, first = failed
    del world.runs[first]
    world.roll_out(template("3"))
    world.step_gate()
    pass_run(world, world.active_run())
    world.roll_out(template("2"))
    world.step_gate()
    name = world.active_run()
    world.until(name, Phase.RUNNING)
    assert "RevisionRejected" not in world.told(name)


def test_when_its_test_is_forgotten_the_run_that_turned_it_away_still_tells_why(
    failed: tuple[World, str],
) -> None:
    world, first = failed
    because = status(world, first).message
    comes_back(world)
    del world.runs[first]
    world.roll_out(template("2"))
    world.adopt()
    assert condition(world, ConditionType.STALLED) == (ConditionStatus.TRUE, "RevisionRejected")
    assert world.gate is not None
    assert because in world.gate.status.conditions[0].message
