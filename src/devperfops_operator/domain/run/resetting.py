"""ResettingData: a Job makes the data what every load is to find, before the load's own Job is made."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from devperfops_operator.api.data import Data
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import Phase
from devperfops_operator.api.quantity import parse_duration
from devperfops_operator.domain.effects import CreateObject, DeleteJob, RunDecision
from devperfops_operator.domain.judgement import Judgement, decided
from devperfops_operator.domain.manifests.data_job import data_job_manifest
from devperfops_operator.domain.observed import RunJob, RunObserved, Target
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
    if ours is not None and ours.succeeded and target.ready:
        message = "the data are reset, and the target is ready"
        return RunDecision(step(status, now, Step.DATA_RESET, message, phase=Phase.STARTING))
    problem = _problem(observed, ours, data, now)
    if problem is not None:
        return RunDecision(to_acting(status, problem, now), _stopped(observed, ours))
    if job is None:
        manifest = data_job_manifest(observed.run, data, observed.settings)
        return RunDecision(status, (CreateObject(manifest),), requeue_at=now + _LOOK_AGAIN)
    if ours is None:  # a deleted run's of the same name, which must be gone before ours can be made
        drop = DeleteJob(observed.run.metadata.namespace, job.name)
        return RunDecision(status, (drop,), requeue_at=now + _LOOK_AGAIN)
    return wait(observed, now + _LOOK_AGAIN)


def _problem(observed: RunObserved, job: RunJob | None, data: Data, now: datetime) -> Judgement | None:
    refused = refusal(observed, "CreateJob")
    if refused is not None:
        message = f"the Job that resets the data was refused: {refused.message}"
        return decided(Reason.JOB_REFUSED, message)
    waited = now - (entered(observed.run.status, Phase.RESETTING_DATA) or now)
    limit = parse_duration(data.timeout)
    if job is not None and job.succeeded:
        return _not_ready(observed, waited - limit)
    if job is not None and job.finished:
        message = f"the data were not reset, so there was no load: {job.problem}. Correct it, {_AGAIN}"
    elif waited > limit:
        message = (
            f"the data were not reset within {data.timeout}, so there was no load: {_words(job)}. Correct it "
            f"or write a longer spec.data.timeout, {_AGAIN}"
        )
    else:
        return None
    return decided(Reason.DATA_RESET_FAILED, message)


def _not_ready(observed: RunObserved, waited: timedelta) -> Judgement | None:
    """The target has the whole time of the reset, and that of a start, to come back."""
    if waited <= observed.settings.start_timeout:
        return None
    message = (
        "the data are reset, but the target does not get ready again, so there was no load: see its pods' "
        "logs; it must bear that its data are replaced and its sessions with the database end"
    )
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
