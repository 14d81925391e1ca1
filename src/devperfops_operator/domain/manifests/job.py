"""The Job that loads the target: JMeter, and our agent beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from devperfops_operator.api.load import JMeterLoad, Load, properties_read
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.domain.manifests.common import labels, owner
from devperfops_operator.domain.manifests.load_volumes import (
    RESULTS_MOUNT,
    TMP_MOUNT,
    TOKEN_MOUNT,
    Mount,
    jmeter_mounts,
    prepare_mounts,
    scenario_mounts,
    volumes,
)
from devperfops_operator.domain.manifests.pod import disruption
from devperfops_operator.domain.objectives import RunPlan
from devperfops_operator.domain.observed import Inputs, Problem, RunJob, RunSettings
from devperfops_operator.domain.plan import (
    baseline_properties,
    jmeter_properties,
    load_of,
    share_properties,
)
from devperfops_operator.domain.shape import Shape
from devperfops_operator.domain.shares import divide
from devperfops_operator.wire.brief import VARIABLE, Brief, Shard
from devperfops_operator.wire.brief import Inputs as PodInputs
from devperfops_operator.wire.layout import PLAN, PRIVATE, PRIVATE_PROPERTIES, PROFILE, ROOT, SCENARIO
from devperfops_operator.wire.refusal import Refusal, RefusalReason
from devperfops_operator.wire.threads import STEADY, Offered, Piece

_USER: Final = 10001
_GRACE_S: Final = 120  # the agent delivers its last blocks in it
_KEPT_S: Final = 600
_PREPARE: Final = "prepare"
_SCENARIO: Final = "scenario"
_WORDS: Final = {"OOMKilled": "OOMKilled, out of memory: more than its limit, or than the node had"}
_RESTRICTED: Final = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def job_manifest(
    run: PerfRun, gate: PerfGate, plan: RunPlan, inputs: Inputs, settings: RunSettings
) -> dict[str, Any]:
    """An Indexed Job, one completion a worker. No container but ours gets a token: JMX may run Groovy."""
    metadata = run.metadata
    marks = labels(gate=gate.metadata.name, run=metadata.name)
    options = load_of(gate.spec).jmeter
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


def read_job(job: Mapping[str, Any], pods: Sequence[Mapping[str, Any]]) -> RunJob:
    ended = {condition["type"] for condition in _true_conditions(job)} & {"Complete", "Failed"}
    problems = [*_pod_problems(pods), _failure(job)]
    return RunJob(
        name=job["metadata"]["name"],
        run_uid=next((owner["uid"] for owner in job["metadata"].get("ownerReferences", [])), ""),
        suspended=bool(job["spec"].get("suspend")),
        finished=bool(ended),
        problem=next((problem for problem in problems if problem), None),
        refusal=next((refusal for refusal in map(_refusal, pods) if refusal), None),
        succeeded="Complete" in ended,
    )


def _pod(
    run: PerfRun, gate: PerfGate, plan: RunPlan, inputs: Inputs, settings: RunSettings
) -> dict[str, Any]:
    brief = {"name": VARIABLE, "value": _brief(run, gate, plan, inputs, settings).to_json()}
    ours = {"image": settings.operator_image, "env": [brief]}
    load = load_of(gate.spec)
    options, jmeter = load.jmeter, _jmeter(load.jmeter, settings)
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
            _container("agent", settings, RESULTS_MOUNT, TOKEN_MOUNT)
            | ours
            | {"command": ["devperfops-agent", "tail"], "restartPolicy": "Always"}
            | _resources("20m", "48Mi", "128Mi"),
            # JMeter's image is here, and its entry point works, before anybody waits for the common start
            _container("pull", settings)
            | jmeter
            | {"args": ["--version", "-j", f"{TMP_MOUNT.path}/jmeter.log"]},
            *_scenario(load, inputs, settings),
            _container(_PREPARE, settings, RESULTS_MOUNT, TOKEN_MOUNT, *prepare_mounts(load))
            | ours
            | {"command": ["devperfops-agent", "prepare"]}
            | _resources("20m", "48Mi", "128Mi"),
        ],
        "containers": [
            _container("jmeter", settings, RESULTS_MOUNT, *jmeter_mounts(load))
            | jmeter
            | {"args": _jmeter_arguments(options)}
        ],
        "volumes": volumes(load),
        **_placement(options),
    }


def _scenario(load: Load, inputs: Inputs, settings: RunSettings) -> list[dict[str, Any]]:
    """What makes the test plan. The document may be anybody's: it is read here only, without a token."""
    made = load.jmeter.plan.open_api
    if made is None:
        return []
    address = f"{load.target.scheme}://{inputs.host}:{inputs.port}{made.path}"
    source = address if made.path is not None else f"{ROOT}/{SCENARIO}/{made.document}"
    overlay = [f"--overlay={ROOT}/{SCENARIO}/{made.overlay}"] if made.overlay is not None else []
    follow = [f"--follow={server}" for server in made.follow]
    mix = [f"--profile={ROOT}/{PROFILE}/{load.profile.key}"] if load.profile is not None else []
    weighed = ["--accept-doubts"] if mix else []  # before
    shaped = ["--shaped"] if load.shape is not None else []
    output = f"--output={ROOT}/{PLAN}/{load.jmeter.plan.key}"
    options = (*overlay, *follow, *mix, *weighed, *shaped)
    return [
        _container(_SCENARIO, settings, *scenario_mounts(load))
        | {"image": settings.operator_image, "terminationMessagePolicy": "FallbackToLogsOnError"}
        | {"command": ["devperfops", "scenario", output, *options, "--", source]}
        | _resources("100m", "128Mi", "512Mi")
    ]


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


