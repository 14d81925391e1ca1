"""What is read of the pods under test."""

from __future__ import annotations

from typing import Any

from devperfops_operator.domain.manifests.target_pods import read_target_pods
from devperfops_operator.domain.observed import TargetPod

DEPLOYMENT = {
    "metadata": {"name": "app", "uid": "d", "annotations": {"deployment.kubernetes.io/revision": "2"}},
    "spec": {"selector": {"matchLabels": {"app": "app"}}},
}
READY = [{"type": "Ready", "status": "True"}]


def replica_set(name: str, revision: str, owner: str = "d") -> dict[str, Any]:
    annotations = {"deployment.kubernetes.io/revision": revision}
    owners = [{"kind": "Deployment", "name": owner, "uid": owner}]
    return {"metadata": {"name": name, "uid": name, "annotations": annotations, "ownerReferences": owners}}


def pod(name: str, of: str, metadata: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    owners = [{"kind": "ReplicaSet", "name": of, "uid": of}]
    return {
        "metadata": {"name": name, "uid": name, "ownerReferences": owners, **(metadata or {})},
        "status": {"phase": "Running", "conditions": READY, **status},
    }


SETS = [replica_set("old", "1"), replica_set("new", "2"), replica_set("primary", "2", owner="other")]


def test_pods_of_the_newest_replica_set_are_the_targets_and_the_rest_are_strangers() -> None:
    pods = [pod("n", "new"), pod("o", "old"), pod("p", "primary")]
    seen = read_target_pods(DEPLOYMENT, SETS, pods, service="app", served=pods)
    assert seen.pods == (TargetPod("n"),)
    assert seen.strangers == ("o of ReplicaSet old", "p of ReplicaSet primary")


def test_who_gets_no_requests_is_no_stranger() -> None:
    leaving = pod("o", "old", {"deletionTimestamp": "2026-11-28T12:00:00Z"})
    unready = pod("u", "old", conditions=[{"type": "Ready", "status": "False"}])
    assert read_target_pods(DEPLOYMENT, SETS, [], served=[leaving, unready]).strangers == ()


def test_restarts_of_all_containers_are_counted_and_the_last_end_is_told() -> None:
    ends = {"reason": "Error", "exitCode": 1, "finishedAt": "2026-11-28T12:00:00Z"}
    later = {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-11-28T12:00:09Z"}
    containers = [
        {"name": "app", "restartCount": 2, "state": {"running": {}}, "lastState": {"terminated": later}},
        {"name": "proxy", "restartCount": 1, "state": {"running": {}}, "lastState": {"terminated": ends}},
    ]
    seen = read_target_pods(DEPLOYMENT, SETS, [pod("n", "new", containerStatuses=containers)])
    assert seen.pods == (TargetPod("n", 3, "app", "OOMKilled, exit code 137"),)


def test_a_container_that_is_down_counts_before_it_is_started_again() -> None:
    ended = {"exitCode": 2, "finishedAt": "2026-11-28T12:00:00Z"}
    containers = [{"name": "app", "restartCount": 0, "state": {"terminated": ended}}]
    seen = read_target_pods(DEPLOYMENT, SETS, [pod("n", "new", containerStatuses=containers)])
    assert seen.pods == (TargetPod("n", 1, "app", "ended, exit code 2"),)


def test_pods_that_ended_or_leave_are_not_there_and_why_is_told_where_it_is_known() -> None:
    evicted = pod("e", "new", phase="Failed", reason="Evicted", message="low on memory")
    drained = [{"type": "DisruptionTarget", "status": "True", "message": "Eviction API: evicting"}]
    leaving = pod("l", "new", {"deletionTimestamp": "2026-11-28T12:00:00Z"}, conditions=drained)
    seen = read_target_pods(DEPLOYMENT, SETS, [evicted, leaving])
    assert seen.pods == ()
    assert seen.taken_away == {"e": "Evicted: low on memory", "l": "Eviction API: evicting"}
