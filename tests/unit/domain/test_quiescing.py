"""What a reset scales to zero comes back, whatever happens; a volume is replaced in the meantime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from devperfops_operator.api.data import WorkloadKind
from devperfops_operator.api.perfrun import Phase, Verdict
from devperfops_operator.domain.manifests.common import FINALIZER, RESET_LABEL
from devperfops_operator.domain.manifests.data_job import data_job_name
from devperfops_operator.domain.manifests.quiesced import (
    read_claim,
    read_workload,
    restore_size,
    snapshot_problem,
)
from devperfops_operator.domain.observed import SeenVolume, SeenWorkload
from tests.unit.domain.world import World, released, template

QUIESCE = [{"name": "orders"}, {"kind": "StatefulSet", "name": "worker"}]
JOB: dict[str, Any] = {"job": {"image": "shop-data:7"}, "quiesce": QUIESCE}
VOLUME: dict[str, Any] = {"volumeSnapshot": {"snapshot": "golden", "claim": "data"}, "quiesce": QUIESCE}
CLAIM = {
    "metadata": {"name": "data", "uid": "old", "labels": {RESET_LABEL: "true", "app": "shop"}},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "volumeMode": "Filesystem",
        "resources": {"requests": {"storage": "8Gi"}},
    },
    "status": {"phase": "Bound"},
}


def workload(kind: WorkloadKind, name: str, replicas: int, **how: Any) -> SeenWorkload:
    return SeenWorkload(
        kind, name, "7", replicas, **{"pods": replicas, "ready": True, "may_be_reset": True, **how}
    )


def begun(data: dict[str, Any]) -> tuple[World, str]:
    world, name = next(released(data=data))
    world.workloads = {
        "orders": workload(WorkloadKind.DEPLOYMENT, "orders", 3),
        "worker": workload(WorkloadKind.STATEFUL_SET, "worker", 2),
    }
    world.volume = SeenVolume(read_claim(CLAIM, (), "golden")) if "volumeSnapshot" in data else None
    world.until(name, Phase.RESETTING_DATA)
    return world, name


def replicas(world: World) -> list[int]:
    return [each.replicas for each in world.workloads.values()]


def steps(world: World, name: str, count: int) -> None:
    for _ in range(count):
        world.wait(2)
        world.step_run(name)


def end_job(world: World, name: str, *, succeeded: bool = True) -> None:
    job = data_job_name(name)
    problem = None if succeeded else "no golden copy"
    world.jobs[job] = replace(world.jobs[job], finished=True, succeeded=succeeded, problem=problem)


def outcome(world: World, name: str) -> tuple[Phase, Verdict | None, str | None]:
    status = world.runs[name].status
    return status.phase, status.verdict, status.reason


def said(world: World, name: str) -> str:
    return world.runs[name].status.message or ""


def test_numbers_are_stored_and_the_run_is_held_before_anything_is_scaled() -> None:
    world, name = begun(JOB)
    world.step_run(name)
    assert world.runs[name].metadata.finalizers == (FINALIZER,)
    assert replicas(world) == [3, 2]
    world.step_run(name)
    owed = world.runs[name].status.reset
    assert owed is not None
    assert [(str(each), each.replicas) for each in owed.workloads] == [
        ("Deployment orders", 3),
        ("StatefulSet worker", 2),
    ]
    assert replicas(world) == [3, 2]
    world.step_run(name)
    assert replicas(world) == [0, 0]


def test_the_reset_waits_for_the_last_pod_and_the_load_for_the_first() -> None:
    world, name = begun(JOB)
    steps(world, name, 3)
    world.workloads["worker"] = replace(world.workloads["worker"], pods=1)
    steps(world, name, 3)
    assert world.jobs == {}
    world.workloads["worker"] = replace(world.workloads["worker"], pods=0, ready=False)
    steps(world, name, 1)
    end_job(world, name)
    steps(world, name, 3)
    assert (replicas(world), world.runs[name].status.phase) == ([3, 2], Phase.RESETTING_DATA)
    del world.jobs[data_job_name(name)]  # some time after its end
    steps(world, name, 2)
    assert world.jobs == {}
    world.workloads["worker"] = replace(world.workloads["worker"], ready=True)
    world.until(name, Phase.STARTING)
    status = world.runs[name].status
    assert status.reset is None
    line = next(entry.message for entry in status.timeline if entry.reason == "DataReset")
    assert (
        line
        == "the data are reset, Deployment orders, StatefulSet worker scaled back, and the target is ready"
    )
    world.step_run(name)
    assert world.runs[name].metadata.finalizers == ()


def test_what_somebody_scales_up_meanwhile_is_scaled_down_again_until_the_time_is_over() -> None:
    world, name = begun(JOB)
    steps(world, name, 3)
    world.workloads["orders"] = replace(world.workloads["orders"], replicas=1, pods=1)
    steps(world, name, 1)
    assert replicas(world) == [0, 0]
    world.workloads["orders"] = replace(world.workloads["orders"], replicas=4, pods=4)
    world.wait(601)
    world.settle(name)
    assert outcome(world, name) == (Phase.COMPLETED, Verdict.ERROR, "DataResetFailed")
    assert "somebody scales Deployment orders up again, to 4" in said(world, name)
    assert replicas(world) == [4, 2]


def test_a_pod_that_does_not_end_is_told() -> None:
    world, name = begun(JOB)
    steps(world, name, 3)
    world.workloads["orders"] = replace(world.workloads["orders"], pods=2)
    world.wait(601)
    world.settle(name)
    assert "2 pods of Deployment orders have not ended" in said(world, name)
    assert replicas(world) == [3, 2]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"may_be_reset": False}, "label it devperfops.io/may-be-reset=true"),
        ({"replicas": 0}, "StatefulSet worker of spec.data.quiesce has 0 replicas already"),
        ({"drops_claims": True}, "StatefulSet worker of spec.data.quiesce would lose its volumes"),
        ({"missing": True}, "StatefulSet worker of spec.data.quiesce does not exist"),
        (
            {"unread": "statefulsets is forbidden"},
            "cannot be read: statefulsets is forbidden; the operator has this right",
        ),
    ],
)
def test_nothing_is_scaled_if_one_of_them_must_not_be(changes: dict[str, Any], words: str) -> None:
    world, name = begun(JOB)
    world.workloads["worker"] = replace(world.workloads["worker"], **changes)
    world.settle(name)
    assert outcome(world, name) == (Phase.COMPLETED, Verdict.ERROR, "DataResetFailed")
    assert words in said(world, name)
    assert (world.scaled, world.jobs, world.runs[name].metadata.finalizers) == ([], {}, ())


@pytest.mark.parametrize("key", ["HoldRun", "Scale/Deployment/orders"])
def test_a_missing_right_is_told_with_what_gives_it(key: str) -> None:
    world, name = begun(JOB)
    world.refused[key] = "deployments/scale is forbidden"
    for _ in range(8):
        world.settle(name)
    assert outcome(world, name) == (Phase.COMPLETED, Verdict.ERROR, "DataResetFailed")
    assert "is forbidden; the operator has this right with deploy/kustomize/components/quiesce" in said(
        world, name
    )
    assert replicas(world) == [3, 2]


def test_what_cannot_be_given_back_is_tried_again_and_keeps_its_environment() -> None:
    world, name = begun(JOB)
    steps(world, name, 4)
    end_job(world, name, succeeded=False)
    world.refused["Scale/Deployment/orders"] = "forbidden"
    for _ in range(10):
        steps(world, name, 3)
    assert outcome(world, name) == (Phase.COMPLETED, Verdict.ERROR, "DataResetFailed")
    owed = world.runs[name].status.reset
    assert owed is not None
    assert owed.problem == "forbidden"
    assert world.runs[name].metadata.finalizers == (FINALIZER,)
    world.create_run("by-hand")
    steps(world, "by-hand", 4)
    assert world.told("by-hand") == ["Accepted", "Queued"]
    del world.refused["Scale/Deployment/orders"]
    world.failures.clear()
    steps(world, name, 8)
    assert replicas(world) == [3, 2]
    assert world.runs[name].status.reset is None
    assert world.runs[name].metadata.finalizers == ()


def test_an_autoscaler_that_knows_better_by_now_is_left_alone() -> None:
    world, name = begun(JOB)
    steps(world, name, 4)
    end_job(world, name)
    steps(world, name, 2)
    world.workloads["orders"] = replace(world.workloads["orders"], replicas=5, pods=5)
    world.until(name, Phase.STARTING)
    assert replicas(world) == [5, 2]


def cancel(world: World, name: str) -> None:
    run = world.runs[name]
    world.runs[name] = run.model_copy(update={"spec": run.spec.model_copy(update={"cancel": True})})


def delete(world: World, name: str) -> None:
    run = world.runs[name]
    if FINALIZER not in run.metadata.finalizers:
        del world.runs[name]
        return
    metadata = run.metadata.model_copy(update={"deletion_timestamp": world.now})
    world.runs[name] = run.model_copy(update={"metadata": metadata})


def delete_gate(world: World, name: str) -> None:
    delete(world, name)
    world.gate = None


def roll_out(world: World, _: str) -> None:
    world.roll_out(template("3"))


def leave_out(world: World, _: str) -> None:
    world.edit_gate(data={"job": {"image": "shop-data:7"}})


def delete_target(world: World, _: str) -> None:
    world.target_exists = False


def fail(world: World, name: str) -> None:
    if data_job_name(name) in world.jobs:
        end_job(world, name, succeeded=False)
    elif world.volume is not None:
        world.volume = replace(world.volume, snapshot_problem="VolumeSnapshot golden is not ready to use")
        world.wait(601)


def nothing(_: World, __: str) -> None:
    pass


ENDS = [nothing, cancel, delete, delete_gate, roll_out, leave_out, delete_target, fail]


@pytest.mark.parametrize("data", [JOB, VOLUME], ids=["job", "volume"])
@pytest.mark.parametrize("happens", ENDS, ids=lambda each: each.__name__)
def test_killed_anywhere_and_ended_anyhow_all_is_back(
    happens: Callable[[World, str], None], data: dict[str, Any]
) -> None:
    """At each step something happens, and the operator is killed between one status and its effects."""
    for at in range(9):
        for killed in range(at - 1, at + 2):
            world, name = begun(data)
            for number in range(30):
                if number == at:
                    happens(world, name)
                if name not in world.runs:
                    break
                job = data_job_name(name)
                if number > at and job in world.jobs and not world.jobs[job].finished:
                    end_job(world, name)
                world.wait(2)
                world.step_run(name, crash=number == killed)
            where = f"{happens.__name__} at step {at}, killed at {killed}"
            assert replicas(world) == [3, 2], where
            assert data is JOB or (world.volume is not None and world.volume.claim is not None), where
            if name in world.runs:
                assert world.runs[name].status.reset is None, where
                assert world.runs[name].metadata.finalizers == (), where
                assert world.runs[name].metadata.deletion_timestamp is None, where


# volumes


def test_a_claim_is_replaced_by_one_of_its_name_from_the_snapshot() -> None:
    world, name = begun(VOLUME)
    world.until(name, Phase.STARTING)
    assert world.volume is not None
    claim = world.volume.claim
    assert claim is not None
    assert (claim.uid != "old", claim.snapshot, claim.may_be_reset) == (True, "golden", True)
    assert claim.as_status.model_copy(update={"uid": "old"}) == read_claim(CLAIM, (), "golden").as_status
    assert world.jobs == {}
    assert world.scaled == ["orders=0", "worker=0", "orders=3", "worker=2"]


def test_the_load_waits_for_a_claim_that_is_bound() -> None:
    world, name = begun(VOLUME)
    steps(world, name, 7)
    assert world.volume is not None
    assert world.volume.claim is not None
    bound = world.volume.claim
    assert bound.uid != "old"
    world.volume = replace(world.volume, claim=replace(bound, bound=False))
    steps(world, name, 5)
    assert (world.runs[name].status.phase, replicas(world)) == (Phase.RESETTING_DATA, [3, 2])
    world.volume = replace(world.volume, claim=bound)
    world.until(name, Phase.STARTING)


def test_a_claim_that_never_gets_a_volume_is_told() -> None:
    world, name = begun(VOLUME)
    steps(world, name, 7)
    assert world.volume is not None
    assert world.volume.claim is not None
    world.volume = replace(world.volume, claim=replace(world.volume.claim, bound=False))
    world.workloads["worker"] = replace(world.workloads["worker"], ready=False)
    world.wait(1200)
    world.settle(name)
    assert outcome(world, name) == (Phase.COMPLETED, Verdict.ERROR, "DataResetFailed")
    assert (
        "no volume is bound to the new PersistentVolumeClaim data, made from VolumeSnapshot golden"
        in said(world, name)
    )


@pytest.mark.parametrize(
    ("least", "storage"), [("0", "8Gi"), ("8Gi", "8Gi"), ("8193Mi", "8193Mi"), ("10737418240", "10737418240")]
)
def test_the_new_volume_has_room_for_the_snapshot(least: str, storage: str) -> None:
    """A storage that rounds sizes up makes no volume of the size that was asked for before."""
    assert read_claim(CLAIM, (), "golden", least).as_status.storage == storage
    assert restore_size({"status": {"restoreSize": least}}) == least
    assert restore_size({"status": {}}) == restore_size({}) == restore_size(None) == "0"


def without_label(world: World) -> None:
    stored = {**CLAIM, "metadata": {**CLAIM["metadata"], "labels": {}}}  # type: ignore[dict-item]
    world.volume = SeenVolume(read_claim(stored, (), "golden"))


def without_claim(world: World) -> None:
    world.volume = SeenVolume()


def unreadable(world: World) -> None:
    world.volume = SeenVolume(unread="persistentvolumeclaims is forbidden")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without_label, "is not marked as one that may be reset, so it is left alone"),
        (without_claim, "there is no PersistentVolumeClaim data"),
        (unreadable, "persistentvolumeclaims is forbidden"),
    ],
)
def test_a_claim_that_must_not_be_replaced_is_left_alone(change: Callable[[World], None], words: str) -> None:
    world, name = begun(VOLUME)
    change(world)
    before = world.volume
    world.settle(name)
    assert outcome(world, name) == (Phase.COMPLETED, Verdict.ERROR, "DataResetFailed")
    assert words in said(world, name)
    assert (world.volume, world.scaled) == (before, [])


def user(phase: str) -> dict[str, Any]:
    volumes = [{"persistentVolumeClaim": {"claimName": "data"}}]
    return {"metadata": {"name": "backup-1"}, "spec": {"volumes": volumes}, "status": {"phase": phase}}


@pytest.mark.parametrize("phase", ["Pending", "Running", "Succeeded", "Failed"])
def test_a_claim_that_a_pod_still_uses_or_has_used_is_waited_for(phase: str) -> None:
    """A deleted claim is kept while such a pod is there, and who has deleted it cannot take it back."""
    world, name = begun(VOLUME)
    pod = user(phase)
    world.volume = SeenVolume(read_claim(CLAIM, (pod,), "golden"))
    world.wait(590)
    steps(world, name, 4)
    assert world.volume.claim is not None
    assert world.volume.claim.uid == "old"
    world.wait(30)
    world.settle(name)
    assert "pod backup-1 uses claim data" in said(world, name)
    assert "delete the pod if it has ended" in said(world, name)
    assert replicas(world) == [3, 2]


def test_who_keeps_a_deleted_claim_is_told_while_all_waits_for_it() -> None:
    world, name = begun(VOLUME)
    steps(world, name, 4)
    deleted = {**CLAIM, "metadata": {**CLAIM["metadata"], "deletionTimestamp": "now"}}  # type: ignore[dict-item]
    world.volume = SeenVolume(read_claim(deleted, (user("Running"),), "golden"))
    world.wait(601)
    steps(world, name, 8)
    assert outcome(world, name) == (Phase.COMPLETED, Verdict.ERROR, "DataResetFailed")
    assert "pod backup-1 uses claim data" in said(world, name)
    owed = world.runs[name].status.reset
    assert owed is not None
    assert "pod backup-1 uses claim data" in (owed.problem or "")
    world.volume = SeenVolume()
    steps(world, name, 4)
    assert replicas(world) == [3, 2]
    assert world.volume.claim is not None


def test_a_quota_that_counts_the_old_claim_for_a_moment_costs_a_moment() -> None:
    world, name = begun(VOLUME)
    world.refused["CreateClaim"] = "exceeded quota: one"
    steps(world, name, 9)
    assert (world.runs[name].status.phase, replicas(world)) == (Phase.RESETTING_DATA, [0, 0])
    del world.refused["CreateClaim"]
    world.until(name, Phase.STARTING)
    assert replicas(world) == [3, 2]


def test_a_claim_that_may_not_be_made_is_told_and_tried_until_it_may() -> None:
    world, name = begun(VOLUME)
    world.refused["CreateClaim"] = "exceeded quota: one"
    steps(world, name, 9)
    world.wait(601)
    steps(world, name, 9)
    assert outcome(world, name) == (Phase.COMPLETED, Verdict.ERROR, "DataResetFailed")
    assert "the new PersistentVolumeClaim data is refused: exceeded quota: one" in said(world, name)
    assert replicas(world) == [0, 0]
    del world.refused["CreateClaim"]
    world.wait(10)
    steps(world, name, 9)
    assert replicas(world) == [3, 2]


def test_a_snapshot_that_is_not_ready_costs_nothing() -> None:
    world, name = begun(VOLUME)
    assert world.volume is not None
    world.volume = replace(world.volume, snapshot_problem="there is no VolumeSnapshot golden")
    steps(world, name, 5)
    world.wait(601)
    world.settle(name)
    assert "there is no VolumeSnapshot golden" in said(world, name)
    assert world.volume.claim is not None
    assert (world.volume.claim.uid, replicas(world)) == ("old", [3, 2])


def test_what_is_read_of_a_workload() -> None:
    stored = {
        "metadata": {"name": "db", "generation": 3, "resourceVersion": "9", "labels": {RESET_LABEL: "true"}},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 3, "readyReplicas": 2},
    }
    pods = [{"status": {"phase": phase}} for phase in ("Running", "Succeeded", "Failed", "Pending")]
    seen = read_workload(WorkloadKind.STATEFUL_SET, stored, pods)
    assert seen == SeenWorkload(WorkloadKind.STATEFUL_SET, "db", "9", 2, 2, ready=True, may_be_reset=True)
    loses = {"replicas": 2, "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}
    assert read_workload(WorkloadKind.STATEFUL_SET, {**stored, "spec": loses}, ()).drops_claims
    late = {**stored, "status": {"observedGeneration": 2, "readyReplicas": 2}}
    assert read_workload(WorkloadKind.STATEFUL_SET, late, ()).ready is False


def test_what_is_read_of_a_snapshot() -> None:
    assert snapshot_problem("golden", None) == "there is no VolumeSnapshot golden"
    failed = {"metadata": {}, "status": {"readyToUse": False, "error": {"message": "no space"}}}
    assert snapshot_problem("golden", failed) == "VolumeSnapshot golden is not ready to use: no space"
    assert snapshot_problem("golden", {"metadata": {}}) == "VolumeSnapshot golden is not ready to use"
    usable = {"metadata": {}, "status": {"readyToUse": True}}
    assert snapshot_problem("golden", usable) is None
    going = {**usable, "metadata": {"deletionTimestamp": "2026-11-29T07:00:00Z"}}
    assert snapshot_problem("golden", going) == "VolumeSnapshot golden is being deleted"
