"""Several workers play one load: one start, one verdict, and the fault of one is told by its name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from devperfops_operator.api.perfrun import LoadStatus, Phase, Verdict
from devperfops_operator.domain.load_findings import achieved_rate, names
from devperfops_operator.domain.observed import Evidence, WorkerEvidence
from devperfops_operator.domain.plan import resolve_plan
from devperfops_operator.domain.run import final_stored, stop_wanted
from devperfops_operator.wire.measurement import JMeterState, LoadEnd
from tests.unit.domain.world import BAD, GOOD, START, World, gate, released


def load_of(workers: int, **jmeter: Any) -> dict[str, Any]:
    load = gate().to_json()["spec"]["load"]
    return {**load, "workers": workers, "jmeter": {**load["jmeter"], **jmeter}}


def loaded(workers: int = 4, **jmeter: Any) -> tuple[World, str]:
    """A release under load for 20 seconds."""
    world, name = next(released(load=load_of(workers, **jmeter)))
    world.until(name, Phase.RUNNING)
    world.wait(20)
    world.load(name, GOOD, GOOD)
    world.step_run(name)
    return world, name


def ended(workers: int = 4, **jmeter: Any) -> tuple[World, str]:
    world, name = loaded(workers, **jmeter)
    world.wait(51)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    return world, name


def outcome(world: World, name: str) -> tuple[Verdict | None, str | None]:
    return world.runs[name].status.verdict, world.runs[name].status.reason


def message(world: World, name: str) -> str:
    return world.runs[name].status.message or ""


# the start


@pytest.mark.parametrize("others", [(), (WorkerEvidence(index=1),)])
def test_nobody_begins_before_all_are_ready(others: tuple[WorkerEvidence, ...]) -> None:
    world, name = next(released(load=load_of(2)))
    world.until(name, Phase.STARTING)
    world.step_run(name)
    ready = WorkerEvidence(index=0, prepared=True, heard_at=world.now)
    world.evidence[name] = Evidence(workers=(ready, *others))
    world.step_run(name)
    assert world.runs[name].status.phase is Phase.STARTING
    world.prepare(name)
    world.step_run(name)
    assert world.runs[name].status.phase is Phase.RUNNING
    assert "50 threads on 2 workers" in world.runs[name].status.timeline[-1].message


def test_a_worker_that_was_ready_and_is_heard_no_more_is_waited_for() -> None:
    world, name = next(released(load=load_of(2)))
    world.until(name, Phase.STARTING)
    world.step_run(name)
    world.prepare(name)
    world.wait(8)
    world.change_worker(name, 1, heard_at=world.now)
    world.step_run(name)
    assert world.runs[name].status.phase is Phase.STARTING


def test_a_load_whose_job_has_failed_does_not_begin() -> None:
    world, name = next(released(load=load_of(2)))
    world.until(name, Phase.STARTING)
    world.step_run(name)
    world.prepare(name)
    evicted = "pod p-1 failed: Evicted: The node was low on resource: memory"
    world.jobs[name] = replace(world.jobs[name], finished=True, problem=evicted)
    world.settle(name)
    assert outcome(world, name) == (Verdict.ERROR, "StartTimeout")
    assert evicted in message(world, name)
    assert world.jobs == {}


# the end


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_one_plan_gives_one_verdict_however_many_play_it(workers: int) -> None:
    world, name = ended(workers)
    world.settle(name)
    assert outcome(world, name) == (Verdict.PASS, "ObjectivesMet")
    status = world.runs[name].status
    assert status.load is not None
    assert status.load.workers == len(status.workers) == workers
    assert sum(worker.judged_samples for worker in status.workers) == status.load.judged_samples
    assert sum("delivered" in entry.message for entry in status.timeline) == 1


def test_the_load_goes_on_until_the_last_worker_has_delivered() -> None:
    world, name = ended()
    world.change_worker(name, 2, final=None, jmeter=JMeterState.RUNNING)
    world.step_run(name)
    run = world.runs[name]
    assert run.status.phase is Phase.RUNNING
    assert [final_stored(run, index) for index in range(4)] == [True, True, False, True]
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    world.settle(name)
    assert outcome(world, name) == (Verdict.PASS, "ObjectivesMet")


def test_a_worker_that_never_delivers_is_named() -> None:
    world, name = ended()
    world.change_worker(name, 2, final=None)
    evicted = "pod p-2 failed: Evicted: The node was low on resource: memory"
    world.jobs[name] = replace(world.jobs[name], finished=True, problem=evicted)
    world.step_run(name)
    assert world.runs[name].status.phase is Phase.JUDGING
    assert stop_wanted(world.runs[name])
    world.wait(11)
    world.settle(name)
    assert outcome(world, name) == (Verdict.INCONCLUSIVE, "EvidenceLost")
    assert "worker 2 never delivered" in message(world, name)
    assert evicted in message(world, name)


def test_last_counts_that_come_late_complete_the_figures() -> None:
    world, name = ended()
    world.change_worker(name, 2, final=None, rows=0, judged_samples=0)
    world.jobs[name] = replace(world.jobs[name], finished=True)
    world.step_run(name)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    world.settle(name)
    assert outcome(world, name) == (Verdict.PASS, "ObjectivesMet")
    load = world.runs[name].status.load
    assert load is not None
    assert load.judged_samples == GOOD.samples


@pytest.mark.parametrize(
    ("changes", "reason", "says"),
    [
        ({"final": LoadEnd.DIED}, "JMeterDied", "JMeter of worker 1 ended before its test did"),
        ({"final": LoadEnd.STOPPED}, "Overran", "JMeter of worker 1 did not end by itself"),
        ({"truncated": True}, "JTLTruncated", "the last result of worker 1 is cut off"),
        ({"rows": 0}, "NoSamples", "JMeter of worker 1 wrote no sample at all"),
    ],
)
def test_the_fault_of_one_worker_is_enough(changes: dict[str, Any], reason: str, says: str) -> None:
    world, name = ended()
    whole = world.evidence[name].workers[1].final
    assert whole is not None
    final = replace(
        whole,
        end=changes.get("final", whole.end),
        rows=changes.get("rows", whole.rows),
        truncated=changes.get("truncated", False),
    )
    world.change_worker(name, 1, final=final)
    world.settle(name)
    world.wait(6)  # for the kubelet to say why
    world.settle(name)
    assert outcome(world, name) == (Verdict.INCONCLUSIVE, reason)
    assert says in message(world, name)


def test_a_worker_that_stops_halfway_is_found_though_the_others_go_on() -> None:
    world, name = loaded(rate=None)
    world.wait(15)
    whole = world.evidence[name]
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    early = replace(whole, workers=(*whole.workers[:3], world.evidence[name].workers[3]))
    world.evidence[name] = early
    world.step_run(name)
    world.wait(36)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    world.settle(name)
    assert outcome(world, name) == (Verdict.INCONCLUSIVE, "EndedEarly")
    assert "JMeter of worker 3 ended after 34 s of 70 s; the plan must run for Duration" in message(
        world, name
    )


def ran(world: World, name: str, *, first_sample_s: float, last_sample_s: float, ran_ms: int | None) -> None:
    """One worker's load as its log and its samples tell it; in seconds after the start."""
    world.until(name, Phase.RUNNING)
    begun = world.now
    seen = {"first_start": begun + timedelta(seconds=first_sample_s)}
    world.wait(first_sample_s)
    world.load(name, GOOD, GOOD)
    world.change_worker(name, 0, **seen)
    world.step_run(name)
    world.wait(last_sample_s - first_sample_s)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    final = world.evidence[name].workers[0].final
    assert final is not None
    world.change_worker(name, 0, **seen, final=replace(final, ran_ms=ran_ms))
    world.settle(name)


