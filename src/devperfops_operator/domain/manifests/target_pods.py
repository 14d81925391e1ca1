"""Reading the pods under test: of which revision, how often restarted, and who else gets requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devperfops_operator.domain.manifests.deployment import newest_pods
from devperfops_operator.domain.manifests.pod import disruption
from devperfops_operator.domain.observed import TargetPod, TargetPods

Raw = Mapping[str, Any]


def read_target_pods(
    deployment: Raw,
    replica_sets: Sequence[Raw],
    pods: Sequence[Raw],
    *,
    service: str = "",
    served: Sequence[Raw] = (),
) -> TargetPods:
    """`replica_sets` and `pods`: what the Deployment's selector matches; `served`: the Service's."""
    uid = deployment["metadata"]["uid"]
    own_sets = [each for each in replica_sets if uid in _owners(each)]
    own = newest_pods(deployment, own_sets, pods)
    ours = {pod["metadata"]["uid"] for pod in own}
    return TargetPods(
        pods=tuple(_target_pod(pod) for pod in own if _stays(pod)),
        taken_away={pod["metadata"]["name"]: why for pod in own if (why := _taken_away(pod))},
        strangers=tuple(
            _described(pod) for pod in served if pod["metadata"]["uid"] not in ours and _gets_requests(pod)
        ),
        service=service,
    )


def _owners(stored: Raw) -> set[str]:
    return {owner["uid"] for owner in stored["metadata"].get("ownerReferences", [])}


def _stays(pod: Raw) -> bool:
    ended = pod.get("status", {}).get("phase") in {"Failed", "Succeeded"}
    return not ended and "deletionTimestamp" not in pod["metadata"]


def _gets_requests(pod: Raw) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and _stays(pod)


def _described(pod: Raw) -> str:
    owners = [f"{owner['kind']} {owner['name']}" for owner in pod["metadata"].get("ownerReferences", [])]
    of = f" of {owners[0]}" if owners else ""
    return f"{pod['metadata']['name']}{of}"


def _taken_away(pod: Raw) -> str | None:
    """Why it ended, in the words of the kubelet or of whoever evicted it."""
    status = pod.get("status", {})
    if status.get("phase") == "Failed" and status.get("message"):
        return f"{status.get('reason', 'Failed')}: {status['message']}"
    return next(filter(None, map(disruption, status.get("conditions", []))), None)


def _target_pod(pod: Raw) -> TargetPod:
    """A container that has ended and is not started again yet counts as restarted."""
    status = pod.get("status", {})
    containers = status.get("containerStatuses", [])
    restarts = [
        each.get("restartCount", 0) for each in [*status.get("initContainerStatuses", []), *containers]
    ]
    down = sum("terminated" in each.get("state", {}) for each in containers)
    latest = max(_ends(containers), key=lambda end: end[0], default=("", "", ""))
    return TargetPod(pod["metadata"]["name"], sum(restarts) + down, *latest[1:])


def _ends(containers: Sequence[Raw]) -> Iterator[tuple[str, str, str]]:
    """When each container ended last, its name, and how it ended."""
    for each in containers:
        ended = each.get("state", {}).get("terminated") or each.get("lastState", {}).get("terminated")
        if ended:
            how = f"{ended.get('reason') or 'ended'}, exit code {ended.get('exitCode')}"
            yield ended.get("finishedAt") or "", each["name"], how
