"""A person lets a revision stand that did not pass."""

from __future__ import annotations

from datetime import timedelta

import pytest

from devperfops_operator.api.base import ConditionStatus, ConditionType
from devperfops_operator.api.perfrun import ActionType, Phase, Verdict
from devperfops_operator.domain.manifests.event import gate_events
from devperfops_operator.domain.manifests.template import revision_of
from tests.unit.domain.test_gate import condition
from tests.unit.domain.test_options import action, known_good, lose_evidence
from tests.unit.domain.test_run import deliver_final, fail_run, outcome, pass_run
from tests.unit.domain.world import BAD, World, released, template

TWO = revision_of(template("2"), {})


def override(world: World, revision: str = TWO, *, hours: float = 2) -> None:
    until = (world.now + timedelta(hours=hours)).isoformat()
    world.edit_gate(
        override={"revision": revision, "reason": "the sale begins", "by": "anna", "expires": until}
    )


def held(*, fails: bool) -> tuple[World, str]:
    """Revision 2 stands and did not pass."""
    world, name = next(released(actions={"onFail": "Hold"}))
    if fails:
        fail_run(world, name)
        deliver_final(world, name)
    else:
        lose_evidence(world, name)
    return world, name


@pytest.mark.parametrize("fails", [True, False], ids=["failed", "inconclusive"])
def test_a_standing_revision_becomes_known_good_and_its_run_stays_what_it_was(*, fails: bool) -> None:
    world, name = held(fails=fails)
    before = world.runs[name].status
    override(world)
    world.adopt()
    assert known_good(world) == TWO
    assert condition(world, ConditionType.PASSED) == (ConditionStatus.TRUE, "Overridden")
    assert world.runs[name].status == before
    assert list(world.runs) == [name]


def test_who_let_it_stand_and_why_is_told_and_kept() -> None:
    world, _ = held(fails=True)
    override(world)
    world.adopt()
    assert world.gate is not None
    kept = world.gate.status.override
    assert kept is not None
    assert (kept.revision, kept.by, kept.reason) == (TWO, "anna", "the sale begins")
    (event,) = gate_events(world.gate, world.now)
    assert event["reason"] == "Overridden"
    assert "overridden by anna until 2026-11-01T14:" in event["message"]
    assert event["message"].endswith(": the sale begins")


def test_what_an_override_has_made_known_good_is_gone_back_to_also_after_its_end() -> None:
    world, _ = held(fails=True)
    override(world)
    world.adopt()
    world.wait(3 * 3600)
    world.edit_gate(override=None, actions={"onFail": "Rollback"})
    world.adopt()
    assert known_good(world) == TWO
    world.roll_out(template("3"))
    world.step_gate()
    fail_run(world, world.active_run())
    assert world.template == template("2")


def test_an_override_that_has_expired_counts_no_more() -> None:
    world, name = held(fails=True)
    override(world, hours=-1)
    world.adopt()
    assert known_good(world) != TWO
    assert condition(world, ConditionType.PASSED) == (ConditionStatus.FALSE, "ObjectiveFailed")
    assert list(world.runs) == [name]


def test_an_override_is_of_one_revision_only() -> None:
    world, _ = held(fails=True)
    override(world, revision="0123456789")
    world.adopt()
    assert known_good(world) != TWO


def test_a_revision_that_was_rolled_back_stands_when_it_is_applied_again() -> None:
    world, name = next(released())
    fail_run(world, name)
    deliver_final(world, name)
    assert world.template == template("1")
    override(world)
    world.adopt()
    assert known_good(world) != TWO
    world.roll_out(template("2"))
    world.adopt()
    assert known_good(world) == TWO
    assert (list(world.runs), len(world.patches)) == ([name], 1)


def test_a_later_pass_counts_more_than_an_override() -> None:
    world, _ = held(fails=True)
    override(world)
    world.adopt()
    world.create_run("by-hand")
    pass_run(world, "by-hand")
    world.edit_gate(override=None)
    world.adopt()
    assert condition(world, ConditionType.PASSED) == (ConditionStatus.TRUE, "KnownGood")


def test_a_run_that_fails_while_its_revision_is_overridden_rolls_nothing_back() -> None:
    world, name = next(released())
    world.until(name, Phase.RUNNING)
    world.wait(17)
    world.load(name, BAD, BAD, failed=True)
    override(world)
    world.until(name, Phase.ACTING)
    deliver_final(world, name)
    assert world.runs[name].status.verdict is Verdict.FAIL
    assert action(world, name) == (ActionType.HOLD, "Overridden")
    assert (world.template, world.patches) == (template("2"), [])
    assert known_good(world) == TWO


def test_a_revision_overridden_again_after_another_one_passed_is_the_known_good() -> None:
    world, _ = held(fails=True)
    override(world)
    world.adopt()
    world.roll_out(template("3"))
    world.step_gate()
    pass_run(world, world.active_run())
    world.roll_out(template("2"))
    world.adopt()
    assert known_good(world) == TWO


def test_killed_before_the_snapshot_is_made_it_is_made_once() -> None:
    undisturbed, _ = held(fails=True)
    override(undisturbed)
    undisturbed.adopt()
    for crash_at in range(3):
        world, _ = held(fails=True)
        override(world)
        for index in range(5):
            world.step_gate(crash=index == crash_at)
        assert outcome(world) == outcome(undisturbed), f"killed after pass {crash_at}"
