"""The operator, or its API server, is away for a while, in every phase: what comes of the run when it is back.

The world goes on meanwhile: the load ends, its agent gives up, and an operator started anew has no evidence but
what the status holds.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from devperfops_operator.api.perfrun import Phase, Verdict
from devperfops_operator.wire.measurement import LoadEnd
from tests.unit.domain.world import BAD, GOOD, World, released, template

HALF_A_MINUTE, FIVE_MINUTES = 30, 300


@pytest.fixture
def release() -> tuple[World, str]:
    return next(released())


def restarted(world: World, name: str) -> None:
    """What the process remembered is gone, and the Job has ended without it."""
    world.evidence.pop(name, None)
    world.failures.clear()
    if name in world.jobs:
        world.jobs[name] = replace(world.jobs[name], finished=True)


def follow(world: World, name: str, seconds: int = 200) -> tuple[Phase, Verdict | None, str | None]:
    for _ in range(seconds):
        world.wait(1)
        world.settle(name)
        if world.runs[name].status.phase.terminal:
            break
    status = world.runs[name].status
    return status.phase, status.verdict, status.reason


@pytest.mark.parametrize("away", [HALF_A_MINUTE, FIVE_MINUTES])
@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.AWAITING_ROLLOUT, Phase.PREPARING])
def test_before_the_load_nothing_is_lost(release: tuple[World, str], phase: Phase, away: int) -> None:
    world, name = release
    world.until(name, phase)
    world.wait(away)
    world.until(name, Phase.RUNNING)
    world.wait(71)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    assert follow(world, name) == (Phase.COMPLETED, Verdict.PASS, "ObjectivesMet")
    assert world.created.count(f"Job/{name}") == 1


def test_workers_that_wait_for_their_start_still_get_it(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.STARTING)
    world.step_run(name)
    world.wait(HALF_A_MINUTE)
    world.until(name, Phase.RUNNING)
    world.wait(71)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    assert follow(world, name) == (Phase.COMPLETED, Verdict.PASS, "ObjectivesMet")


def test_workers_that_waited_too_long_for_their_start_make_an_error(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.STARTING)
    world.step_run(name)
    world.wait(FIVE_MINUTES + 1)
    restarted(world, name)
    assert follow(world, name) == (Phase.COMPLETED, Verdict.ERROR, "StartTimeout")


def test_a_load_that_ended_meanwhile_is_judged_while_its_agent_still_offers_it(
    release: tuple[World, str],
) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.wait(60 + HALF_A_MINUTE)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    assert follow(world, name) == (Phase.COMPLETED, Verdict.PASS, "ObjectivesMet")


@pytest.mark.parametrize("good_so_far", [False, True])
def test_a_load_whose_agent_has_given_up_never_passes(
    release: tuple[World, str], *, good_so_far: bool
) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.wait(30)
    if good_so_far:
        world.load(name, GOOD, GOOD)
        world.step_run(name)
    world.wait(FIVE_MINUTES)
    restarted(world, name)
    assert follow(world, name) == (Phase.COMPLETED, Verdict.INCONCLUSIVE, "EvidenceLost")
    assert world.patches == []
    assert not world.snapshot_of(name).known_good


@pytest.mark.parametrize("away", [HALF_A_MINUTE, FIVE_MINUTES])
def test_what_was_stored_before_judging_is_enough(release: tuple[World, str], away: int) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.wait(71)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    world.until(name, Phase.JUDGING)
    world.wait(away)
    assert follow(world, name) == (Phase.COMPLETED, Verdict.PASS, "ObjectivesMet")


@pytest.mark.parametrize("away", [HALF_A_MINUTE, FIVE_MINUTES])
def test_a_verdict_once_stored_is_acted_on_once(release: tuple[World, str], away: int) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.wait(17)
    world.load(name, BAD, BAD, failed=True)
    world.until(name, Phase.ACTING)
    world.wait(away)
    restarted(world, name)
    assert follow(world, name) == (Phase.COMPLETED, Verdict.FAIL, "ObjectiveFailed")
    assert world.patches == [template("1")]
