"""A run's report, from its status alone. Pure."""

from __future__ import annotations

from typing import Any, Final

from devperfops_operator.api.base import ApiModel
from devperfops_operator.api.perfrun import PerfRun

SCHEMA: Final = "devperfops.io/report/v1"


def report_document(run: PerfRun) -> dict[str, Any]:
    """The JSON report. Within one `schema` keys are only added; every key is always there, `null` if unknown.

        schema        "devperfops.io/report/v1"
        run           {namespace, name, uid, gate, trigger, revision, askedFor, createdAt, completedAt}
        phase         Pending, AwaitingRollout, Preparing, Starting, Running, Judging, Acting, or at the end
                      one of Completed, Superseded, Cancelled
        verdict       Pass, Fail, Inconclusive, Error, or null: it ended without one, or goes on
        reason        coded reason of the verdict or of the end; message: the sentence that goes with it
        load          {threads, plannedRate, achievedRate ("2987/m"), samples, judgedSamples, errors, startAt,
                      judgedFrom, endsAt (planned), endedAt, stopRequestedAt,
                      progressAt (when these figures were taken)} or null: there was none
        objectives    [{name, expect, verdict, reason, message, observed ("p99 = 212 ms"), exceedance, bound,
                      allowed (shares: "0.35%"), samples, exceedances, decidedAt}]
        workers       [{index, rows, errors, judgedSamples, judgedErrors, blocks, end, truncated, lastEnd,
                      objectives}]
        action        {type: Promote, Rollback or Hold, reason, message, toRevision, decidedAt, doneAt}
                      or null
        timeline      [{at, phase, reason, message}], oldest first

    Moments are RFC 3339 in UTC; counts are of samples (one row of JMeter's results each).
    """
    status = run.status
    return {
        "schema": SCHEMA,
        "run": _identity(run),
        "phase": status.phase.value,
        "verdict": status.verdict.value if status.verdict else None,
        "reason": status.reason,
        "message": status.message,
        "load": _all_keys(status.load) if status.load else None,
        "objectives": [_all_keys(objective) for objective in status.objectives],
        "workers": [_all_keys(worker) for worker in status.workers],
        "action": _all_keys(status.action) if status.action else None,
        "timeline": [_all_keys(entry) for entry in status.timeline],
    }


def _identity(run: PerfRun) -> dict[str, Any]:
    created = _all_keys(run.metadata)["creationTimestamp"]
    status = _all_keys(run.status)
    return {
        "namespace": run.metadata.namespace,
        "name": run.metadata.name,
        "uid": run.metadata.uid,
        "gate": run.spec.gate,
        "trigger": status["trigger"],
        "revision": run.status.revision,
        "askedFor": run.spec.reason or None,
        "createdAt": created,
        "completedAt": status["completedAt"],
    }


def _all_keys(model: ApiModel) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True)
