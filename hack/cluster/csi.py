"""Volumes with snapshots: a CSI driver on the node, and the controllers that kubernetes-csi keeps beside one.

Pure: each function returns how one process is to run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hack.cluster import builds
from hack.cluster.processes import Spec
from hack.cluster.settings import NODE_NAME, Cache, Cluster

DRIVER: Final = "folders.csi.devperfops.io"
NAMES: Final = ("csi", "csi-provisioner", "csi-snapshotter", "snapshot-controller")


def socket(cluster: Cluster) -> Path:
    """Where the driver is asked."""
    return cluster.run / "csi.sock"


def driver(cache: Cache) -> Spec:
    """The driver; the kubelet looks for the other socket by itself."""
    cluster = cache.cluster
    return _spec(
        cache,
        "csi",
        f"--name={DRIVER}",
        f"--node={NODE_NAME}",
        f"--endpoint={socket(cluster)}",
        f"--registration={cluster.lib / 'kubelet/plugins_registry' / DRIVER}.sock",
        f"--folder={cluster.lib / 'csi'}",
    )


def controllers(cache: Cache) -> tuple[Spec, ...]:
    """Those that make volumes and snapshots when they are asked for, as admin: their rights are not tried."""
    beside = (f"--csi-address={socket(cache.cluster)}", "--retry-interval-max=5s")
    return (
        _controller(cache, "snapshot-controller"),
        _controller(cache, "csi-provisioner", *beside),
        _controller(cache, "csi-snapshotter", *beside),
    )


def _controller(cache: Cache, name: str, *arguments: str) -> Spec:
    return _spec(cache, name, f"--kubeconfig={cache.cluster.kubeconfig}", *arguments)


def _spec(cache: Cache, name: str, *arguments: str) -> Spec:
    return Spec(name, (str(builds.executable(cache, builds.CSI, name)), *arguments))
