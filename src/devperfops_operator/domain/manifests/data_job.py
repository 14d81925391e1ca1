"""The Job that resets the data before the load."""

from __future__ import annotations

import math
from typing import Any, Final, assert_never

from devperfops_operator.api.data import (
    Data,
    HTTPReset,
    JobReset,
    MongoDBReset,
    MySQLReset,
    PostgresReset,
    ResetPod,
    VolumeReset,
)
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.api.quantity import parse_duration
from devperfops_operator.domain.manifests.common import DATA_LABEL, labels, owner
from devperfops_operator.domain.manifests.http_reset import http_container
from devperfops_operator.domain.manifests.load_volumes import TMP_MOUNT, Mount, file_volume, place
from devperfops_operator.domain.manifests.mongodb_reset import mongodb_container
from devperfops_operator.domain.manifests.mysql_reset import mysql_container
from devperfops_operator.domain.manifests.postgres_reset import postgres_container
from devperfops_operator.domain.observed import RunSettings

_CONTAINER: Final = "reset"
_KEPT_S: Final = 600
_GRACE_S: Final = 5  # a reset bears to be killed, and the next one may begin meanwhile


def data_job_name(run: str) -> str:
    """Of the Job of that run; no run is called so, as its name has no dot."""
    return f"{run}.data"


def data_job_manifest(run: PerfRun, data: Data, settings: RunSettings) -> dict[str, Any]:
    """One pod. One that its node takes away is made again; one that fails is not, for it says why."""
    metadata, timeout = run.metadata, parse_duration(data.timeout)
    marks = labels(gate=run.spec.gate, run=metadata.name) | {DATA_LABEL: "true"}
    disrupted = {"type": "DisruptionTarget", "status": "True"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": data_job_name(metadata.name),
            "namespace": metadata.namespace,
            "labels": marks,
            "ownerReferences": [owner("PerfRun", metadata)],
        },
        "spec": {
            "backoffLimit": 0,
            "podFailurePolicy": {"rules": [{"action": "Ignore", "onPodConditions": [disrupted]}]},
            "activeDeadlineSeconds": math.ceil(timeout.total_seconds()),
            "ttlSecondsAfterFinished": _KEPT_S,
            "template": {"metadata": {"labels": marks}, "spec": _spec(data, settings)},
        },
    }


def _spec(data: Data, settings: RunSettings) -> dict[str, Any]:
    reset = data.reset
    match reset:
        case VolumeReset():
            raise ValueError("a volume is replaced by the operator and not by a Job")
        case HTTPReset():
            return _pod(
                ResetPod(image=settings.operator_image), http_container(reset, data.timeout, settings)
            )
        case PostgresReset():
            return _pod(reset, postgres_container(reset))
        case MySQLReset():
            return _pod(reset, mysql_container(reset))
        case MongoDBReset():
            return _pod(reset, mongodb_container(reset))
        case JobReset():
            command = {"command": list(reset.command)} if reset.command else {}
            return _pod(reset, command | ({"args": list(reset.args)} if reset.args else {}))
        case _ as never:
            assert_never(never)


def _pod(reset: ResetPod, container: dict[str, Any]) -> dict[str, Any]:
    security, account = reset.security_context, reset.service_account_name
    volumes = reset.volumes or ()
    mounts = [Mount(file_volume(at), each.mount_path, read_only=True) for at, each in enumerate(volumes)]
    return {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": _GRACE_S,
        "automountServiceAccountToken": account is not None,
        **({"serviceAccountName": account} if account is not None else {}),
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": security.run_as_non_root,
            "runAsUser": security.run_as_user,
            "runAsGroup": security.run_as_group,
            "fsGroup": security.fs_group,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "imagePullSecrets": [each.to_json() for each in reset.image_pull_secrets or ()],
        "containers": [
            _container(reset)
            | container
            | {"volumeMounts": [mount.manifest() for mount in (*mounts, TMP_MOUNT)]}
        ],
        "volumes": [
            {"name": TMP_MOUNT.volume, "emptyDir": {}},
            *({"name": file_volume(at)} | place(each) for at, each in enumerate(volumes)),
        ],
    }


def _container(reset: ResetPod) -> dict[str, Any]:
    """Its last words, if it fails without a termination message, are the end of its log."""
    return {
        "name": _CONTAINER,
        "image": reset.image,
        "env": [each.to_json() for each in reset.env or ()],
        "envFrom": [each.to_json() for each in reset.env_from or ()],
        "resources": reset.resources.to_json() if reset.resources is not None else {},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": reset.security_context.read_only_root_filesystem,
            "capabilities": {"drop": ["ALL"]},
        },
    }
