"""Faults of the nodes the load runs on: named, never a Pass, and never the release's fault."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from devperfops_operator.api.perfrun import Phase, Verdict
from devperfops_operator.domain.run import stop_wanted
from devperfops_operator.wire.measurement import Fault, LoadEnd
from tests.unit.domain.test_workers import ended, load_of, loaded, message, outcome
from tests.unit.domain.world import BAD, GOOD, World, released


@pytest.mark.parametrize("fault", Fault)
def test_a_load_whose_results_are_spoilt_ends_at_once(fault: Fault) -> None:
    world, name = loaded()
    world.change_worker(name, 2, fault=fault)
    world.step_run(name)
    assert world.runs[name].status.phase is Phase.ACTING
    assert outcome(world, name) == (Verdict.INCONCLUSIVE, fault.value)
    assert "worker 2" in message(world, name)
    assert stop_wanted(world.runs[name])

    world.load(name, GOOD, GOOD, final=LoadEnd.STOPPED)
    world.change_worker(name, 2, fault=fault)
    world.settle(name)
    status = world.runs[name].status
    assert status.phase is Phase.COMPLETED
    assert [worker.fault for worker in status.workers] == [None, None, fault, None]
    assert world.patches == []
    assert not world.snapshot_of(name).known_good


@pytest.mark.parametrize("fault", Fault)
def test_a_fault_told_with_the_last_counts_is_no_pass(fault: Fault) -> None:
    world, name = ended()
    world.change_worker(name, 3, fault=fault)
    world.settle(name)
    assert outcome(world, name) == (Verdict.INCONCLUSIVE, fault.value)


def test_results_that_are_not_written_are_no_sign_of_a_hanging_target() -> None:
    world, name = loaded()
    world.wait(40)
    for worker in range(4):
        world.change_worker(name, worker, heard_at=world.now, fault=Fault.DISK_FULL)
    world.settle(name)
    assert outcome(world, name) == (Verdict.INCONCLUSIVE, "DiskFull")


def test_what_failed_before_the_fault_stands() -> None:
    world, name = loaded()
    world.load(name, BAD, BAD, failed=True)
    world.change_worker(name, 0, fault=Fault.CLOCK_STEPPED)
    world.settle(name)
    assert outcome(world, name) == (Verdict.FAIL, "ObjectiveFailed")


def died(world: World, name: str) -> None:
    final = world.evidence[name].workers[1].final
    assert final is not None
    world.change_worker(name, 1, final=replace(final, end=LoadEnd.DIED))
    world.settle(name)


def test_a_jmeter_that_died_is_told_in_the_kubelets_words_which_may_come_a_little_later() -> None:
    world, name = ended()
    died(world, name)
    assert world.runs[name].status.phase is Phase.JUDGING
    why = "container jmeter of pod p ended with code 137: OOMKilled"
    world.jobs[name] = replace(world.jobs[name], problem=why)
    world.settle(name)
    assert outcome(world, name) == (Verdict.INCONCLUSIVE, "JMeterDied")
    assert message(world, name).endswith(f"({why})")


def test_a_jmeter_that_died_for_no_known_reason_is_not_waited_for_long() -> None:
    world, name = ended()
    died(world, name)
    world.wait(6)
    world.settle(name)
    assert outcome(world, name) == (Verdict.INCONCLUSIVE, "JMeterDied")


@pytest.mark.parametrize("ahead_s", [-3600, -30, 30, 3600])
def test_a_node_whose_clock_always_was_another_changes_nothing(ahead_s: int) -> None:
    world, name = shifted(ahead_s, seconds=71)
    assert outcome(world, name) == (Verdict.PASS, "ObjectivesMet")


@pytest.mark.parametrize("ahead_s", [-3600, -30, 0, 30, 3600])
def test_a_load_that_ends_early_is_found_whatever_its_nodes_clock_says(ahead_s: int) -> None:
    world, name = shifted(ahead_s, seconds=20)
    assert outcome(world, name) == (Verdict.INCONCLUSIVE, "EndedEarly")


def shifted(ahead_s: int, *, seconds: int) -> tuple[World, str]:
    """One worker, whose node's clock is ahead of ours; its load ends so long after it was first heard of."""
    ahead = timedelta(seconds=ahead_s)
    world, name = next(released(load=load_of(1, rate=None)))
    world.until(name, Phase.RUNNING)
    began = world.now
    world.load(name, GOOD, GOOD)
    world.change_worker(name, 0, first_start=began + ahead, last_end=world.now + ahead)
    world.step_run(name)
    world.wait(seconds)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    world.change_worker(name, 0, first_start=began + ahead, last_end=world.now + ahead)
    world.settle(name)
    return world, name