@pytest.mark.parametrize(("ran_ms", "reason"), [(70_300, "ObjectivesMet"), (None, "EndedEarly")])
def test_a_jmeter_that_begins_slowly_has_run_for_its_duration(ran_ms: int | None, reason: str) -> None:
    """It counts its duration from before its first sample."""
    world, name = next(released(load=load_of(1)))
    ran(world, name, first_sample_s=8, last_sample_s=70, ran_ms=ran_ms)
    assert outcome(world, name)[1] == reason


@pytest.mark.parametrize(("ran_ms", "reason"), [(67_200, "ObjectivesMet"), (66_800, "EndedEarly")])
def test_a_plan_that_ends_by_itself_before_its_duration_is_found(ran_ms: int, reason: str) -> None:
    world, name = next(released(load=load_of(1, rate=None)))
    ran(world, name, first_sample_s=1, last_sample_s=60, ran_ms=ran_ms)
    assert outcome(world, name)[1] == reason


def test_a_rare_load_may_end_with_a_pause() -> None:
    """A timer that finds its next sample after Duration ends the test at the last one."""
    world, name = next(released(load=load_of(1, rate="120/m")))
    ran(world, name, first_sample_s=0, last_sample_s=62, ran_ms=62_000)
    assert outcome(world, name)[1] == "ObjectivesMet"


