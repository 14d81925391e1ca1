"""ResettingData: before the load the data become what every load is to find, mostly by a Job."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from devperfops_operator.api.data import Data, VolumeReset
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import Phase, ResetStatus
from devperfops_operator.api.quantity import parse_duration
from devperfops_operator.domain.effects import CreateObject, DeleteJob, RunDecision
from devperfops_operator.domain.judgement import Judgement, decided
from devperfops_operator.domain.manifests.data_job import data_job_manifest
from devperfops_operator.domain.observed import RunJob, RunObserved, Target
from devperfops_operator.domain.run.quiescing import (
    giving_back,
    quieting,
    refused_to_quiesce,
    remembered,
    restless,
    unfit_to_quiesce,
)
from devperfops_operator.domain.run.replacing import replacing, unbound, unfit_to_replace, waits_for
from devperfops_operator.domain.run.steps import Step, entered, refusal, step, to_acting, wait
from devperfops_operator.domain.verdict import Reason

_LOOK_AGAIN: Final = timedelta(seconds=2)
_AGAIN: Final = "then ask for another run: it resets from the start"


def resetting(observed: RunObserved, gate: PerfGate, target: Target, now: datetime) -> RunDecision:
    """A target that lost its sessions or pods to the reset is waited for."""
    status, job, data = observed.run.status, observed.data_job, gate.spec.data
    if data is None:
        raise ValueError("a gate that resets nothing has no such phase: its criteria would be others")
    ours = job if job is not None and job.run_uid == observed.run.metadata.uid else None
    if status.reset is not None and ours is not None and ours.succeeded and status.reset.done_at is None:
        done = status.reset.model_copy(update={"done_at": now})
        return RunDecision(status.model_copy(update={"reset": done}))
    if _done(status.reset, ours):
        return _finish(observed, target, data, now)
    problem = _problem(observed, ours, data, now)
    if problem is not None:
        return RunDecision(to_acting(status, problem, now), _stopped(observed, ours))
    return _quiesced(observed, data, now) or _reset(observed, data, ours, now)


def _quiesced(observed: RunObserved, data: Data, now: datetime) -> RunDecision | None:
    """The next step to the rest that the reset wants; None: it is there, or none is wanted."""
    if not data.quiesce:
        return None
    return remembered(observed, now) if observed.run.status.reset is None else quieting(observed, now)


def _reset(observed: RunObserved, data: Data, ours: RunJob | None, now: datetime) -> RunDecision:
    status, job = observed.run.status, observed.data_job
    if isinstance(data.reset, VolumeReset):
        if status.reset is None:
            raise ValueError("a volume is replaced only while what uses it is quiet")
        return replacing(observed, status.reset, now)
    if job is None:
        manifest = data_job_manifest(observed.run, data, observed.settings)
        return RunDecision(status, (CreateObject(manifest),), requeue_at=now + _LOOK_AGAIN)
    if ours is None:  # a deleted run's of the same name, which must be gone before ours can be made
        drop = DeleteJob(observed.run.metadata.namespace, job.name)
        return RunDecision(status, (drop,), requeue_at=now + _LOOK_AGAIN)
    return wait(observed, now + _LOOK_AGAIN)


def _done(reset: ResetStatus | None, job: RunJob | None) -> bool:
    """What was scaled to zero comes back only once this is stored: the Job is deleted some time later."""
    if reset is not None:
        return reset.done_at is not None
    return job is not None and job.succeeded


def _finish(observed: RunObserved, target: Target, data: Data, now: datetime) -> RunDecision:
    status = observed.run.status
    effects = giving_back(observed)
    if effects is None and target.ready and _all_ready(observed):
        back = f", {', '.join(map(str, status.reset.workloads))} scaled back" if status.reset else ""
        message = f"the data are reset{back}, and the target is ready"
        return RunDecision(step(status, now, Step.DATA_RESET, message, phase=Phase.STARTING, reset=None))
    waited = now - (entered(status, Phase.RESETTING_DATA) or now)
    problem = _not_ready(observed, waited - parse_duration(data.timeout))
    if problem is not None:
        return RunDecision(to_acting(status, problem, now))
    return RunDecision(status, effects or (), requeue_at=now + _LOOK_AGAIN)


def _all_ready(observed: RunObserved) -> bool:
    return all(each.ready or each.missing for each in observed.workloads) and unbound(observed) is None


def _problem(observed: RunObserved, job: RunJob | None, data: Data, now: datetime) -> Judgement | None:
    refused_job = refusal(observed, "CreateJob")
    if refused_job is not None:
        message = f"the Job that resets the data was refused: {refused_job.message}"
        return decided(Reason.JOB_REFUSED, message)
    waited = now - (entered(observed.run.status, Phase.RESETTING_DATA) or now)
    if job is not None and job.finished and not job.succeeded:
        message = f"the data were not reset, so there was no load: {job.problem}. Correct it, {_AGAIN}"
    elif (why := _unfit(observed, data)) is not None:
        message = f"the data were not reset, so there was no load: {why}. Correct it, {_AGAIN}"
    elif waited > parse_duration(data.timeout):
        message = (
            f"the data were not reset within {data.timeout}, so there was no load: "
            f"{_waits_for(observed, job, data)}. Correct it or write a longer spec.data.timeout, {_AGAIN}"
        )
    else:
        return None
    return decided(Reason.DATA_RESET_FAILED, message)


def _unfit(observed: RunObserved, data: Data) -> str | None:
    """Why nothing is scaled or replaced, whatever the time."""
    volume = unfit_to_replace(observed, data.reset) if isinstance(data.reset, VolumeReset) else None
    return unfit_to_quiesce(observed, data) or volume or refused_to_quiesce(observed)


def _waits_for(observed: RunObserved, job: RunJob | None, data: Data) -> str:
    why = restless(observed) if data.quiesce else None
    if why is not None:
        return why
    return waits_for(observed, data.reset) if isinstance(data.reset, VolumeReset) else _words(job)


def _not_ready(observed: RunObserved, waited: timedelta) -> Judgement | None:
    """The target has the whole time of the reset, and that of a start, to come back."""
    if waited <= observed.settings.start_timeout:
        return None
    message = (
        "the data are reset, but the target does not get ready again, so there was no load: see its pods' "
        "logs; it must bear that its data are replaced and its sessions with the database end"
    )
    late = next((each for each in observed.workloads if not (each.ready or each.missing)), None)
    volume = unbound(observed)
    if volume is not None:
        message = f"the data were not reset, so there was no load: {volume}. Correct it, {_AGAIN}"
    elif late is not None:
        message = f"the data are reset, but {late} does not get ready again: see its pods and their logs"
    return decided(Reason.DATA_RESET_FAILED, message)


def _words(job: RunJob | None) -> str:
    if job is None:
        return "its Job could not be made"
    return job.problem or "its pod still runs; see its logs"


def _stopped(observed: RunObserved, job: RunJob | None) -> tuple[DeleteJob, ...]:
    """A Job that has finished is kept for its logs."""
    if job is None or job.finished:
        return ()
    return (DeleteJob(observed.run.metadata.namespace, job.name),)
