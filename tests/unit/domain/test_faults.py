"""What goes wrong around a run must neither hang it, nor pass it, nor blame the release."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.api.perfrun import MAX_TIMELINE, PerfRun, Phase, Verdict
from devperfops_operator.domain.observed import EffectFailure, Inputs, ObjectiveEvidence, Problem, Rollout
from devperfops_operator.wire.measurement import LoadEnd
from tests.unit.domain.test_judgement import counting_world
from tests.unit.domain.world import BAD, GOOD, World, released, template


@pytest.fixture
def release() -> tuple[World, str]:
    return next(released())


def load_ended(world: World, name: str) -> None:
    world.wait(71)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)


def follow(world: World, name: str, seconds: int) -> PerfRun:
    """The run goes on by itself; reads of counters are asked for and never answered."""
    for _ in range(seconds):
        world.wait(1)
        status = world.decide_run(name).status
        world.runs[name] = world.runs[name].model_copy(update={"status": status})
    return world.runs[name]


def test_however_much_others_have_to_say_the_status_can_be_stored() -> None:
    world, name = counting_world()
    load_ended(world, name)
    gap = Problem("NotANumber", "x" * 5000)
    objectives = {**world.evidence[name].objectives, "availability": ObjectiveEvidence(Tally(), gap=gap)}
    polled_at = world.now + timedelta(minutes=5)
    world.evidence[name] = replace(world.evidence[name], objectives=objectives, metrics_polled_at=polled_at)
    status = follow(world, name, 40).status
    assert status.reason == "NotANumber"
    assert len(status.message or "") <= 2048
    assert all(len(objective.message or "") <= 2048 for objective in status.objectives)


@pytest.mark.parametrize("polled_before", [False, True])
def test_counters_that_are_never_read_to_the_end_are_inconclusive(*, polled_before: bool) -> None:
    world, name = counting_world()
    load_ended(world, name)
    if polled_before:  # while the load ran; GOOD is what was counted by then
        world.evidence[name] = replace(world.evidence[name], metrics_polled_at=world.now)
    else:
        objectives = {**world.evidence[name].objectives, "availability": ObjectiveEvidence(Tally())}
        world.evidence[name] = replace(world.evidence[name], objectives=objectives)
    status = follow(world, name, 700).status
    assert (status.verdict, status.reason) == (Verdict.INCONCLUSIVE, "PrometheusUnavailable")


def test_what_is_missing_just_before_the_job_is_made_is_an_error_and_no_load(
    release: tuple[World, str],
) -> None:
    world, name = release
    world.until(name, Phase.PREPARING)
    world.step_run(name)
    world.step_run(name)
    assert world.runs[name].status.phase is Phase.STARTING
    world.inputs = Inputs(problem=Problem("ServiceNotFound", "Service front-end does not exist"))
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.ERROR, "ServiceNotFound")
    assert not any(made.startswith("Job/") for made in world.created)


def test_a_target_deleted_under_load_ends_the_load(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.wait(20)
    world.load(name, GOOD, GOOD)
    world.target_exists = False
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.INCONCLUSIVE, "TargetGone")
    assert world.jobs == {}


def test_a_load_of_which_every_request_failed_shows_nothing_about_counters() -> None:
    counters = {"name": "availability", "expect": "good >= 99%", "good": "ok", "total": "all"}
    world, name = next(released(objectives=[counters], prometheus="monitoring"))
    world.until(name, Phase.RUNNING)
    world.wait(71)
    world.load(name, GOOD, final=LoadEnd.COMPLETED)
    worker = replace(world.evidence[name].workers[0], judged_errors=GOOD.samples)
    polled_at = world.now + timedelta(minutes=5)
    world.evidence[name] = replace(world.evidence[name], workers=(worker,), metrics_polled_at=polled_at)
    status = follow(world, name, 40).status
    assert (status.verdict, status.reason) == (Verdict.INCONCLUSIVE, "AllFailed")


def test_a_test_that_had_to_be_stopped_shows_nothing_about_the_planned_one(
    release: tuple[World, str],
) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.wait(60)
    world.load(name, GOOD, GOOD)
    world.step_run(name)
    world.wait(80)
    world.load(name, GOOD, GOOD)
    world.step_run(name)
    world.wait(80)
    world.load(name, GOOD, GOOD, final=LoadEnd.STOPPED)
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.INCONCLUSIVE, "Overran")
    assert not world.snapshot_of(name).known_good


def test_a_rollback_is_tried_as_long_as_the_api_server_is_away(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.wait(17)
    world.load(name, BAD, BAD, failed=True)
    world.until(name, Phase.ACTING)
    away = EffectFailure(refused=False, message="no answer", attempts=1000, last=world.now)
    world.failures["RollBack"] = away
    world.settle(name)
    assert world.patches == []
    world.wait(65)
    world.settle(name)
    assert world.patches == [template("1")]


def test_a_target_scaled_to_zero_under_load_is_no_fault_of_its_release(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.wait(20)
    world.load(name, BAD, BAD, failed=True)
    world.scaled_to_zero = True
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.INCONCLUSIVE, "TargetGone")
    assert "scaled to zero" in (status.message or "")
    assert world.patches == []
    assert world.active_run() != name


def test_a_run_whose_rollout_is_undone_gives_up_its_place_in_the_queue(release: tuple[World, str]) -> None:
    world, ahead = release
    world.until(ahead, Phase.RUNNING)
    world.create_run("second")
    world.settle("second")
    assert world.told("second")[-1] == "Queued"
    rollout, world.rollout = world.rollout, Rollout(complete=False, message="0 of 2 pods ready")
    world.settle("second")
    world.rollout = rollout
    world.wait(1)
    world.create_run("third")
    del world.runs[ahead], world.jobs[ahead]
    for _ in range(4):
        world.step_run("third")
    assert world.runs["third"].status.phase is not Phase.AWAITING_ROLLOUT
    world.settle("second")
    assert world.told("second")[-1] == "Queued"


def test_pods_that_come_and_go_do_not_fill_the_timeline(release: tuple[World, str]) -> None:
    world, ahead = release
    world.until(ahead, Phase.RUNNING)
    world.create_run("second")
    complete = world.rollout
    for turn in range(400):
        world.rollout = complete if turn % 2 else Rollout(complete=False, message="1 of 2 pods ready")
        world.step_run("second")
    assert len(world.runs["second"].status.timeline) < MAX_TIMELINE // 2


def test_a_run_seen_before_its_gate_waits_for_it_a_little() -> None:
    world = World()
    world.adopt()
    gate, world.gate = world.gate, None
    world.create_run("by-hand")
    world.step_run("by-hand")
    assert world.runs["by-hand"].status.phase is Phase.PENDING
    assert world.decide_run("by-hand").requeue_at is not None
    world.wait(5)
    world.gate = gate
    world.step_run("by-hand")
    assert world.runs["by-hand"].status.phase is Phase.AWAITING_ROLLOUT


def test_a_run_whose_gate_never_comes_ends() -> None:
    world = World(gate=None)
    world.create_run("by-hand")
    world.wait(15)
    world.step_run("by-hand")
    assert world.runs["by-hand"].status.phase is Phase.CANCELLED
