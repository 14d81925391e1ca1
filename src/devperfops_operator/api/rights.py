"""What the operator's roles must grant it: `deploy/` is tested against it, `doctor` asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Rights = Mapping[tuple[str, str], frozenset[str]]
"""(API group, resource) -> verbs."""


def _verbs(text: str) -> frozenset[str]:
    return frozenset(text.split())


NAMESPACED: Final[Rights] = {
    ("devperfops.io", "perfgates"): _verbs("get list watch"),
    ("devperfops.io", "perfgates/status"): _verbs("update"),
    ("devperfops.io", "perfgates/finalizers"): _verbs("update"),
    ("devperfops.io", "perfruns"): _verbs("get list watch create delete"),
    ("devperfops.io", "perfruns/status"): _verbs("update"),
    ("devperfops.io", "perfruns/finalizers"): _verbs("update"),
    ("devperfops.io", "quotapolicies"): _verbs("get list watch"),
    ("devperfops.io", "quotapolicies/status"): _verbs("update"),
    ("devperfops.io", "quotawaivers"): _verbs("list watch"),
    ("apps", "deployments"): _verbs("get list watch patch"),
    ("apps", "replicasets"): _verbs("list"),
    ("apps", "controllerrevisions"): _verbs("get list watch create patch delete"),
    ("batch", "jobs"): _verbs("get list watch create patch delete"),
    ("", "pods"): _verbs("list watch"),
    ("", "configmaps"): _verbs("get list watch create delete"),
    ("", "services"): _verbs("get"),
    ("", "events"): _verbs("get create"),
}
"""In every namespace whose gates it looks after."""

QUIESCE: Final[Rights] = {
    ("devperfops.io", "perfruns"): _verbs("patch"),
    ("apps", "deployments/scale"): _verbs("patch"),
    ("apps", "statefulsets/scale"): _verbs("patch"),
    ("apps", "statefulsets"): _verbs("get"),
}
"""Likewise, where gates have `data.quiesce`."""

VOLUME_SNAPSHOTS: Final[Rights] = {
    ("", "persistentvolumeclaims"): _verbs("get create delete"),
    ("snapshot.storage.k8s.io", "volumesnapshots"): _verbs("get"),
}
"""Likewise, where gates have `data.volumeSnapshot`."""

CLUSTER: Final[Rights] = {("authentication.k8s.io", "tokenreviews"): _verbs("create")}
"""Only a ClusterRole can grant it; not needed where settings say `agentTokens: Verify`."""

OWN: Final[Rights] = {("coordination.k8s.io", "leases"): _verbs("get create update")}
"""In its own namespace: the Lease of the one that decides."""
