"""The Job that loads the target: JMeter, and our agent beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from devperfops_operator.api.load import JMeterLoad
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.domain.manifests.common import labels, owner
from devperfops_operator.domain.objectives import RunPlan
from devperfops_operator.domain.observed import Inputs, LoadJob, RunSettings
from devperfops_operator.domain.plan import jmeter_properties, share_properties
from devperfops_operator.domain.shares import divide
from devperfops_operator.wire.brief import TOKEN_AUDIENCE, VARIABLE, Brief

RESULTS: Final = "/devperfops/results"
PLAN: Final = "/devperfops/plan"
TOKEN: Final = "/var/run/secrets/devperfops"  # noqa: S105  a folder

_USER: Final = 10001
_GRACE_S: Final = 120  # the agent delivers its last blocks in it
_KEPT_S: Final = 600
_SETUP_CONTAINERS: Final = ("agent", "pull", "prepare")
_RESTRICTED: Final = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@dataclass(frozen=True, slots=True)
class _Mount:
    name: str
    path: str
    read_only: bool = False

    def manifest(self) -> dict[str, Any]:
        return {"name": self.name, "mountPath": self.path, "readOnly": self.read_only}


_RESULTS_MOUNT = _Mount("results", RESULTS)
_TMP_MOUNT = _Mount("tmp", "/tmp")  # noqa: S108  the container's own
_TOKEN_MOUNT = _Mount("token", TOKEN, read_only=True)
_PLAN_MOUNT = _Mount("plan", PLAN, read_only=True)


def job_manifest(
    run: PerfRun, gate: PerfGate, plan: RunPlan, inputs: Inputs, settings: RunSettings
) -> dict[str, Any]:
    """An Indexed Job, one completion a worker. No container but ours gets a token: JMX may run Groovy."""
    metadata = run.metadata
    marks = labels(gate=gate.metadata.name, run=metadata.name)
    options = gate.spec.load.jmeter
    deadline = settings.start_timeout + plan.duration + settings.drain_timeout
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": metadata.name,
            "namespace": metadata.namespace,
            "labels": marks,
            "ownerReferences": [owner("PerfRun", metadata)],
        },
        "spec": {
            "completionMode": "Indexed",
            "completions": plan.workers,
            "parallelism": plan.workers,
            "backoffLimit": 0,
            "activeDeadlineSeconds": math.ceil(deadline.total_seconds()),
            "ttlSecondsAfterFinished": _KEPT_S,
            "template": {
                "metadata": {
                    "labels": {**(options.labels or {}), **marks},
                    "annotations": options.annotations or {},
                },
                "spec": _pod(run, gate, plan, inputs, settings),
            },
        },
    }


def read_job(job: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> LoadJob:
    ended = {condition["type"] for condition in _true_conditions(job)} & {"Complete", "Failed"}
    problems = [_failure(job), *map(_pod_problem, pods)]
    return LoadJob(
        name=job["metadata"]["name"],
        run_uid=next((owner["uid"] for owner in job["metadata"].get("ownerReferences", [])), ""),
        suspended=bool(job["spec"].get("suspend")),
        finished=bool(ended),
        problem=next((problem for problem in problems if problem), None),
    )


def _pod(
    run: PerfRun, gate: PerfGate, plan: RunPlan, inputs: Inputs, settings: RunSettings
) -> dict[str, Any]:
    brief = {"name": VARIABLE, "value": _brief(run, gate, plan, inputs, settings).to_json()}
    ours = {"image": settings.operator_image, "env": [brief]}
    options = gate.spec.load.jmeter
    jmeter = _jmeter(options, settings)
    return {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": _GRACE_S,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "initContainers": [
            _container("agent", settings, _RESULTS_MOUNT, _TOKEN_MOUNT, _TMP_MOUNT)
            | ours
            | {"command": ["devperfops-agent", "tail"], "restartPolicy": "Always"}
            | _resources("20m", "48Mi", "128Mi"),
            # JMeter's image is here, and its entry point works, before anybody waits for the common start
            _container("pull", settings, _TMP_MOUNT)
            | jmeter
            | {"args": ["--version", "-j", f"{_TMP_MOUNT.path}/jmeter.log"]},
            _container("prepare", settings, _RESULTS_MOUNT, _TOKEN_MOUNT, _TMP_MOUNT)
            | ours
            | {"command": ["devperfops-agent", "prepare"]}
            | _resources("20m", "48Mi", "128Mi"),
        ],
        "containers": [
            _container("jmeter", settings, _RESULTS_MOUNT, _PLAN_MOUNT, _TMP_MOUNT)
            | jmeter
            | {"args": _jmeter_arguments(options.plan.key)}
        ],
        "volumes": _volumes(gate),
        **_placement(options),
    }


def _jmeter(options: JMeterLoad, settings: RunSettings) -> dict[str, Any]:
    """Image, command and resources as asked for, or ours."""
    resources = options.resources
    return {
        "image": options.image or settings.jmeter_image,
        **({"command": list(options.command)} if options.command else {}),
        **(
            {"resources": resources.to_json()}
            if resources is not None
            else _resources("200m", "512Mi", "1Gi")
        ),
    }


def _placement(options: JMeterLoad) -> dict[str, Any]:
    """Where the pod may run and what it may pull."""
    return {
        "nodeSelector": options.node_selector or {},
        "tolerations": [each.to_json() for each in options.tolerations or ()],
        "imagePullSecrets": [each.to_json() for each in options.image_pull_secrets or ()],
    }


def _container(name: str, settings: RunSettings, *mounts: _Mount) -> dict[str, Any]:
    return {
        "name": name,
        "imagePullPolicy": settings.image_pull_policy,
        "securityContext": _RESTRICTED,
        "volumeMounts": [mount.manifest() for mount in mounts],
    }


def _resources(cpu: str, memory: str, limit: str) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": limit}}}


def _jmeter_arguments(key: str) -> list[str]:
    return [
        *("-n", "-t", f"{PLAN}/{key}"),
        *("-l", f"{RESULTS}/run.jtl"),
        *("-j", f"{RESULTS}/jmeter.log"),
        *("-q", f"{RESULTS}/worker.properties"),
    ]


def _volumes(gate: PerfGate) -> list[dict[str, Any]]:
    token = {"audience": TOKEN_AUDIENCE, "expirationSeconds": 3600, "path": "token"}
    plan = gate.spec.load.jmeter.plan
    return [
        {"name": "results", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
        {"name": "plan", "configMap": {"name": plan.config_map}},
        {"name": "token", "projected": {"sources": [{"serviceAccountToken": token}]}},
    ]


def _brief(run: PerfRun, gate: PerfGate, plan: RunPlan, inputs: Inputs, settings: RunSettings) -> Brief:
    return Brief(
        namespace=run.metadata.namespace,
        run=run.metadata.name,
        run_uid=run.metadata.uid,
        operator_url=settings.operator_url,
        ramp_up_ms=round(plan.ramp_up.total_seconds() * 1000),
        duration_ms=round(plan.duration.total_seconds() * 1000),
        thresholds=plan.thresholds,
        transactions=plan.transactions,
        properties=jmeter_properties(plan, gate.spec.load, inputs),
        shares=tuple(share_properties(share, gate.spec.load) for share in divide(plan)),
    )


def _true_conditions(stored: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    conditions = stored.get("status", {}).get("conditions", [])
    return [condition for condition in conditions if condition.get("status") == "True"]


def _failure(job: Mapping[str, Any]) -> str | None:
    for condition in _true_conditions(job):
        if condition["type"] == "Failed":
            return f"the Job failed: {condition.get('message') or condition.get('reason', '')}"
    return None


def _pod_problem(pod: Mapping[str, Any]) -> str | None:
    """Why this pod does not start, in the scheduler's or the kubelet's own words."""
    status, name = pod.get("status", {}), pod["metadata"]["name"]
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"pod {name} is not scheduled: {condition.get('message', '')}"
    containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    for container in containers:
        state = container.get("state", {})
        waiting, ended = state.get("waiting", {}), state.get("terminated", {})
        if waiting.get("message"):
            return f"container {container['name']} of pod {name} waits: {waiting['message']}"
        if container["name"] in _SETUP_CONTAINERS and ended.get("exitCode", 0) != 0:
            said = f": {ended['message']}" if ended.get("message") else ""
            return f"container {container['name']} of pod {name} ended with code {ended['exitCode']}{said}"
    return None
