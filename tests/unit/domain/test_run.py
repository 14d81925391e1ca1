"""The life of a run, against a world in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from devperfops_operator.api.perfrun import ActionType, Phase, Trigger, Verdict
from devperfops_operator.domain.manifests.template import RESTARTED_AT
from devperfops_operator.domain.observed import Inputs, Problem, Rollout
from devperfops_operator.domain.run import final_stored, stop_wanted
from devperfops_operator.wire.measurement import LoadEnd
from tests.unit.domain.world import BAD, GOOD, World, gate, released, template


@pytest.fixture
def release() -> tuple[World, str]:
    return next(released())


def pass_run(world: World, name: str) -> None:
    world.until(name, Phase.RUNNING)
    world.wait(71)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    world.settle(name)


def fail_run(world: World, name: str) -> None:
    world.until(name, Phase.RUNNING)
    world.wait(17)
    world.load(name, BAD, BAD, failed=True)
    world.settle(name)


def deliver_final(world: World, name: str) -> None:
    world.load(name, BAD, BAD, failed=True, final=LoadEnd.STOPPED)
    world.settle(name)


def test_a_sound_release_passes_and_becomes_known_good(release: tuple[World, str]) -> None:
    world, name = release
    pass_run(world, name)
    status = world.runs[name].status
    assert (status.phase, status.verdict, status.reason) == (Phase.COMPLETED, Verdict.PASS, "ObjectivesMet")
    assert status.trigger is Trigger.ROLLOUT
    assert status.action is not None
    assert status.action.type is ActionType.PROMOTE
    assert world.snapshot_of(name).known_good
    assert world.gate is not None
    assert world.gate.status.known_good == status.revision
    assert world.patches == []
    assert [o.verdict for o in status.objectives] == [Verdict.PASS, Verdict.PASS]


def test_a_bad_release_is_rolled_back_before_its_load_has_ended(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.wait(17)
    world.load(name, BAD, BAD, failed=True)
    for _ in range(5):
        world.step_run(name)
    status = world.runs[name].status
    assert (status.phase, status.verdict) == (Phase.ACTING, Verdict.FAIL)
    assert world.template == template("1")
    assert stop_wanted(world.runs[name])
    assert not final_stored(world.runs[name], 0)
    deliver_final(world, name)
    status = world.runs[name].status
    assert (status.phase, status.reason) == (Phase.COMPLETED, "ObjectiveFailed")
    assert status.message is not None
    assert "p99 < 2s does not hold" in status.message
    assert world.gate is not None
    reasons = {condition.type: condition.reason for condition in world.gate.status.conditions}
    assert reasons["Passed"] == "RolledBack"


def test_a_load_that_does_not_stop_is_suspended_and_its_job_deleted(release: tuple[World, str]) -> None:
    world, name = release
    fail_run(world, name)
    world.wait(11)
    world.step_run(name)
    assert world.jobs[name].suspended
    deliver_final(world, name)
    assert world.runs[name].status.phase is Phase.COMPLETED
    assert name not in world.jobs


def test_a_run_completes_though_its_last_counts_never_come(release: tuple[World, str]) -> None:
    world, name = release
    fail_run(world, name)
    world.wait(200)
    world.settle(name)
    assert world.runs[name].status.phase is Phase.COMPLETED
    assert world.runs[name].status.verdict is Verdict.FAIL


def test_one_run_at_a_time_in_a_namespace(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.create_run("by-hand")
    for _ in range(4):
        world.step_run("by-hand")
    assert world.runs["by-hand"].status.phase is Phase.AWAITING_ROLLOUT
    assert world.told("by-hand") == ["Accepted", "Queued"]
    pass_run(world, name)
    world.step_run("by-hand")
    assert world.runs["by-hand"].status.phase is Phase.PREPARING


def test_a_rollout_that_stalls_is_found_while_another_load_runs(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.create_run("by-hand")
    world.step_run("by-hand")
    world.rollout = Rollout(complete=False, message="", problem=Problem("RolloutStalled", "crashes"))
    world.step_run("by-hand")
    assert world.runs["by-hand"].status.reason == "RolloutStalled"


def test_a_manual_run_never_rolls_back_but_its_pass_counts() -> None:
    world = World()
    world.adopt()
    world.create_run("by-hand", reason="before the sale")
    fail_run(world, "by-hand")
    deliver_final(world, "by-hand")
    status = world.runs["by-hand"].status
    assert status.trigger is Trigger.MANUAL
    assert status.action is not None
    assert (status.action.type, status.action.reason) == (ActionType.HOLD, "ManualRun")
    assert world.patches == []
    world.create_run("again")
    pass_run(world, "again")
    assert world.snapshot_of("again").known_good


def test_a_run_that_takes_the_name_of_ours_is_still_manual() -> None:
    world = World()
    world.adopt()
    world.create_run("front-end-0badcafe-1")
    world.until("front-end-0badcafe-1", Phase.AWAITING_ROLLOUT)
    assert world.runs["front-end-0badcafe-1"].status.trigger is Trigger.MANUAL


def test_a_rollout_that_stalls_fails_without_load_and_is_rolled_back(release: tuple[World, str]) -> None:
    world, name = release
    world.rollout = Rollout(
        complete=False,
        message="1 of 2 pods updated",
        problem=Problem("RolloutStalled", "pod x crashed 3 times"),
    )
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.FAIL, "RolloutStalled")
    assert world.template == template("1")
    assert world.jobs == {}


def test_load_waits_for_the_rollout(release: tuple[World, str]) -> None:
    world, name = release
    world.rollout = Rollout(complete=False, message="1 of 2 pods updated, 1 ready")
    for _ in range(5):
        world.step_run(name)
    assert world.runs[name].status.phase is Phase.AWAITING_ROLLOUT
    assert world.jobs == {}


@pytest.mark.parametrize("phase", [Phase.AWAITING_ROLLOUT, Phase.STARTING, Phase.RUNNING, Phase.JUDGING])
def test_a_new_revision_supersedes_and_is_judged_itself(release: tuple[World, str], phase: Phase) -> None:
    world, name = release
    if phase is Phase.JUDGING:
        world.until(name, Phase.RUNNING)
        world.jobs[name] = replace(world.jobs[name], finished=True)
    world.until(name, phase)
    world.roll_out(template("3"))
    world.settle(name)
    assert world.runs[name].status.phase is Phase.SUPERSEDED
    assert world.active_run() != name
    assert world.runs[name].status.verdict is None
    unfinished = {job.name for job in world.jobs.values() if not job.finished}
    assert name not in unfinished


def test_a_restart_of_the_pods_tests_the_same_revision_again(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.roll_out(template("2", **{RESTARTED_AT: "2026-11-01T12:01:00Z"}))
    world.settle(name)
    assert world.told(name)[-1] == "TargetRestarted"
    assert world.active_run() == name.removesuffix("1") + "2"


def test_a_changed_gate_judges_the_revision_anew(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.edit_gate(objectives=[{"expect": "p99 < 3s"}])
    world.settle(name)
    assert world.told(name)[-1] == "GateChanged"
    assert world.active_run() != name


def test_what_is_done_about_a_verdict_may_be_edited_while_it_is_found(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.edit_gate(actions={"onFail": "Hold"}, triggers={"rollout": False})
    fail_run(world, name)
    deliver_final(world, name)
    status = world.runs[name].status
    assert (status.phase, status.verdict) == (Phase.COMPLETED, Verdict.FAIL)
    assert status.action is not None
    assert status.action.reason == "HoldAsked"


def test_a_run_under_way_that_an_older_operator_began_is_begun_again(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    status = world.runs[name].status.model_copy(update={"criteria_hash": None})
    world.runs[name] = world.runs[name].model_copy(update={"status": status})
    world.settle(name)
    assert world.runs[name].status.phase is Phase.SUPERSEDED
    assert world.active_run() != name


@pytest.mark.parametrize(
    ("field", "reason", "verdict"),
    [
        ({"end": LoadEnd.DIED}, "JMeterDied", Verdict.INCONCLUSIVE),
        ({"truncated": True}, "JTLTruncated", Verdict.INCONCLUSIVE),
    ],
)
def test_a_test_that_went_wrong_never_passes(
    release: tuple[World, str], field: dict[str, object], reason: str, verdict: Verdict
) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.wait(71)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    world.step_run(name)
    status = world.runs[name].status
    worker = status.workers[0].model_copy(update=field)
    world.runs[name] = world.runs[name].model_copy(
        update={"status": status.model_copy(update={"workers": (worker,)})}
    )
    world.settle(name)
    world.wait(6)  # for the kubelet to say why
    world.settle(name)
    status = world.runs[name].status
    assert (status.reason, status.verdict) == (reason, verdict)
    assert not world.snapshot_of(name).known_good
    assert world.patches == []


def test_lost_evidence_is_inconclusive_whatever_the_job_says(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.wait(71)
    world.load(name, GOOD, GOOD)
    world.jobs[name] = replace(world.jobs[name], finished=True)
    world.step_run(name)
    world.wait(15)
    world.settle(name)
    status = world.runs[name].status
    assert (status.reason, status.verdict) == ("EvidenceLost", Verdict.INCONCLUSIVE)


def test_too_little_load_is_inconclusive(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.wait(71)
    slow = GOOD.__class__(2500, 0, 0)
    world.load(name, slow, slow, final=LoadEnd.COMPLETED)
    world.settle(name)
    status = world.runs[name].status
    assert (status.reason, status.verdict) == ("RateNotReached", Verdict.INCONCLUSIVE)


def test_a_hanging_target_fails(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.wait(2)
    world.load(name, GOOD.__class__(), GOOD.__class__())
    world.step_run(name)
    silence(world, name, 31)
    world.settle(name)
    assert world.runs[name].status.reason == "Unresponsive"
    assert world.template == template("1")


def silence(world: World, name: str, seconds: float) -> None:
    """The agent reports, and there is no new row."""
    world.wait(seconds)
    evidence = world.evidence[name]
    workers = tuple(replace(worker, heard_at=world.now) for worker in evidence.workers)
    world.evidence[name] = replace(evidence, workers=workers)


def test_a_load_that_is_planned_to_be_rare_does_not_hang() -> None:
    rare = {"plan": {"configMap": "scenario"}, "threads": 1, "duration": "2h", "rate": "7/h"}
    world, name = next(released(load={"jmeter": rare}, objectives=[{"expect": "p50 < 2s"}]))
    world.until(name, Phase.RUNNING)
    world.load(name, GOOD.__class__(1))
    world.step_run(name)
    silence(world, name, 500)
    world.step_run(name)
    assert world.runs[name].status.phase is Phase.RUNNING


def test_a_load_without_a_rate_hangs_when_it_pauses_far_longer_than_it_used_to() -> None:
    think_time = {"plan": {"configMap": "scenario"}, "threads": 1, "duration": "1h"}
    world, name = next(released(load={"jmeter": think_time}, objectives=[{"expect": "p50 < 2s"}]))
    world.until(name, Phase.RUNNING)
    world.load(name, GOOD.__class__())
    world.step_run(name)
    world.wait(505)
    world.load(name, GOOD.__class__(1))  # and 100 rows of the ramp
    silence(world, name, 60)
    world.step_run(name)
    assert world.runs[name].status.phase is Phase.RUNNING
    silence(world, name, 60)
    world.step_run(name)
    assert world.runs[name].status.reason == "Unresponsive"


@pytest.mark.parametrize("ahead_s", [-3600, -45, 45, 3600])
def test_a_clock_of_the_load_pod_that_is_wrong_does_not_change_what_hangs(ahead_s: int) -> None:
    world, name = next(released())
    world.until(name, Phase.RUNNING)
    offset = timedelta(seconds=ahead_s)
    for _ in range(2):
        world.wait(20)
        world.load(name, GOOD.__class__(), GOOD.__class__())
        worker = world.evidence[name].workers[0]
        skewed = replace(
            worker, first_start=world.now - timedelta(seconds=20) + offset, last_end=world.now + offset
        )
        world.evidence[name] = replace(world.evidence[name], workers=(skewed,))
        world.step_run(name)
        assert world.runs[name].status.phase is Phase.RUNNING
    silence(world, name, 31)
    world.step_run(name)
    assert world.runs[name].status.reason == "Unresponsive"


def test_a_refused_rollback_ends_in_its_reason(release: tuple[World, str]) -> None:
    world, name = release
    world.refused["RollBack"] = "deployments are frozen by policy"
    fail_run(world, name)
    for _ in range(10):
        world.wait(30)
        world.settle(name)
    status = world.runs[name].status
    assert status.phase is Phase.COMPLETED
    assert status.verdict is Verdict.FAIL
    assert status.action is not None
    assert (status.action.type, status.action.reason) == (ActionType.HOLD, "RollBackRefused")
    assert "frozen by policy" in status.action.message
    assert world.failures["RollBack"].attempts == 4


def test_a_refused_job_is_an_error(release: tuple[World, str]) -> None:
    world, name = release
    world.refused["CreateJob"] = "exceeded quota"
    for _ in range(5):
        world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.ERROR, "JobRefused")
    assert "exceeded quota" in (status.message or "")


@pytest.mark.parametrize("finished", [False, True])
def test_what_a_pod_refuses_ends_the_run_with_its_words(
    release: tuple[World, str], *, finished: bool
) -> None:
    world, name = release
    world.until(name, Phase.STARTING)
    world.step_run(name)
    refusal = Problem("PlanInvalid", "a.jmx in PersistentVolumeClaim plans is not XML")
    world.jobs[name] = replace(world.jobs[name], refusal=refusal, problem="ended", finished=finished)
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.ERROR, "PlanInvalid")
    assert status.message == refusal.message
    assert world.jobs == {}


def test_a_load_that_cannot_start_times_out_and_is_removed(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.STARTING)
    world.step_run(name)
    world.jobs[name] = replace(world.jobs[name], problem="0/1 nodes are available")
    world.wait(301)
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.ERROR, "StartTimeout")
    assert "0/1 nodes" in (status.message or "")
    assert world.jobs == {}


def test_a_missing_plan_is_an_error_without_load(release: tuple[World, str]) -> None:
    world, name = release
    world.inputs = Inputs(problem=Problem("PlanNotFound", "ConfigMap scenario does not exist"))
    world.settle(name)
    status = world.runs[name].status
    assert (status.verdict, status.reason) == (Verdict.ERROR, "PlanNotFound")
    assert world.jobs == {}
    assert world.patches == []


def test_a_cancelled_run_stops_and_decides_nothing(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    spec = world.runs[name].spec.model_copy(update={"cancel": True})
    world.runs[name] = world.runs[name].model_copy(update={"spec": spec})
    world.settle(name)
    status = world.runs[name].status
    assert (status.phase, status.verdict) == (Phase.CANCELLED, None)
    assert name not in world.jobs
    assert world.patches == []
    assert world.active_run() == name


def test_a_deleted_gate_ends_its_run(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.gate = None
    for _ in range(3):
        world.step_run(name)
    assert world.runs[name].status.phase is Phase.CANCELLED
    assert name not in world.jobs


def test_without_a_known_good_a_fail_holds() -> None:
    world = World()
    world.create_run("by-hand")
    assert world.gate is not None
    world.gate = world.gate.model_copy(update={"status": world.decide_gate().status})
    name, revision = "front-end-x-1", world.target().revision  # type: ignore[union-attr]
    current = {"name": name, "revision": revision}
    world.gate = world.gate.from_json({**world.gate.to_json(), "status": {"run": current}})
    del world.runs["by-hand"]
    world.create_run(name)
    fail_run(world, name)
    action = world.runs[name].status.action
    assert action is not None
    assert (action.type, action.reason) == (ActionType.HOLD, "NoKnownGood")


def test_on_fail_hold_leaves_the_release_alone() -> None:
    world, name = next(released(actions={"onFail": "Hold"}))
    fail_run(world, name)
    deliver_final(world, name)
    assert world.template == template("2")
    assert world.runs[name].status.action.reason == "HoldAsked"  # type: ignore[union-attr]


def test_a_newer_revision_is_never_rolled_back(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    world.wait(17)
    world.load(name, BAD, BAD, failed=True)
    world.until(name, Phase.ACTING)
    world.roll_out(template("3"))
    world.settle(name)
    assert world.template == template("3")
    assert world.runs[name].status.action.reason == "NewRevision"  # type: ignore[union-attr]


def test_the_status_keeps_conditions_up_to_date(release: tuple[World, str]) -> None:
    world, name = release
    pass_run(world, name)
    conditions = {c.type: c for c in world.runs[name].status.conditions}
    assert {kind: c.status for kind, c in conditions.items()} == {
        "Ready": "True", "Reconciling": "False", "Stalled": "False", "Passed": "True",
    }  # fmt: skip
    assert conditions["Passed"].observed_generation == 1
    assert conditions["Passed"].reason == "ObjectivesMet"


def outcome(world: World) -> tuple[object, ...]:
    runs = tuple((n, r.status.phase, r.status.verdict, r.status.reason) for n, r in world.runs.items())
    good = tuple(sorted(s.name for s in world.snapshots.values() if s.known_good))
    return runs, good, world.template, world.patches, sorted(world.created), sorted(world.jobs)


def play(*, bad: bool, crash_at: int) -> tuple[World, int]:
    """One release from rollout to its end, the operator killed after status write number `crash_at`."""
    world = World(gate=gate())
    world.adopt()
    world.roll_out(template("2"))
    writes = 0
    for _ in range(60):
        world.wait(0.5)
        crash = writes == crash_at
        writes += world.step_gate(crash=crash)
        if world.gate is None or world.gate.status.run is None or not world.runs:
            continue
        name = world.active_run()
        status = world.runs[name].status
        if status.phase is Phase.STARTING and name in world.jobs:
            world.prepare(name)
        if status.phase is Phase.RUNNING and status.load is not None and name in world.jobs:
            world.now = (status.load.start_at or world.now) + timedelta(seconds=17 if bad else 71)
            end = None if bad else LoadEnd.COMPLETED
            world.load(name, *((BAD, BAD) if bad else (GOOD, GOOD)), failed=bad, final=end)
        if status.phase is Phase.ACTING and bad and name in world.evidence:
            world.load(name, BAD, BAD, failed=True, final=LoadEnd.STOPPED)
        crash = writes == crash_at
        writes += world.step_run(name, crash=crash)
    return world, writes


@pytest.mark.parametrize("bad", [False, True])
def test_killed_between_any_status_write_and_its_effects_the_outcome_is_the_same(*, bad: bool) -> None:
    undisturbed, writes = play(bad=bad, crash_at=-1)
    assert undisturbed.runs[undisturbed.active_run()].status.phase is Phase.COMPLETED
    assert writes > 8
    for crash_at in range(writes):
        disturbed, _ = play(bad=bad, crash_at=crash_at)
        assert outcome(disturbed) == outcome(undisturbed), f"killed after write {crash_at}"


def test_a_known_good_that_fails_is_not_rolled_back_to_itself(release: tuple[World, str]) -> None:
    world, name = release
    world.until(name, Phase.RUNNING)
    own = world.runs[name].status.snapshot
    assert own is not None
    world.snapshots[own] = replace(world.snapshots[own], known_good=True)
    fail_run(world, name)
    action = world.runs[name].status.action
    assert action is not None
    assert (action.type, action.reason) == (ActionType.HOLD, "KnownGoodFailed")
