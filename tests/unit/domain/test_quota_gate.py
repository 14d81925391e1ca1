"""A gate with a quota policy: what is promoted, and what is held whatever the gate asks."""

from __future__ import annotations

import pytest

from devperfops_operator.api.perfrun import ActionType, Phase, Verdict
from devperfops_operator.domain.quota.answer import QuotaAnswer
from devperfops_operator.domain.quota.finding import Verdict as Quota
from tests.unit.domain.test_options import action, known_good
from tests.unit.domain.test_override import TWO, override
from tests.unit.domain.test_run import pass_run
from tests.unit.domain.world import World, released, template

LESS = QuotaAnswer(Quota.REGRESSION, blocks=True, message="quota policy january: production grants less")


def judged(world: World, name: str) -> tuple[Verdict | None, str | None]:
    status = world.runs[name].status
    return status.verdict, status.reason


@pytest.mark.parametrize("asked", ["Hold", "Promote", "Rollback"])
def test_a_regression_holds_whatever_the_gate_asks_of_inconclusive_runs(asked: str) -> None:
    world, name = next(released(actions={"onInconclusive": asked}))
    before, world.quota = known_good(world), LESS
    pass_run(world, name)
    assert judged(world, name) == (Verdict.INCONCLUSIVE, "QuotaRegression")
    assert action(world, name) == (ActionType.HOLD, "QuotaRegression")
    assert known_good(world) == before
    assert world.template == template("2")


def test_what_is_read_when_the_load_has_ended_counts() -> None:
    world, name = next(released())
    world.quota = LESS
    world.until(name, Phase.RUNNING)
    world.quota = None
    pass_run(world, name)
    assert world.runs[name].status.verdict is Verdict.PASS
    assert known_good(world) == TWO


def test_a_person_may_let_the_revision_stand() -> None:
    world, name = next(released())
    world.quota = LESS
    pass_run(world, name)
    override(world)
    world.adopt()
    assert known_good(world) == TWO


def test_a_policy_that_cannot_be_read_ends_the_run_before_its_load() -> None:
    world, name = next(released())
    world.quota = QuotaAnswer(Quota.ERROR, blocks=True, message="quota: ConfigMap q does not exist")
    world.settle(name)
    assert judged(world, name) == (Verdict.ERROR, "QuotaUnknown")
    assert name not in world.jobs