def test_a_failed_load_is_stopped_on_every_worker() -> None:
    world, name = loaded()
    world.load(name, BAD, BAD, failed=True)
    world.until(name, Phase.ACTING)
    world.load(name, BAD, BAD, failed=True, final=LoadEnd.STOPPED)
    world.change_worker(name, 3, final=None, jmeter=JMeterState.RUNNING)
    world.settle(name)
    assert world.runs[name].status.phase is Phase.ACTING
    assert world.patches, "the rollback does not wait"
    world.wait(11)
    world.settle(name)
    assert world.jobs[name].suspended
    world.load(name, BAD, BAD, failed=True, final=LoadEnd.STOPPED)
    world.settle(name)
    assert world.runs[name].status.phase is Phase.COMPLETED
    assert len(world.runs[name].status.workers) == 4


# a common start


@pytest.mark.parametrize(("seconds", "reason"), [(4.9, "ObjectivesMet"), (5.5, "StartSkew")])
def test_workers_that_begin_apart_prove_nothing(seconds: float, reason: str) -> None:
    world, name = ended()
    first = world.evidence[name].workers[0].first_start
    assert first is not None
    world.change_worker(name, 2, first_start=first + timedelta(seconds=seconds))
    world.settle(name)
    assert outcome(world, name)[1] == reason
    if reason == "StartSkew":
        assert outcome(world, name)[0] is Verdict.INCONCLUSIVE
        assert "worker 2 wrote its first sample 5.5 s after worker 0, by the clocks" in message(world, name)


def test_clocks_that_differ_are_told_from_a_start_that_does() -> None:
    world, name = ended()
    ahead, seen = timedelta(seconds=7), world.evidence[name].workers[2]
    assert seen.first_start is not None
    assert seen.last_end is not None
    world.change_worker(name, 2, first_start=seen.first_start + ahead, last_end=seen.last_end + ahead)
    world.settle(name)
    assert outcome(world, name) == (Verdict.INCONCLUSIVE, "StartSkew")
    assert "the clock of worker 2's node is about 7 s ahead of that of worker 0's" in message(world, name)


def test_a_start_that_is_stored_is_still_known_after_a_restart() -> None:
    world, name = ended()
    first = world.evidence[name].workers[0].first_start
    assert first is not None
    world.change_worker(name, 2, first_start=first + timedelta(seconds=7))
    world.step_run(name)
    starts = [worker.first_start for worker in world.runs[name].status.workers]
    assert starts == [first, first, first + timedelta(seconds=7), first]


def test_a_fail_stands_however_the_workers_began() -> None:
    world, name = loaded()
    world.load(name, BAD, BAD, failed=True)
    world.change_worker(name, 2, first_start=world.now)
    world.settle(name)
    assert outcome(world, name) == (Verdict.FAIL, "ObjectiveFailed")


def test_a_rare_load_may_begin_with_a_pause() -> None:
    """At 4 samples a minute on each of 4 workers, a first one after 8 seconds is nothing special."""
    world, name = ended(rate="16/m")
    first = world.evidence[name].workers[0].first_start
    assert first is not None
    world.change_worker(name, 2, first_start=first + timedelta(seconds=8))
    world.settle(name)
    assert outcome(world, name)[1] == "ObjectivesMet"


# the rate


def rate_of(*workers: tuple[float, float, int]) -> float:
    """Of workers given as (first start, last end, judged samples), in seconds after START."""
    seen = (
        WorkerEvidence(
            index=index,
            first_start=START + timedelta(seconds=first),
            last_end=START + timedelta(seconds=last),
            judged_samples=judged,
        )
        for index, (first, last, judged) in enumerate(workers)
    )
    load = LoadStatus(threads=50, workers=len(workers), judged_from=START + timedelta(seconds=10))
    rate = achieved_rate(resolve_plan(gate().spec), Evidence(workers=tuple(seen)), load)
    assert rate is not None
    return float(rate)


def test_workers_that_begin_apart_a_little_have_the_rate_they_play() -> None:
    assert rate_of((0, 70, 3000)) == 3000
    assert rate_of((0, 70, 1500), (0, 70, 1500)) == 3000
    assert rate_of((0, 70, 1500), (4, 74, 1500)) == 3000


def test_a_worker_that_ends_early_has_missed_the_rest_of_its_window() -> None:
    assert rate_of((0, 70, 1500), (0, 40, 750)) == 2250


@pytest.mark.parametrize(
    ("workers", "said"), [([0], "worker 0"), ([2, 0], "workers 2 and 0"), ([0, 1, 5], "workers 0, 1 and 5")]
)
def test_workers_are_named(workers: list[int], said: str) -> None:
    assert names(workers) == said