def _container(name: str, settings: RunSettings, *mounts: Mount) -> dict[str, Any]:
    return {
        "name": name,
        "imagePullPolicy": settings.image_pull_policy,
        "securityContext": _RESTRICTED,
        "volumeMounts": [mount.manifest() for mount in (*mounts, TMP_MOUNT)],
    }


def _resources(cpu: str, memory: str, limit: str) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": limit}}}


def _jmeter_arguments(options: JMeterLoad) -> list[str]:
    """Of two properties of a name the later file's counts."""
    secret = ("-q", f"{ROOT}/{PRIVATE}/{PRIVATE_PROPERTIES}") if options.properties_from else ()
    return [
        *("-n", "-t", f"{ROOT}/{PLAN}/{options.plan.key}"),
        *("-l", f"{RESULTS_MOUNT.path}/run.jtl"),
        *("-j", f"{RESULTS_MOUNT.path}/jmeter.log"),
        *secret,
        *("-q", f"{RESULTS_MOUNT.path}/worker.properties"),
    ]


def _brief(run: PerfRun, gate: PerfGate, plan: RunPlan, inputs: Inputs, settings: RunSettings) -> Brief:
    load = load_of(gate.spec)
    return Brief(
        namespace=run.metadata.namespace,
        run=run.metadata.name,
        run_uid=run.metadata.uid,
        operator_url=settings.operator_url,
        ramp_up_ms=round(plan.ramp_up.total_seconds() * 1000),
        duration_ms=round(plan.duration.total_seconds() * 1000),
        thresholds=plan.thresholds,
        transactions=plan.transactions,
        properties=jmeter_properties(plan, load, inputs),
        shares=_shares(plan, load),
        inputs=_pod_inputs(load),
        host=inputs.host,
        offered=tuple(
            Offered(share.threads, float(share.rate_per_minute), pieces(plan.shape))
            for share in divide(plan)
            if share.rate_per_minute is not None
        ),
    )


def pieces(shape: Shape | None) -> tuple[Piece, ...]:
    if shape is None:
        return STEADY
    return tuple(
        Piece(each.begin // timedelta(milliseconds=1), float(shape.levels[each.level].factor), each.level)
        for each in shape.stretches
    )


def _shares(plan: RunPlan, load: Load) -> tuple[dict[str, str], ...]:
    """By worker."""
    shares = [share_properties(share, load, plan.shape) for share in divide(plan)]
    if load.baseline is not None:
        for index in plan.baseline_workers:
            shares[index] |= baseline_properties(load.baseline, load)
    return tuple(shares)


def _pod_inputs(load: Load) -> PodInputs:
    plan, data = load.jmeter.plan, load.jmeter.data
    shards = data.shards if data is not None else None
    return PodInputs(
        plan=plan.key,
        plan_source=plan.described,
        reads=tuple(sorted(properties_read(load))),
        data_source=data.described if data is not None else "",
        shards=tuple(Shard(shard.file, shard.header) for shard in shards or ()),
        secrets=tuple(each.secret for each in load.jmeter.properties_from or ()),
        plugins_source=load.jmeter.plugins.described if load.jmeter.plugins is not None else "",
        made=plan.open_api is not None,
    )


def _true_conditions(stored: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    conditions = stored.get("status", {}).get("conditions", [])
    return [condition for condition in conditions if condition.get("status") == "True"]


def _failure(job: Mapping[str, Any]) -> str | None:
    for condition in _true_conditions(job):
        if condition["type"] == "Failed":
            return f"the Job failed: {condition.get('message') or condition.get('reason', '')}"
    return None


def _pod_problems(pods: Sequence[Mapping[str, Any]]) -> list[str]:
    """The first one's words, and how many there are: they mostly say the same."""
    problems = [problem for pod in pods if (problem := _pod_problem(pod))]
    more = f" ({len(problems)} of {len(pods)} pods have a problem)" if len(problems) > 1 else ""
    return [problems[0] + more] if problems else []


def _pod_problem(pod: Mapping[str, Any]) -> str | None:
    """Why this pod does not start or has ended badly, in the scheduler's or the kubelet's own words."""
    status, name = pod.get("status", {}), pod["metadata"]["name"]
    if status.get("phase") == "Failed" and status.get("message"):
        return f"pod {name} failed: {status.get('reason', '')}: {status['message']}"
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"pod {name} is not scheduled: {condition.get('message', '')}"
        if disruption(condition):
            return f"pod {name} was taken away: {disruption(condition)}"
    containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    for container in containers:
        state = container.get("state", {})
        waiting, ended = state.get("waiting", {}), state.get("terminated", {})
        if waiting.get("message"):
            return f"container {container['name']} of pod {name} waits: {waiting['message']}"
        if ended.get("exitCode", 0) != 0:
            said = " ".join(ended.get("message", "").split()) or _WORDS.get(ended.get("reason", ""))
            how = f"code {ended['exitCode']}" + (f": {said}" if said else "")
            return f"container {container['name']} of pod {name} ended with {how}"
    return None


def _refusal(pod: Mapping[str, Any]) -> Problem | None:
    """Why there will be no load: no plan can be made, or the agent in this pod will not let JMeter start."""
    for container in pod.get("status", {}).get("initContainerStatuses", []):
        ended = container.get("state", {}).get("terminated", {})
        message = ended.get("message")
        if container["name"] == _SCENARIO and ended.get("exitCode"):
            why = " ".join((message or "it ended without a word; see its log").split())
            return Problem(RefusalReason.PLAN_INVALID, f"no test plan can be made: {why}")
        if container["name"] == _PREPARE and message:
            with suppress(ValueError):  # it is no refusal
                refusal = Refusal.from_json(message)
                return Problem(refusal.reason, refusal.message)
    return None
