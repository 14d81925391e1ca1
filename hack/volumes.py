"""Volumes with snapshots for the local cluster: what its CSI driver and its controllers need of the API."""

from __future__ import annotations

from typing import Final

from hack import snapshot_crds
from hack.cluster import cluster, csi
from hack.cluster.settings import NODE_NAME, Cache
from hack.kube import Kube, Object, condition, wait_for

IMMEDIATE: Final = "folders"
LATE: Final = "folders-late"
"""A StorageClass whose volumes are made when a pod wants them."""
SNAPSHOTS: Final = "folders"
"""The VolumeSnapshotClass."""

_STORAGE: Final = "storage.k8s.io/v1"


def provide(kube: Kube, cache: Cache) -> None:
    """Have volumes with snapshots; what runs already is left alone.

    Raises:
        ClusterError: a program cannot be built or does not come up.
    """
    definitions = snapshot_crds.definitions()
    kube.apply(definitions)
    names = [each["metadata"]["name"] for each in definitions]
    wait_for("snapshots are served", lambda: all(_served(kube, name) for name in names), seconds=30)
    kube.apply(_objects())
    cluster.add_csi(cache)
    wait_for("the kubelet knows the driver", lambda: _registered(kube), seconds=60)


def _served(kube: Kube, name: str) -> bool:
    stored = kube.get("CustomResourceDefinition", name)
    return condition(stored, "Established").get("status") == "True"


def _registered(kube: Kube) -> bool:
    node = kube.find("CSINode", NODE_NAME, None, _STORAGE) or {"spec": {}}
    return any(each["name"] == csi.DRIVER for each in node["spec"].get("drivers") or ())


def _objects() -> list[Object]:
    driver = {"attachRequired": False, "fsGroupPolicy": "None"}
    return [
        {"apiVersion": _STORAGE, "kind": "CSIDriver", "metadata": {"name": csi.DRIVER}, "spec": driver},
        _class(IMMEDIATE, "Immediate"),
        _class(LATE, "WaitForFirstConsumer"),
        {
            "apiVersion": "snapshot.storage.k8s.io/v1",
            "kind": "VolumeSnapshotClass",
            "metadata": {"name": SNAPSHOTS},
            "driver": csi.DRIVER,
            "deletionPolicy": "Delete",
        },
    ]


def _class(name: str, binding: str) -> Object:
    return {
        "apiVersion": _STORAGE,
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": csi.DRIVER,
        "volumeBindingMode": binding,
    }
