"""A target that restarts, shrinks or is not alone under test: what was measured is not the release."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devperfops_operator.api.perfrun import MAX_PODS, Phase, PodStatus, TargetStatus, Verdict
from devperfops_operator.domain.inputs import service_name
from devperfops_operator.domain.observed import TargetPod, TargetPods
from devperfops_operator.domain.run.steps import told
from devperfops_operator.domain.verdict import Reason
from devperfops_operator.wire.measurement import LoadEnd
from tests.unit.domain.world import BAD, GOOD, World, gate, released

STEADY = TargetPods(pods=(TargetPod("app-1", restarts=3), TargetPod("app-2")), service="front-end")
OOM = {"restarts": 1, "container": "app", "ended": "OOMKilled, exit code 137"}


def loaded(pods: TargetPods = STEADY) -> tuple[World, str]:
    """A release under load; half of the judged time is over."""
    world, name = next(released())
    world.until(name, Phase.RUNNING)
    world.target_pods = pods
    world.load(name, GOOD, GOOD)
    world.step_run(name)
    world.wait(40)
    world.load(name, GOOD, GOOD)
    world.step_run(name)
    return world, name


def ended(world: World, name: str) -> tuple[Verdict | None, str | None]:
    world.wait(31)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    world.settle(name)
    return world.runs[name].status.verdict, world.runs[name].status.reason


def message(world: World, name: str) -> str:
    return world.runs[name].status.message or ""


def with_second(**changes: Any) -> TargetPods:
    first, second = STEADY.pods
    return replace(STEADY, pods=(first, replace(second, **changes)))


def test_a_target_that_stays_what_it_is_passes_and_old_restarts_do_not_count() -> None:
    world, name = loaded()
    assert ended(world, name) == (Verdict.PASS, "ObjectivesMet")


def test_a_container_that_ran_out_of_memory_under_load_is_named_with_what_to_look_at() -> None:
    world, name = loaded()
    world.target_pods = with_second(**OOM)
    assert ended(world, name) == (Verdict.INCONCLUSIVE, "TargetRestarted")
    assert "container app of pod app-2 restarted (OOMKilled, exit code 137)" in message(world, name)
    assert "kubectl logs --previous app-2" in message(world, name)
    assert "memory limit" in message(world, name)
    assert world.patches == []
    assert not world.snapshot_of(name).known_good


def test_a_pod_that_came_under_load_and_restarted_counts_as_well() -> None:
    world, name = loaded()
    world.target_pods = replace(STEADY, pods=(*STEADY.pods, TargetPod("app-3", **OOM)))
    assert ended(world, name) == (Verdict.INCONCLUSIVE, "TargetRestarted")


def test_a_release_that_broke_an_objective_fails_whatever_restarted() -> None:
    world, name = loaded()
    world.target_pods = with_second(**OOM)
    world.load(name, BAD, BAD, failed=True)
    world.settle(name)
    assert world.runs[name].status.reason == "ObjectiveFailed"


def test_of_very_many_pods_only_those_noted_at_first_are_compared() -> None:
    many = tuple(TargetPod(f"app-{index:03}") for index in range(MAX_PODS + 1))
    world, name = loaded(TargetPods(many))
    world.target_pods = TargetPods((*many[:-1], replace(many[-1], **OOM)))
    assert ended(world, name) == (Verdict.PASS, "ObjectivesMet")


def test_other_pods_behind_the_service_end_the_load_at_once() -> None:
    world, name = next(released())
    world.until(name, Phase.RUNNING)
    world.target_pods = replace(STEADY, strangers=("old-1 of ReplicaSet old", "b", "c", "d"))
    world.step_run(name)
    status = world.runs[name].status
    assert (status.phase, status.verdict, status.reason) == (
        Phase.ACTING,
        Verdict.INCONCLUSIVE,
        "WrongRevision",
    )
    told_of = "requests to Service front-end are also answered by old-1 of ReplicaSet old, b, c and 1 more"
    assert told_of in message(world, name)
    assert status.revision is not None
    assert status.revision in message(world, name)


def test_other_pods_that_came_later_are_found_at_the_end() -> None:
    world, name = loaded()
    world.target_pods = replace(STEADY, strangers=("old-1 of ReplicaSet old",))
    assert ended(world, name) == (Verdict.INCONCLUSIVE, "WrongRevision")


def test_pods_that_may_not_be_read_are_no_pass() -> None:
    world, name = loaded()
    world.target_pods = TargetPods(unread="403: pods is forbidden")
    assert ended(world, name) == (Verdict.INCONCLUSIVE, "TargetUnseen")
    assert "403: pods is forbidden" in message(world, name)


@pytest.mark.parametrize(
    ("seconds", "reason"), [(2, "ObjectivesMet"), (10, "TargetScaledIn")], ids=["a moment", "long"]
)
def test_fewer_ready_pods_are_forgiven_for_a_twentieth_of_the_judged_time(seconds: int, reason: str) -> None:
    world, name = loaded()
    world.ready_replicas = 1
    world.step_run(name)
    world.wait(seconds)
    world.ready_replicas = 2
    world.step_run(name)
    assert ended(world, name)[1] == reason
    if reason == "TargetScaledIn":
        assert "down to 1 of 2 pods were ready for 10 s" in message(world, name)


def test_an_evicted_pod_is_told_in_the_words_of_who_took_it_though_another_took_its_place() -> None:
    world, name = loaded()
    world.ready_replicas = 1
    world.step_run(name)
    world.wait(1)
    world.ready_replicas = 2
    world.step_run(name)
    world.target_pods = TargetPods(
        pods=(STEADY.pods[0], TargetPod("app-3")), taken_away={"app-2": "Evicted: low on memory"}
    )
    assert ended(world, name) == (Verdict.INCONCLUSIVE, "TargetScaledIn")
    assert "gone since: app-2 (Evicted: low on memory)" in message(world, name)


def test_an_autoscaler_may_add_pods_and_take_them_away_again() -> None:
    world, name = loaded()
    for ready in (4, 2):
        world.ready_replicas = ready
        world.step_run(name)
    world.target_pods = TargetPods(pods=(STEADY.pods[0], TargetPod("app-9")))
    assert ended(world, name) == (Verdict.PASS, "ObjectivesMet")


def test_what_was_there_when_judging_began_counts_and_not_what_there_was_before() -> None:
    world, name = next(released())
    world.until(name, Phase.RUNNING)
    world.target_pods, world.ready_replicas = STEADY, 1
    world.load(name, GOOD, GOOD)
    world.step_run(name)
    world.ready_replicas = 5
    world.step_run(name)
    world.wait(40)
    world.load(name, GOOD, GOOD)
    world.ready_replicas = 3
    world.step_run(name)
    assert ended(world, name) == (Verdict.INCONCLUSIVE, "TargetScaledIn")
    assert "down to 3 of 5 pods" in message(world, name)


def test_an_operator_that_was_away_for_all_of_the_load_claims_nothing_of_what_it_did_not_see() -> None:
    world, name = next(released())
    world.until(name, Phase.RUNNING)
    world.wait(71)
    world.load(name, GOOD, GOOD, final=LoadEnd.COMPLETED)
    world.step_run(name)
    world.target_pods = with_second(**OOM)
    world.settle(name)
    assert world.runs[name].status.reason == "ObjectivesMet"


def test_what_was_found_at_first_and_at_the_end_is_found_once() -> None:
    world, name = loaded()
    world.target_pods = with_second(**OOM)
    ended(world, name)
    status = world.runs[name].status
    assert status.target is not None
    assert [finding.reason for finding in status.target.findings] == ["TargetRestarted"]
    assert told(status, Reason.TARGET_RESTARTED) is not None


@pytest.mark.parametrize(
    ("host", "service"),
    [
        (None, "front-end"),
        ("canary", "canary"),
        ("canary.shop", "canary"),
        ("canary.shop.svc.cluster.local", "canary"),
        ("canary.other.svc", None),
        ("www.example.com", None),
    ],
)
def test_the_service_is_known_where_the_host_is_one_of_the_gates_namespace(
    host: str | None, service: str | None
) -> None:
    load = gate().to_json()["spec"]["load"]
    assert service_name(gate(load={**load, "target": {"host": host}} if host else load)) == service


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), max_size=12))
def test_the_time_with_fewer_pods_is_the_sum_of_all_such_times(ready: list[tuple[int, int]]) -> None:
    world, name = loaded()
    short = 0
    for count, seconds in ready:
        world.ready_replicas = count
        world.step_run(name)
        world.wait(seconds)
        short += seconds if count < 2 else 0
    world.ready_replicas = 2
    world.step_run(name)
    target = world.runs[name].status.target
    if world.runs[name].status.phase is Phase.RUNNING:
        assert target == TargetStatus(
            pods=tuple(PodStatus(name=pod.name, restarts=pod.restarts) for pod in STEADY.pods),
            replicas=2,
            fewest=min([2, *(count for count, _ in ready)]),
            short_ms=short * 1000,
        )
