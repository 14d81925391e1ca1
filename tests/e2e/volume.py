"""A claim on the cluster's storage, its snapshots, and the processes behind it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from devperfops_operator.domain.manifests.common import RESET_LABEL
from hack import volumes
from hack.cluster import imagestore, settings
from hack.cluster.processes import ProcessTable
from hack.kube import Kube, Object, wait_for

_SNAPSHOTS = "snapshot.storage.k8s.io/v1"


@dataclass(frozen=True)
class Volume:
    kube: Kube
    namespace: str
    name: str = "orders"

    def claim(self, storage_class: str) -> None:
        """One that may be reset."""
        spec = {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": storage_class,
            "resources": {"requests": {"storage": "100Mi"}},
        }
        metadata = {"name": self.name, "namespace": self.namespace, "labels": {RESET_LABEL: "true"}}
        self.kube.create(
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}
        )

    def stored(self) -> Object | None:
        return self.kube.find("PersistentVolumeClaim", self.name, self.namespace)

    @property
    def uid(self) -> str:
        """Of the claim, which is there and is not being deleted."""
        stored = self.stored()
        assert stored is not None
        assert "deletionTimestamp" not in stored["metadata"]
        return str(stored["metadata"]["uid"])

    def snapshot(self, name: str) -> None:
        spec = {
            "volumeSnapshotClassName": volumes.SNAPSHOTS,
            "source": {"persistentVolumeClaimName": self.name},
        }
        metadata = {"name": name, "namespace": self.namespace}
        self.kube.create(
            {"apiVersion": _SNAPSHOTS, "kind": "VolumeSnapshot", "metadata": metadata, "spec": spec}
        )

    def drop_snapshot(self, name: str) -> None:
        self.kube.delete("VolumeSnapshot", name, self.namespace, _SNAPSHOTS)

    def has_snapshot(self, name: str) -> bool:
        return self.kube.find("VolumeSnapshot", name, self.namespace) is not None

    def usable(self, name: str) -> bool:
        status = self.kube.get("VolumeSnapshot", name, self.namespace).get("status", {})
        return bool(status.get("readyToUse"))

    def wait_for_snapshot(self, name: str) -> Object:
        """Its status, once it is ready to use."""
        wait_for(f"snapshot {name} is ready to use", lambda: self.usable(name), seconds=60)
        status: Object = self.kube.get("VolumeSnapshot", name, self.namespace)["status"]
        return status

    def persistent(self) -> list[str]:
        """The volumes that were made for this claim and are there still."""
        wanted = {"namespace": self.namespace, "name": self.name}
        return [
            each["metadata"]["name"]
            for each in self.kube.list("PersistentVolume")
            if wanted.items() <= each["spec"].get("claimRef", {}).items()
        ]

    def run(self, pod: str, command: str) -> str:
        """What a shell command in a pod with the volume in /data has printed; the pod stays, ended."""
        container = {
            "name": "shell",
            "image": imagestore.known(settings.cache(), "postgres").name,
            "imagePullPolicy": "IfNotPresent",
            "command": ["sh", "-c", f"({command}) > /dev/termination-log"],
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
        spec = {
            "restartPolicy": "Never",
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": self.name}}],
        }
        metadata = {"name": pod, "namespace": self.namespace}
        self.kube.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})

        def ended() -> Object | None:
            status: Object = self.kube.get("Pod", pod, self.namespace)["status"]
            return status if status["phase"] == "Succeeded" else None

        status = wait_for(f"pod {pod} has ended well", ended, seconds=60)
        return str(status["containerStatuses"][0]["state"]["terminated"].get("message", "")).strip()


@contextmanager
def paused(process: str) -> Iterator[None]:
    """A process of the storage does nothing meanwhile, as a slow one."""
    cluster = settings.cache().cluster
    identity = ProcessTable(cluster.run, cluster.log).identity(process)
    assert identity is not None, f"{process} does not run"
    os.kill(identity.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(identity.pid, signal.SIGCONT)
