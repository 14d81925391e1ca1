"""Whether the target stayed what it was while it was tested: the same pods, of one revision, all of them.

Its pods are read twice, when the load has begun and when it has ended. How many serve in between is told by
the Deployment, which is watched anyway. What is found is stored at once, lest a restart of ours loses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from devperfops_operator.api.perfrun import (
    MAX_PODS,
    PerfRun,
    PerfRunStatus,
    Phase,
    PodStatus,
    TargetFinding,
    TargetStatus,
)
from devperfops_operator.domain.judgement import Judgement, about_target, decided
from devperfops_operator.domain.load_findings import Finding
from devperfops_operator.domain.observed import RunObserved, TargetPod, TargetPods
from devperfops_operator.domain.run.polling import Window
from devperfops_operator.domain.verdict import Reason

SHORT_FORGIVEN: Final = 0.05
"""Of the judged time: so long fewer pods may serve, as a load may fall short of its rate by as much."""
_NAMED: Final = 3


def pods_wanted(run: PerfRun) -> bool:
    """Whether the target's pods are to be read now: at first sight under load, and once after it."""
    target = run.status.target
    match run.status.phase:
        case Phase.RUNNING:
            return target is None
        case Phase.JUDGING:
            return target is None or target.closed_at is None
        case _:
            return False


def follow_target(
    observed: RunObserved, status: PerfRunStatus, judged_from: datetime, now: datetime
) -> PerfRunStatus:
    """Notes what is tested when the load begins, and from `judged_from` on (our clock) how much serves."""
    ready = observed.target.ready_replicas if observed.target is not None else 0
    target = status.target
    if target is None:
        if observed.target_pods is None:
            return status
        target = _first_look(observed.target_pods, ready, status)
    counted = _settled_at(target, ready) if now < judged_from else _counted(target, ready, now)
    return status.model_copy(update={"target": counted})


def close_target(
    observed: RunObserved, status: PerfRunStatus, window: Window | None, now: datetime
) -> PerfRunStatus:
    """Looks at the pods for the last time, and notes what makes the test invalid."""
    pods, target = observed.target_pods, status.target
    if pods is None or (target is not None and target.closed_at is not None):
        return status
    if target is None:  # nobody saw how it was: the operator was away for all of the load
        target = _first_look(pods, 0, status)
    found = [*_strangers(pods, status), *_restarts(target, pods), *_short(target, pods, window)]
    told = {finding.reason for finding in target.findings}
    new = [TargetFinding(reason=f.reason.value, message=f.message) for f in found if f.reason not in told]
    closed = target.model_copy(update={"closed_at": now, "findings": (*target.findings, *new)})
    return status.model_copy(update={"target": closed})


def mixed_target(status: PerfRunStatus) -> Judgement | None:
    """A load that is answered by others than the judged pods proves nothing by going on."""
    first = next(about_target(status), None)
    return decided(first.reason, first.message) if first is not None else None


def _first_look(pods: TargetPods, ready: int, status: PerfRunStatus) -> TargetStatus:
    seen = [PodStatus(name=pod.name, restarts=pod.restarts) for pod in pods.pods]
    return TargetStatus(
        pods=tuple(seen[:MAX_PODS]),
        replicas=ready,
        fewest=ready,
        findings=tuple(
            TargetFinding(reason=finding.reason.value, message=finding.message)
            for finding in _strangers(pods, status)
        ),
    )


def _settled_at(target: TargetStatus, ready: int) -> TargetStatus:
    """Until the judged time an autoscaler may do what it likes."""
    return target.model_copy(update={"replicas": ready, "fewest": ready})


def _counted(target: TargetStatus, ready: int, now: datetime) -> TargetStatus:
    target = target.model_copy(update={"fewest": min(target.fewest, ready)})
    if ready < target.replicas:
        return target.model_copy(update={"short_since": target.short_since or now})
    return target.model_copy(update={"short_since": None, "short_ms": _short_ms(target, now)})


def _short_ms(target: TargetStatus, now: datetime) -> int:
    """For how long fewer pods than at first were ready, together."""
    going_on = max(now - target.short_since, timedelta()) if target.short_since is not None else timedelta()
    return target.short_ms + going_on // timedelta(milliseconds=1)


def _strangers(pods: TargetPods, status: PerfRunStatus) -> Iterator[Finding]:
    if pods.unread is not None:
        yield Finding(
            Reason.TARGET_UNSEEN,
            f"whether the target stayed what it was is not known, as its pods cannot be read: {pods.unread}",
        )
    if pods.strangers:
        yield Finding(
            Reason.WRONG_REVISION,
            f"requests to Service {pods.service} are also answered by {_listed(pods.strangers)}: not the "
            f"judged revision {status.revision}, so the results are a mix; let the Service select the "
            "target's pods only",
        )


def _restarts(target: TargetStatus, pods: TargetPods) -> Iterator[Finding]:
    before = {pod.name: pod.restarts for pod in target.pods}
    cut = len(target.pods) == MAX_PODS
    grown = [pod for pod in pods.pods if pod.restarts > before.get(pod.name, pod.restarts if cut else 0)]
    if grown:
        yield Finding(
            Reason.TARGET_RESTARTED,
            f"{_listed([_restarted(pod) for pod in grown])} under load, so no steady service was measured; "
            f"see `kubectl logs --previous {grown[0].name}`{_memory(grown)}",
        )


def _restarted(pod: TargetPod) -> str:
    how = f" ({pod.ended})" if pod.ended else ""
    container = f"container {pod.container} of " if pod.container else ""
    return f"{container}pod {pod.name} restarted{how}"


def _memory(pods: Sequence[TargetPod]) -> str:
    return ", and its memory limit" if any("OOMKilled" in pod.ended for pod in pods) else ""


def _short(target: TargetStatus, pods: TargetPods, window: Window | None) -> Iterator[Finding]:
    if window is None or window.ended_at is None or target.fewest >= target.replicas:
        return
    judged = window.ended_at - window.since
    short = timedelta(milliseconds=_short_ms(target, window.ended_at))
    gone = sorted({pod.name for pod in target.pods} - {pod.name for pod in pods.pods})
    if not gone and short <= judged * SHORT_FORGIVEN:
        return
    names = [f"{name} ({pods.taken_away[name]})" if name in pods.taken_away else name for name in gone]
    lost = f"; gone since: {_listed(names)}" if names else ""
    yield Finding(
        Reason.TARGET_SCALED_IN,
        f"down to {target.fewest} of {target.replicas} pods were ready for {short.total_seconds():.0f} s of "
        f"the judged {judged.total_seconds():.0f} s{lost}; keep autoscalers and drains away from the target "
        "while it is tested, or see why its pods were not ready",
    )


def _listed(items: Sequence[str]) -> str:
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return f"{', '.join(items[:_NAMED])}{more}"
