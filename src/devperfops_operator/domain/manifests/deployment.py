"""Reading a Deployment: what is judged, and how far its own rollout is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from devperfops_operator.domain.manifests.git_owner import git_marks, git_owner
from devperfops_operator.domain.manifests.ownership import read_ownership
from devperfops_operator.domain.manifests.template import template_hash, without_restart
from devperfops_operator.domain.observed import Primary, Problem, Rollout, Target
from devperfops_operator.domain.revision import Revision

Raw = Mapping[str, Any]

_REVISION = "deployment.kubernetes.io/revision"
_CRASHES_FORGIVEN = 1


def trim(deployment: Raw) -> dict[str, Any]:
    """What we keep of a Deployment in memory."""
    metadata, spec = deployment["metadata"], deployment["spec"]
    kept = ("name", "namespace", "uid", "generation", "resourceVersion", "deletionTimestamp")
    annotations = metadata.get("annotations", {})
    numbered = {key: annotations[key] for key in (_REVISION,) if key in annotations}
    return {
        "kind": "Deployment",
        "metadata": {
            **{key: metadata[key] for key in kept if key in metadata},
            "annotations": {**numbered, **git_marks(annotations)},
            "labels": git_marks(metadata.get("labels")),
        },
        "spec": {key: spec[key] for key in ("paused", "replicas", "selector", "template") if key in spec},
        "status": deployment.get("status", {}),
    }


def read_target(
    deployment: Raw, *, revision: Revision, replica_sets: Sequence[Raw] = (), pods: Sequence[Raw] = ()
) -> Target:
    """`replica_sets` and `pods` of the Deployment are looked at only while its rollout is not complete."""
    metadata, spec, status = deployment["metadata"], deployment["spec"], deployment.get("status", {})
    wanted = spec.get("replicas", 1)
    return Target(
        name=metadata["name"],
        uid=metadata["uid"],
        generation=metadata["generation"],
        template=spec["template"],
        revision=revision.name,
        template_hash=revision.template_hash,
        template_identity=revision.template_identity,
        configs=revision.configs,
        rollout=_rollout(deployment, newest_pods(deployment, replica_sets, pods)),
        ready=0 < wanted <= status.get("readyReplicas", 0),
        ready_replicas=status.get("readyReplicas", 0),
        scaled_to_zero=wanted == 0,
        selector=spec["selector"],
        ownership=read_ownership(deployment),
        git_owner=git_owner(metadata),
    )


def read_primary(deployment: Raw, *, replica_sets: Sequence[Raw] = (), pods: Sequence[Raw] = ()) -> Primary:
    """`replica_sets` and `pods` as for `read_target`."""
    metadata, spec = deployment["metadata"], deployment["spec"]
    return Primary(
        name=metadata["name"],
        uid=metadata["uid"],
        selector=spec["selector"],
        template=spec["template"],
        template_hash=template_hash(without_restart(spec["template"])),
        rollout=_primary_rollout(deployment, newest_pods(deployment, replica_sets, pods)),
    )


def _primary_rollout(deployment: Raw, new_pods: Iterable[Raw]) -> Rollout:
    """Here nothing is to be judged: no pod wanted is complete, and one that is paused must be told."""
    rollout = _rollout(deployment, new_pods)
    if rollout.complete or rollout.problem is not None or not _seen(deployment):
        return rollout
    if deployment["spec"].get("replicas", 1) == 0:
        return Rollout(complete=True, message=rollout.message)
    if deployment["spec"].get("paused", False):
        return replace(rollout, problem=Problem("RolloutStalled", "the Deployment is paused"))
    return rollout


def rollout_complete(deployment: Raw) -> bool:
    """The controller has seen the latest spec and every pod there is runs it and is ready."""
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    counts = {status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas")}
    return bool(_seen(deployment) and wanted > 0 and counts == {wanted})


def _seen(deployment: Raw) -> bool:
    """By the Deployment's controller, as it is now: until then its status is about an earlier spec."""
    status = deployment.get("status", {})
    return bool(status.get("observedGeneration", 0) >= deployment["metadata"]["generation"])


def _rollout(deployment: Raw, new_pods: Iterable[Raw]) -> Rollout:
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    if rollout_complete(deployment):
        return Rollout(complete=True, message=f"{wanted} of {wanted} pods serve the revision")
    message = (
        "the Deployment is scaled to zero"
        if wanted == 0
        else f"{status.get('updatedReplicas', 0)} of {wanted} pods updated, "
        f"{status.get('readyReplicas', 0)} ready"
    )
    problem = (_deadline_exceeded(deployment) or _crash_loop(new_pods)) if _seen(deployment) else None
    return Rollout(complete=False, message=message, problem=problem)


def _deadline_exceeded(deployment: Raw) -> Problem | None:
    for condition in deployment.get("status", {}).get("conditions", []):
        if condition["type"] == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            return Problem("RolloutStalled", f"the rollout makes no progress: {condition.get('message', '')}")
    return None


def _crash_loop(pods: Iterable[Raw]) -> Problem | None:
    for pod in pods:
        status = pod.get("status", {})
        for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
            waiting = container.get("state", {}).get("waiting", {})
            crashes = container.get("restartCount", 0)
            if waiting.get("reason") == "CrashLoopBackOff" and crashes > _CRASHES_FORGIVEN:
                return Problem(
                    "RolloutStalled",
                    f"container {container['name']} of the new pod {pod['metadata']['name']} crashed "
                    f"{crashes} times (CrashLoopBackOff)",
                )
    return None


def pods_started(deployment: Raw, replica_sets: Sequence[Raw], pods: Sequence[Raw]) -> datetime | None:
    """When the first container of the pods that serve did, by the nodes' clocks, in whole seconds.

    None: not all the pods that are wanted have told it.
    """
    serving = [
        pod
        for pod in newest_pods(deployment, replica_sets, pods)
        if "deletionTimestamp" not in pod["metadata"]
    ]
    times = [min(_starts(pod), default=None) for pod in serving]
    known = [time for time in times if time is not None]
    return min(known) if known and len(known) == deployment["spec"].get("replicas", 1) else None


def _starts(pod: Raw) -> Iterator[datetime]:
    """Of the containers as they are, an init container that has ended included."""
    status = pod.get("status", {})
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        for state in container.get("state", {}).values():
            if state.get("startedAt"):
                yield datetime.fromisoformat(state["startedAt"])


def newest_pods(deployment: Raw, replica_sets: Sequence[Raw], pods: Sequence[Raw]) -> list[Raw]:
    """Those of the ReplicaSet that the Deployment calls its current one."""
    current = deployment["metadata"].get("annotations", {}).get(_REVISION)
    newest = {
        replica_set["metadata"]["uid"]
        for replica_set in replica_sets
        if replica_set["metadata"].get("annotations", {}).get(_REVISION) == current
    }
    return [pod for pod in pods if newest & {o["uid"] for o in pod["metadata"].get("ownerReferences", [])}]
